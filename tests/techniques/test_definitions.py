"""The shipped definitions that the simulated beamline does not play, and scans that break off."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from silx.io.nxdata import NXdata
from some_scans import ended, frames, hdf5_scan, reading, started

from nxscribe.definitions import definition_text, load_definition
from nxscribe.model import Phase, Snapshot
from nxscribe.projections import FileSettings
from nxscribe.projections.files import Written
from nxscribe.projections.nexus import write_nexus
from nxscribe.projections.nexus.validate import validate
from nxscribe.records import DefinitionText, Record

DEFINITIONS = Path(__file__).parents[2] / "definitions"
OF_ITS_OWN = {
    "SR_filling_mode": "uniform",
    "insertion_device_type": "undulator",
    "shutter_state": "OPEN",
    "user_orcid": "0000-0002-1825-0097",
    "user_ror": "https://ror.org/02550n020",
    "proposal_doi": "10.15151/ESRF-ES-0000",
    "instrument_doi": "10.5442/ni000000",
    "axis1_dimension": 3,
    "axis2_dimension": 2,
    "axis1_start": 0.0,
    "axis1_stop": 1.0,
    "axis2_start": 0.0,
    "axis2_stop": 1.0,
    "diode": np.arange(6.0),
    "axis1_id": 0,
    "axis2_id": 1,
    "axis1_kind": "forth",
    "axis2_kind": "forth",
    "axis1_positions": np.asarray([0.0, 0.5, 1.0] * 2),
    "axis2_positions": np.asarray([0.0] * 3 + [1.0] * 3),
    "image_key": np.asarray([2, 1, 0, 0, 0, 1]),
    "rotation_angle": np.arange(6.0),
    "frames": 6,
    "field_of_view": "Full",
}


def scan(name: str, data_root: Path, *parts: str, without: tuple[str, ...] = (), raw: bool = True) -> Record:
    """A scan with a shipped definition and a reading for each placeholder: a number where a number is asked for."""
    loaded = load_definition(name, DEFINITIONS / f"{name}.xml", [DEFINITIONS / "parts" / part for part in parts])
    definition = loaded.definition
    text = definition_text(definition)
    numeric = set(re.findall(r'NAPItype="NX_(?:FLOAT|INT|NUMBER)[^>]*>\s*\$\{([^}]+)\}', text))
    numeric |= {"exposure_time"}
    readings = {
        placeholder: reading(OF_ITS_OWN.get(placeholder, 1.0 if placeholder in numeric else "some"))
        for placeholder in definition.placeholders - set(without)
        if not placeholder.startswith("axis3")
    }
    readings |= {f"axis3_{what}": reading(0.0) for what in ("start", "stop")} | {"axis3_dimension": reading(1)}
    readings |= {"axis3_id": reading(2), "axis3_kind": reading("forth")}
    record = replace(
        started(data_root, text=text),
        definition=DefinitionText(name, definition.sha256, text),
    )
    for built_in in ("startDate", "endDate", "location", "scanNumber", "sampleName", "scanName", "proposal"):
        readings.pop(built_in, None)
    initial = Snapshot(Phase.INITIAL, record.start_time, 0.1, readings)
    series = [hdf5_scan(record, frames())] if raw else []
    return ended(replace(record, initial=initial), *series, **readings)


@pytest.fixture
def settings(tmp_path: Path) -> FileSettings:
    (tmp_path / "data").mkdir()
    return FileSettings(tmp_path / "data")


def wrong(written: Written) -> list[str]:
    return [str(error) for error in validate(written.master).errors]


@pytest.mark.parametrize(("name", "group"), [("saxs", "SAXS"), ("ptycho", "PTYCHO"), ("mx", "MX")])
def test_a_technique_of_the_catalogue_is_a_subentry_of_a_valid_file(
    name: str, group: str, settings: FileSettings
) -> None:
    written = write_nexus(scan(name, settings.data_root), settings)
    with h5py.File(written.master) as file:
        assert file[f"entry_0001/{group}"].attrs["NX_class"] == "NXsubentry"
        assert len(file[f"entry_0001/{group}"]) > 8
        if name == "saxs":
            assert file["entry_0001/definition"].asstr()[()] == "NXsas"
    assert not wrong(written)


def test_identifiers_have_their_types(settings: FileSettings) -> None:
    written = write_nexus(scan("mrt", settings.data_root, "identifiers.xml"), settings)
    with h5py.File(written.master) as file:
        assert file["entry_0001/user/identifier_orcid"].attrs["type"] == "ORCID"
        assert file["entry_0001/identifier_technique"].attrs["type"] == "PURL"
        assert file["entry_0001/identifier_technique"].asstr()[()].endswith("PaNET01323")
    assert not wrong(written)


def test_a_broken_off_tomography_claims_nothing_and_is_valid(settings: FileSettings) -> None:
    written = write_nexus(scan("tomo", settings.data_root, without=("image_key", "rotation_angle")), settings)
    assert "/instrument/detector01/image_key" in written.missing["definition"]
    with h5py.File(written.master) as file:
        assert "definition" not in file["entry_0001"]
        assert "definition" not in file["entry_0001"].attrs
    assert not wrong(written)


def test_a_tomography_with_all_it_needs_claims_to_be_one(settings: FileSettings) -> None:
    written = write_nexus(scan("tomo", settings.data_root), settings)
    with h5py.File(written.master) as file:
        assert file["entry_0001"].attrs["definition"] == "NXtomo"
        assert file["entry_0001/instrument/detector/count_time"].shape == (6,)
    assert not wrong(written)


@pytest.mark.parametrize(
    ("lengths", "shape", "axes"),
    [
        ((6, 1, 1), (6,), ["axis1"]),
        ((3, 2, 1), (2, 3), ["axis2", "axis1"]),
        ((1, 3, 2), (2, 3), ["axis3", "axis2"]),
        ((4, 3, 2), (2, 3, 4), ["axis3", "axis2", "axis1"]),
    ],
)
def test_a_scan_is_a_line_a_mesh_or_a_cube(
    lengths: tuple[int, ...], shape: tuple[int, ...], axes: list[str], settings: FileSettings
) -> None:
    record = scan("scan", settings.data_root)
    assert record.final
    seen = np.arange(float(np.prod(lengths)))
    set_both(record, diode=seen)
    for number, length in enumerate(lengths, 1):
        set_both(record, **{f"axis{number}_dimension": length, f"axis{number}_start": 0.0, f"axis{number}_stop": 1.0})
        positions = np.linspace(0, 1, length) if length > 1 else np.zeros(1)
        at_each = np.broadcast_to(positions.reshape([-1] + [1] * (number - 1)), lengths[::-1])
        set_both(record, **{f"axis{number}_positions": at_each.ravel(), f"axis{number}_name": f"motor{number}"})
    written = write_nexus(record, settings)
    assert not wrong(written)
    with h5py.File(written.master) as file:
        plot = NXdata(file["entry_0001/plot"])
        assert plot.is_valid
        assert plot.signal.shape == shape
        np.testing.assert_array_equal(plot.signal[()], seen.reshape(shape))
        assert plot.axes_dataset_names == axes
        for name in axes:
            assert file[f"entry_0001/instrument/{name}"].attrs["NX_class"] == "NXpositioner"
            assert file[f"entry_0001/instrument/{name}/value"].shape == seen.shape


def set_both(record: Record, **values: object) -> None:
    assert record.final
    for snapshot in (record.initial, record.final):
        for name, value in values.items():
            snapshot.readings[name] = reading(value)


def test_a_continuous_scan_keeps_what_was_ordered_and_where_the_motor_really_was(settings: FileSettings) -> None:
    record = scan("scan", settings.data_root)
    measured = np.linspace(0, 1, 6) + 0.003  # read on the fly: never quite where it was ordered
    set_both(
        record, scan_type="continuous", axis1_name="srot", axis1_dimension=6, axis2_dimension=1, axis1_start=0.0,
        axis1_stop=1.0, axis1_positions=measured, dwell_time=0.01,
    )  # fmt: skip
    written = write_nexus(record, settings)
    assert not wrong(written)
    with h5py.File(written.master) as file:
        entry = file["entry_0001"]
        assert entry["scan/scan_type"].asstr()[()] == "continuous"
        np.testing.assert_array_equal(entry["instrument/axis1/value"][()], measured)
        np.testing.assert_allclose(entry["plot/axis1"][()], np.linspace(0, 1, 6))
        assert NXdata(entry["plot"]).is_valid


@pytest.mark.parametrize("snakes", [False, True])
@pytest.mark.parametrize("slow_first", [False, True])
@pytest.mark.parametrize("with_positions", [False, True])
def test_a_mesh_in_any_order_of_its_points_is_the_same_picture(
    settings: FileSettings, *, snakes: bool, slow_first: bool, with_positions: bool
) -> None:
    x, y = np.meshgrid(np.linspace(0, 1, 3), np.linspace(0, 1, 2))  # axis 1 along x, axis 2 along y
    seen = x + 10 * y
    fast = 1 if slow_first else 0  # the dimension that the fast axis does not have

    def measured(picture: np.ndarray) -> np.ndarray:
        """In the order of measuring: line after line of the fast axis."""
        lines = picture.T.copy() if slow_first else picture.copy()
        if snakes:
            lines[1::2] = lines[1::2, ::-1].copy()
        return lines.ravel()

    record = scan("scan", settings.data_root)
    set_both(record, axis1_id=fast, axis2_id=1 - fast, diode=measured(seen))
    set_both(record, **{f"axis{2 if slow_first else 1}_kind": "backnforth" if snakes else "forth"})
    for number, picture in ((1, x), (2, y)):
        positions = measured(picture) + 0.02 * np.sin(np.arange(6)) if with_positions else np.zeros(1)
        set_both(record, **{f"axis{number}_positions": positions})
    written = write_nexus(record, settings)
    assert not wrong(written)
    with h5py.File(written.master) as file:
        plot = NXdata(file["entry_0001/plot"])
        assert plot.is_valid
        np.testing.assert_array_equal(plot.signal[()], seen)
        assert plot.axes_dataset_names == ["axis2", "axis1"]
        assert not {"shape", "axis_id", "axis_kind", "positions"} & set(file["entry_0001/plot/diode"].attrs)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"axis1_positions": [0, 0.5, 1, 1, 0.5, 0]}, "have another order"),  # snaked, and not told
        ({"axis1_positions": [0, 0, 0.5, 0.5, 1, 1], "axis2_positions": [0, 1] * 3}, "have another order"),
        ({"axis1_id": 1, "axis2_id": 1}, "which axis is faster"),
        ({"axis1_id": 1, "axis2_id": 0}, "have another order"),
        ({"axis1_kind": "step"}, "moves 'step'"),
    ],
)
def test_a_mesh_whose_order_is_in_doubt_stays_a_list(told: dict[str, object], why: str, settings: FileSettings) -> None:
    record = scan("scan", settings.data_root)
    set_both(record, **told)
    written = write_nexus(record, settings)
    assert not wrong(written)
    assert [why in one for one in written.warnings if one.startswith("plot/diode")] == [True]
    with h5py.File(written.master) as file:
        np.testing.assert_array_equal(file["entry_0001/plot/diode"][()], np.arange(6.0))
        assert "axes" not in file["entry_0001/plot"].attrs


def test_a_broken_off_mesh_stays_as_it_came(settings: FileSettings) -> None:
    record = scan("scan", settings.data_root)
    assert record.final
    record.final.readings["diode"] = reading(np.arange(5.0))
    written = write_nexus(record, settings)
    with h5py.File(written.master) as file:
        assert file["entry_0001/plot/diode"].shape == (5,)
    assert any("do not fill a mesh" in warning for warning in written.warnings)
    assert not wrong(written)
