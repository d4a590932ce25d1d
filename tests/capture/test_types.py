from __future__ import annotations

import time
from datetime import UTC, datetime

import numpy as np
import pytest
from everything import NUMBERS, STAMP

from nxscribe.capture import TangoReader
from nxscribe.model import Quality, Reading

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
def read(serve_module):
    server = serve_module("everything")
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
    assert value.dtype.kind == "U"
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


def test_encoded_data_are_its_bytes(read):
    value = read("encoded").value
    assert value.dtype == np.uint8
    assert value.tobytes() == b"\x00\xff\x10"


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
        ("no_such", ("no such attribute", "mend the name")),
    ],
)
def test_an_attribute_that_fails_says_what_why_and_the_remedy(read, attribute, words):
    reading = read(attribute)
    assert not reading.ok
    assert attribute in reading.error
    for word in words:
        assert word in reading.error
    assert "\n" not in reading.error
