"""What one entry holds."""

from __future__ import annotations

import stat
from dataclasses import replace

import h5py
import numpy as np
import pytest
from msgspec import structs
from some_scans import DEFINITION, END, HOST, ended, frames, hdf5_scan, reading, started

from nxscribe.model import Reading, is_text, iso
from nxscribe.projections import FileSettings, Layout
from nxscribe.projections.nexus import Written, write_nexus
from nxscribe.records import EndReason, Record


def texts(dataset: h5py.Dataset) -> str | list[str]:
    return np.asarray(dataset.asstr()[()]).tolist()


@pytest.fixture
def record(settings: FileSettings) -> Record:
    return started(settings.data_root)


def test_a_reading_is_in_the_file_with_unit_description_source_and_time(record: Record, settings: FileSettings) -> None:
    written = write_nexus(record, settings)
    with h5py.File(written.master) as file:
        x = file["entry_0001/sample/x"]
        assert x[()] == 1500.0
        assert dict(x.attrs) == {
            "units": "um",
            "source_units": "mm",
            "description": "Sample's position across the beam",
            "source": f"{HOST}/sim/motor/sx/position",
            "timestamp": iso(record.start_time),
            "target": "/entry_0001/sample/x",
        }


@pytest.mark.parametrize(("count", "is_told"), [(1000, True), (20_000, False)])
def test_numbers_behind_labels_are_beside_them_as_far_as_an_attribute_holds_them(
    count: int, *, is_told: bool, record: Record, settings: FileSettings
) -> None:
    labels, numbers = ["MANUAL", "AUTOMATIC"] * (count // 2), [0, 1] * (count // 2)
    mode = structs.replace(reading(labels), details={"enum_value": numbers})
    record = replace(record, given={"Sample_name": mode, "sx": mode})
    with h5py.File(write_nexus(record, settings).master) as file:
        sample = file["entry_0001/sample"]
        assert ("enum_value" in sample["name"].attrs) is is_told
        assert texts(sample["name"]) == " ".join(labels)
        assert sample["x"][()].tolist() == numbers


def test_a_quality_is_written_only_where_it_is_not_valid(record: Record, settings: FileSettings) -> None:
    with h5py.File(write_nexus(record, settings).master) as file:
        assert file["entry_0001/instrument/source/current"].attrs["quality"] == "CHANGING"
        assert "quality" not in file["entry_0001/sample/x"].attrs


def test_the_start_shows_what_is_known_and_lists_what_is_still_to_come(record: Record, settings: FileSettings) -> None:
    written = write_nexus(record, settings)
    assert not written.complete
    assert set(written.pending) == {
        "end_time",
        "instrument/source/current_end",
        "instrument/source/pressure",
        "instrument/attenuator/thickness",
        "plot/rotation_angle",
    }
    assert "no answer in 0.5 s" in written.pending["instrument/source/pressure"]
    with h5py.File(written.master) as file:
        entry = file["entry_0001"]
        assert texts(entry["title"]) == "bone - scan0001"
        assert texts(entry["start_time"]) == iso(record.start_time)
        assert texts(entry["nxscribe/pending"]) == list(written.pending)
        assert "end_time" not in entry
        assert "end_reason" not in entry["nxscribe"]


def test_the_end_takes_each_value_from_its_phase(record: Record, settings: FileSettings) -> None:
    write_nexus(record, settings)
    written = write_nexus(ended(record), settings)
    assert written.complete
    assert not written.pending
    with h5py.File(written.master) as file:
        source = file["entry_0001/instrument/source"]
        assert (source["current"][()], source["current_end"][()]) == (199.7, 198.2)
        assert source["current_end"].attrs["timestamp"] == iso(END)
        assert texts(file["entry_0001/end_time"]) == iso(END)
        assert texts(file["entry_0001/nxscribe/end_reason"]) == "finished"
        assert file["entry_0001/nxscribe/initial_capture_duration"][()] == 0.031
        assert file["entry_0001/nxscribe/final_capture_duration"][()] == 0.029


def test_a_value_of_no_phase_is_the_starts_and_the_ends_only_where_the_start_had_none(
    record: Record, settings: FileSettings
) -> None:
    late = ended(record, pressure=reading(1e-8, "mbar", time=END), sx=reading(9.9, "mm", time=END))
    with h5py.File(write_nexus(late, settings).master) as file:
        assert file["entry_0001/instrument/source/pressure"][()] == 1e-8
        assert file["entry_0001/sample/x"][()] == 1500.0


def test_what_the_control_system_set_wins_over_what_was_read(record: Record, settings: FileSettings) -> None:
    record = replace(record, given={"sx": Reading("parameter", END, np.asarray("7"), "um")})
    with h5py.File(write_nexus(ended(record), settings).master) as file:
        assert file["entry_0001/sample/x"][()] == 7.0
        assert file["entry_0001/sample/x"].attrs["source"] == "parameter"


def test_what_is_missing_is_absent_and_listed_with_its_reason(record: Record, settings: FileSettings) -> None:
    written = write_nexus(ended(record), settings)
    assert written.missing["instrument/source/pressure"] == "no answer in 0.5 s"
    assert written.missing["instrument/attenuator/thickness"] == "${nowhere} was neither read nor set in this scan"
    with h5py.File(written.master) as file:
        entry = file["entry_0001"]
        assert "pressure" not in entry["instrument/source"]
        assert "attenuator" not in entry["instrument"]
        listed = dict(zip(texts(entry["nxscribe/missing"]), texts(entry["nxscribe/missing_reason"]), strict=True))
        assert listed == written.missing


def test_a_text_that_is_no_number_makes_the_field_missing(record: Record, settings: FileSettings) -> None:
    written = write_nexus(ended(record, rotation_angle=reading("abc")), settings)
    assert written.missing["plot/rotation_angle"] == "the text 'abc' is not a float"


def test_a_reading_in_a_unit_of_another_kind_is_written_as_read_with_a_warning(
    record: Record, settings: FileSettings
) -> None:
    written = write_nexus(ended(record, rotation_angle=reading(12.4, "keV")), settings)
    assert written.warnings == ("plot/rotation_angle: read in keV, which cannot be told in deg: written as read",)
    with h5py.File(written.master) as file:
        angle = file["entry_0001/plot/rotation_angle"]
        assert (angle[()], angle.attrs["units"]) == (12.4, "keV")
        assert texts(file["entry_0001/nxscribe/warnings"]) == list(written.warnings)


def test_a_literal_is_written_as_the_definitions_own(record: Record, settings: FileSettings) -> None:
    with h5py.File(write_nexus(record, settings).master) as file:
        name = file["entry_0001/instrument/source/name"]
        assert texts(name) == "ESRF"
        assert dict(name.attrs) == {"source": "definition"}


def test_a_mixed_text_with_a_missing_part_is_missing(settings: FileSettings) -> None:
    text = DEFINITION.replace("${sampleName} - ${scanName}", "${sampleName} at ${pressure}")
    written = write_nexus(ended(started(settings.data_root, text=text)), settings)
    assert written.missing["title"] == "no answer in 0.5 s"


def test_a_dangling_link_is_reported_and_not_written(record: Record, settings: FileSettings) -> None:
    written = write_nexus(ended(record), settings)
    assert written.missing["plot/data"] == "the link's target instrument/detector01/data is not in the entry"
    with h5py.File(written.master) as file:
        assert file["entry_0001/plot"].get("data", getlink=True) is None


def test_a_signal_that_is_not_there_is_not_named(record: Record, settings: FileSettings) -> None:
    written = write_nexus(ended(record), settings)
    assert written.missing["plot@signal"] == "data is not in the group"
    with h5py.File(written.master) as file:
        assert set(file["entry_0001/plot"].attrs) == {"NX_class"}
        assert "default" not in file.attrs
        assert "default" not in file["entry_0001"].attrs


def test_the_default_chain_leads_from_the_root_to_a_plot(record: Record, settings: FileSettings) -> None:
    seen = frames()
    written = write_nexus(ended(record, hdf5_scan(record, seen)), settings)
    with h5py.File(written.master) as file:
        plot = file[file.attrs["default"]][file[file.attrs["default"]].attrs["default"]]
        assert plot.attrs["NX_class"] == "NXdata"
        np.testing.assert_array_equal(plot[plot.attrs["signal"]], seen)
        assert plot.attrs["axes"].tolist() == ["rotation_angle", ".", "."]
        assert plot.attrs["rotation_angle_indices"] == 0


def test_an_axis_of_another_length_than_the_frames_is_dropped_and_reported(
    record: Record, settings: FileSettings
) -> None:
    late = ended(record, hdf5_scan(record, frames()), rotation_angle=reading([1.0, 2.0], "deg"))
    written = write_nexus(late, settings)
    assert "2 values" in written.missing["plot@axes"]
    with h5py.File(written.master) as file:
        assert "axes" not in file["entry_0001/plot"].attrs


def test_an_aborted_scan_says_so(record: Record, settings: FileSettings) -> None:
    written = write_nexus(ended(record, reason=EndReason.ABORTED), settings)
    with h5py.File(written.master) as file:
        assert texts(file["entry_0001/nxscribe/end_reason"]) == "aborted"


def test_the_account_tells_whose_the_entry_is_and_with_what_definition_it_was_made(
    record: Record, settings: FileSettings
) -> None:
    record = replace(record, notes=("restarted during the scan",))
    with h5py.File(write_nexus(record, settings).master) as file:
        account = file["entry_0001/nxscribe"]
        assert texts(account["record_id"]) == record.id
        assert texts(account["definition_sha256"]) == record.definition.sha256
        assert "\n".join(texts(account["definition_text"])) == record.definition.text
        assert texts(account["notes"]) == ["restarted during the scan"]
        assert texts(account["program"]) == "nxscribe"


def test_the_root_has_the_attributes_that_nexus_asks_for(record: Record, settings: FileSettings) -> None:
    written = write_nexus(record, settings)
    for path in {written.master, written.entry_file}:
        with h5py.File(path) as file:
            assert file.attrs["NX_class"] == "NXroot"
            assert file.attrs["file_name"] == path.name
            assert file.attrs["creator"] == "nxscribe"
            assert {"file_time", "creator_version", "HDF5_Version", "h5py_version", "NeXus_release"} <= set(file.attrs)


def test_a_running_entry_can_be_replaced_and_a_complete_one_is_read_only(data_root) -> None:
    record = started(data_root)
    settings = FileSettings(data_root, Layout.LINKED)
    running = write_nexus(record, settings).entry_file
    assert stat.S_IMODE(running.stat().st_mode) & 0o200
    assert stat.S_IMODE(write_nexus(ended(record), settings).entry_file.stat().st_mode) == 0o444


def values(written: Written) -> dict[str, tuple[object, dict[str, object]]]:
    """Everything in an entry but when its file was made."""
    found: dict[str, tuple[object, dict[str, object]]] = {}
    with h5py.File(written.master) as file:

        def look(name: str, node: h5py.HLObject) -> None:
            found[name] = (
                np.asarray(node[()]).tolist() if isinstance(node, h5py.Dataset) else None,
                {key: np.asarray(value).tolist() for key, value in node.attrs.items()},
            )

        file[written.entry].visititems(look)
    return found


def test_writing_again_gives_the_same(record: Record, settings: FileSettings) -> None:
    over = ended(record, hdf5_scan(record, frames()))
    first = write_nexus(over, settings)
    before = values(first)
    assert write_nexus(over, settings) == first
    assert values(first) == before


def test_both_layouts_hold_the_same(data_root) -> None:
    record = started(data_root)
    over = ended(record, hdf5_scan(record, frames()))
    one = write_nexus(over, FileSettings(data_root, Layout.LINKED))
    other = write_nexus(replace(over, master="other/other.h5"), FileSettings(data_root, Layout.SINGLE))
    assert values(one).keys() == values(other).keys()
    assert {
        key: value for key, value in values(one).items() if not key.endswith("files") and "file_name" not in key
    } == {key: value for key, value in values(other).items() if not key.endswith("files") and "file_name" not in key}


def test_readings_of_any_type_come_back_as_they_were(settings: FileSettings) -> None:
    given = {
        "d": np.asarray([1.5, np.nan, np.inf]),
        "f": np.asarray(0.1, dtype=np.float32),
        "i": np.asarray(-(2**63)),
        "u": np.asarray(2**64 - 1, dtype=np.uint64),
        "h": np.asarray([[1, 2], [3, 4]], dtype=np.int16),
        "b": np.asarray([True, False]),
        "t": np.asarray("Å µ 中 \n"),
        "l": np.asarray(["a b", ""]),
        "e": np.asarray([], dtype=np.float64),
        "n": np.asarray([], dtype="U1"),
        "m": np.asarray([f"µ{number}" for number in range(500)] + [""]),
    }
    fields = "".join(f'<{name} NAPItype="NX_CHAR_OR_NUMBER">${{{name}}}</{name}>' for name in given)
    text = f'<group NX_class="NXentry" groupName="${{entry}}">{fields}</group>'
    record = started(settings.data_root, text=text)
    record = replace(record, given={name: reading(value) for name, value in given.items()})
    written = write_nexus(ended(record), settings)
    assert written.missing == {}
    with h5py.File(written.master) as file:
        for name, value in given.items():
            node = file["entry_0001"][name]
            if is_text(value):
                assert np.asarray(node.asstr()[()]).tolist() == value.tolist()
            else:
                assert node.dtype == value.dtype
                np.testing.assert_array_equal(node[()], value)
