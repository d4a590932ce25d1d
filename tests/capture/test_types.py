from __future__ import annotations

import time
from datetime import UTC, datetime

import numpy as np
import pytest
import tango
from everything import NUMBERS, STAMP
from readers import TangoReader

from nxscribe.model import Quality, Reading, is_text

DTYPES = {
    "DevShort": np.int16,
    "DevLong": np.int32,
    "DevLong64": np.int64,
    "DevUShort": np.uint16,
    "DevULong": np.uint32,
    "DevULong64": np.uint64,
    "DevUChar": np.uint8,
    "DevFloat": np.float32,
    "DevDouble": np.float64,
}


@pytest.fixture(scope="module")
def server(serve_module):
    return serve_module("everything")


@pytest.fixture(scope="module")
def read(server):
    with TangoReader() as reader:

        def read(attribute: str) -> Reading:
            name = f"{server.device}/{attribute}"
            return reader.read([name], time.monotonic() + 5)[name]

        yield read


@pytest.mark.parametrize("kind", NUMBERS)
def test_a_number_keeps_its_width_and_every_digit(read, kind):
    reading = read(f"scalar_{kind}")
    assert reading.error == ""
    assert reading.value.dtype == DTYPES[kind]
    assert reading.value.shape == ()
    assert reading.value == DTYPES[kind](NUMBERS[kind])


@pytest.mark.parametrize("kind", NUMBERS)
def test_spectra_and_images_of_numbers_keep_type_and_shape(read, kind):
    first = DTYPES[kind](NUMBERS[kind])
    spectrum, image = read(f"spectrum_{kind}").value, read(f"image_{kind}").value
    assert spectrum.dtype == image.dtype == DTYPES[kind]
    assert spectrum.tolist() == [first.item(), 1, 2, 3]
    assert image.tolist() == [[first.item(), 1], [2, 3], [0, 1]]


@pytest.mark.parametrize("kind", [*NUMBERS, "DevBoolean", "DevString", "DevState"])
def test_empty_ones_are_values_and_not_missing(read, kind):
    assert read(f"empty_spectrum_{kind}").value.shape == (0,)
    assert read(f"empty_image_{kind}").value.size == 0
    assert read(f"empty_image_{kind}").value.ndim == 2


def test_booleans_stay_booleans(read):
    assert read("boolean").value.dtype == np.bool_
    assert read("boolean").value.item() is True
    assert read("spectrum_DevBoolean").value.tolist() == [True, False, True]


def test_nan_and_infinity_are_values(read):
    assert np.isnan(read("not_a_number").value)
    assert read("infinite").value == -np.inf


@pytest.mark.parametrize(
    ("attribute", "text"),
    [("plain", "gold"), ("empty", ""), ("latin", "µm à 20 °C"), ("utf8", "μm → Å")],
)
def test_texts_keep_their_letters_whichever_encoding_the_server_sends(read, attribute, text):
    value = read(f"text_{attribute}").value
    assert is_text(value)
    assert value.item() == text


def test_spectra_and_images_of_texts_keep_their_shape(read):
    assert read("spectrum_DevString").value.tolist() == ["a", "", "µm à 20 °C"]
    assert read("image_DevString").value.shape == (2, 3)


def test_a_state_is_its_name(read):
    assert read("state_of_gate").value.item() == "INSERT"
    assert read("State").value.item() == "UNKNOWN"
    assert read("spectrum_DevState").value.tolist() == ["ON", "FAULT", "ON"]
    assert read("image_DevState").value.tolist() == [["ON", "FAULT", "ON"]] * 2


def test_an_enumeration_is_its_label(read):
    assert read("mode").value.item() == "AUTOMATIC"
    assert read("spectrum_DevEnum").value.tolist() == ["REMOTE", "MANUAL"]
    assert read("image_DevEnum").value.tolist() == [["REMOTE", "MANUAL"]]


def test_an_enumerations_number_stands_beside_its_label(read):
    assert read("mode").details == {"enum_value": 1}
    assert read("spectrum_DevEnum").details == {"enum_value": [2, 0]}
    assert read("image_DevEnum").details == {"enum_value": [2, 0]}


def test_encoded_data_are_its_bytes_with_the_name_of_their_format(read):
    reading = read("encoded")
    assert reading.value.dtype == np.uint8
    assert reading.value.tobytes() == b"\x00\xff\x10"
    assert reading.details == {"encoded_format": "jpeg"}


def test_the_set_point_is_read_on_request(read, server):
    device = tango.DeviceProxy(server.device)
    device.position, device.offsets, device.wanted_mode = 7.25, [1.0, 2.0, 3.0], 2
    reading = read("position#write")
    assert (reading.value, reading.unit) == (7.25, "mm")
    assert reading.source.endswith("/position#write")
    assert read("position").value == 1.5
    assert read("offsets#write").value.tolist() == [1.0, 2.0, 3.0]
    assert read("wanted_mode#write").value == "REMOTE"
    assert read("wanted_mode#write").details == {"enum_value": 2}


def test_both_parts_of_an_attribute_are_had_in_one_read(server, tango_host):
    names = [f"{server.device}/position", f"{server.device}/position#write"]
    tango.DeviceProxy(server.device).position = 4.0
    with TangoReader(tango_host) as reader:
        readings = reader.read(names, time.monotonic() + 5)
    assert [float(readings[name].value) for name in names] == [1.5, 4.0]


def test_an_attribute_without_a_set_point_says_so(read):
    reading = read("energy#write")
    assert not reading.ok
    assert "no set point" in reading.error


def test_a_memorized_value_is_read_from_the_database(server, tango_host):
    tango.DeviceProxy(server.device).memorized = 12.5
    name = f"{server.device}/memorized/__value"
    with TangoReader(tango_host) as reader:
        reading = reader.properties([name], time.monotonic() + 5)[name]
        assert float(str(reading.value)) == 12.5
        assert reading.source == f"{tango_host}/{name}"
        missing = f"{server.device}/memorized/no_such"
        assert "none of this name" in reader.properties([missing], time.monotonic() + 5)[missing].error


def test_a_display_unit_and_a_format_are_told_where_someone_set_them(read):
    assert read("energy").details == {"display_unit": "eV", "format": "%8.4f"}
    assert read("latin_unit").details == {}


def test_a_time_that_is_far_from_ours_is_told_with_the_difference(read):
    assert read("stamped").details["timestamp_offset"] == pytest.approx(STAMP - time.time(), abs=60)
    assert "timestamp_offset" not in read("energy").details


@pytest.mark.parametrize(
    ("attribute", "unit"), [("energy", "keV"), ("boolean", ""), ("no_unit", ""), ("latin_unit", "µm")]
)
def test_the_unit_is_the_devices_and_an_unset_one_is_empty(read, attribute, unit):
    assert read(attribute).unit == unit


def test_the_time_is_the_devices_to_the_microsecond(read):
    time = read("stamped").time
    assert time.tzinfo is UTC
    # PyTango's server cuts where it should round.
    assert abs((time - datetime.fromtimestamp(STAMP, UTC)).total_seconds()) < 2e-6
    assert time.microsecond % 1000 != 0


@pytest.mark.parametrize("quality", ["VALID", "CHANGING", "WARNING", "ALARM"])
def test_the_quality_is_kept(read, quality):
    reading = read(f"quality_{quality.lower()}")
    assert reading.quality is Quality[quality]
    assert reading.value == 2.0


def test_an_invalid_value_is_none_and_says_so(read):
    reading = read("invalid")
    assert not reading.ok
    assert reading.quality is Quality.INVALID
    assert "not valid" in reading.error


def test_the_source_is_the_full_name_with_the_database(read, tango_host):
    source = read("energy").source
    assert source.startswith(f"{tango_host}/test/everything/")
    assert source.endswith("/energy")


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ("throwing", ("the crate is off", "see the device's own log")),
        ("refusing", ("the crate is off", "Crate_Off")),
        ("umlauts", ("{Kühlung} fehlt: 3 μm → Å, ºC",)),
        ("odd_reason", ("die Pumpe läuft nicht", "Kühlung{fehlt}")),
        ("no_such", ("does not have this attribute", "correct the name")),
    ],
)
def test_an_attribute_that_fails_says_what_why_and_the_remedy(read, attribute, words):
    reading = read(attribute)
    assert not reading.ok
    assert attribute in reading.error
    for word in words:
        assert word in reading.error
    assert "\n" not in reading.error
