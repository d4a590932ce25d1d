"""One raw file has many names and may have any ending: it is there once, and shown as what is in it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from fabio.edfimage import EdfImage
from some_scans import FRAMES, ended, frames, started

from nxscribe.model import NO_DETECTOR, RawSearch, RawSeries, now, series_of
from nxscribe.projections import FileSettings, Written
from nxscribe.projections.nexus import write_nexus
from nxscribe.records import Record

GROUP = "instrument/detector01"
DATA = f"{GROUP}/data"
SEEN = frames()


@pytest.fixture
def record(linked: FileSettings) -> Record:
    return started(linked.data_root)


@pytest.fixture
def folder(record: Record) -> Path:
    return Path(record.directory)


def inside(written: Written) -> tuple[np.ndarray | None, list[str], list[str]]:
    """The frames, the names in the detector's list, those in `measurement/files`."""
    with h5py.File(written.master) as file:
        entry = file[written.entry]
        lists = [entry[path].asstr()[()].tolist() for path in (f"{GROUP}/data_file/file_name", "measurement/files")]
        return (entry[DATA][()] if DATA in entry else None, *lists)


def write_edf(path: Path, frame: np.ndarray) -> None:
    EdfImage(data=frame).write(str(path))


def write_tiff(path: Path, frame: np.ndarray) -> None:
    tifffile.imwrite(path, frame)


def write_hdf5(path: Path, frame: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file["data"] = frame[None]


FORMATS = {".edf": write_edf, ".tif": write_tiff, ".h5": write_hdf5}


def around(folder: Path, name: str) -> list[str]:
    """Other ways to name a file: by hand, through a link to its folder, through a link beside it."""
    elsewhere = folder.parent / "elsewhere"
    if not elsewhere.exists():
        elsewhere.symlink_to(folder)
    (folder / f"again_{name}").symlink_to(folder / name)
    where = str(folder)
    return [
        f"{where}/{name}",
        f"{where}/./{name}",
        f"{where}//{name}",
        f"/{where}/{name}",
        f"{where}/../{folder.name}/{name}",
        f"{elsewhere}/{name}",
        f"{where}/again_{name}",
    ]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_that_is_named_in_any_way_twice_is_there_once(
    ending: str, record: Record, folder: Path, linked: FileSettings
) -> None:
    names = []
    for number, frame in enumerate(SEEN[:2]):
        FORMATS[ending](folder / f"f_{number}{ending}", frame)
        names += around(folder, f"f_{number}{ending}")
    written = write_nexus(ended(record, *series_of("pco", names)), linked)
    seen, of_detector, of_scan = inside(written)
    np.testing.assert_array_equal(seen, SEEN[:2])
    assert of_detector == of_scan == [f"bone/scan0001/f_{number}{ending}" for number in range(2)]
    assert [text for text in written.warnings if GROUP in text] == []


def test_a_file_that_a_detector_and_the_control_system_both_name_is_the_detectors(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    write_edf(folder / "f_0.edf", SEEN[0])
    for raw in (
        (RawSeries(NO_DETECTOR, f"{folder}/.", "f_%d.edf"), RawSeries("pco", str(folder), "f_%d.edf")),
        (RawSeries("pco", str(folder), "f_%d.edf"), RawSeries(NO_DETECTOR, f"/{folder}", "f_%d.edf", count=2)),
    ):
        written = write_nexus(ended(record, *raw), linked)
        _, of_detector, of_scan = inside(written)
        assert of_detector == ["bone/scan0001/f_0.edf"]
        assert of_scan in (["bone/scan0001/f_0.edf"], ["bone/scan0001/f_0.edf", "bone/scan0001/f_1.edf"])


def test_files_that_are_found_and_named_are_there_once(record: Record, folder: Path, linked: FileSettings) -> None:
    for number, frame in enumerate(SEEN):
        write_edf(folder / f"f_{number}.edf", frame)
    (folder.parent / "linked").symlink_to(folder)
    search = RawSearch("pco", str(folder), "f_*.edf")
    over = replace(ended(record, *series_of("pco", [f"{folder.parent}/linked/f_0.edf"])), searches=(search,))
    seen, _, of_scan = inside(write_nexus(over, linked))
    np.testing.assert_array_equal(seen, SEEN)
    assert len(of_scan) == len(SEEN)


@pytest.mark.parametrize("ending", FORMATS)
def test_files_through_a_symbolic_link_to_the_data_root_are_inside_the_experiment(
    ending: str, record: Record, folder: Path, linked: FileSettings, tmp_path: Path
) -> None:
    mounted = tmp_path / "mnt"
    mounted.symlink_to(linked.data_root)
    FORMATS[ending](folder / f"f_0{ending}", SEEN[0])
    through = mounted / folder.relative_to(linked.data_root)
    for directory in (record.directory, str(through)):
        over = ended(replace(record, directory=directory), RawSeries("pco", str(through), f"f_%d{ending}"))
        written = write_nexus(over, linked)
        seen, _, of_scan = inside(written)
        np.testing.assert_array_equal(seen, SEEN[:1])
        assert of_scan == [f"bone/scan0001/f_0{ending}"]
        assert not any("outside" in text for text in written.warnings)


@pytest.mark.parametrize("name", ["f.nx5", "f.hdf", "f.nexus", "f.cxi", "f.h5_tmp", "f.0007", "f", "f.edf", "F.H5"])
def test_an_hdf5_file_is_known_by_what_is_in_it(name: str, record: Record, folder: Path, linked: FileSettings) -> None:
    with h5py.File(folder / name, "w", userblock_size=512) as file:
        file["data"] = SEEN
    written = write_nexus(ended(record, RawSeries("pco", str(folder), name)), linked)
    np.testing.assert_array_equal(inside(written)[0], SEEN)
    with h5py.File(written.master) as file:
        assert file[f"{written.entry}/{GROUP}/data_file/type"].asstr()[()] == "application/x-hdf5"


@pytest.mark.parametrize("write", [write_edf, write_tiff])
def test_other_formats_are_known_by_what_is_in_them(write, record: Record, folder: Path, linked: FileSettings) -> None:
    for number, frame in enumerate(SEEN):
        write(folder / f"f.{number:04d}", frame)
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "f.%04d", 0, len(SEEN))), linked)
    np.testing.assert_array_equal(inside(written)[0], SEEN)


def test_numbered_endings_are_one_kind_and_files_of_several_formats_are_told_by_name(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    write_hdf5(folder / "f.h5", SEEN[0])
    write_edf(folder / "f.edf", SEEN[0])
    (folder / "f").write_bytes(b"something else")
    paths = [str(folder / name) for name in ("f.h5", "f.edf", "f")]
    written = write_nexus(ended(record, *series_of("pco", paths)), linked)
    (warning,) = [text for text in written.warnings if text.startswith(DATA)]
    assert "raw files of EDF and HDF5 and a format that is not known (as f) can be listed only" in warning


def test_a_file_without_a_known_ending_that_is_not_there_yet_is_pending(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    over = replace(ended(record, RawSeries("pco", str(folder), "frames")), end_time=now())
    waiting = replace(linked, raw_hours=1.0)
    assert "frames is not there" in write_nexus(over, waiting).pending[DATA]
    write_hdf5(folder / "frames", SEEN[0])
    written = write_nexus(over, waiting)
    assert written.complete
    assert inside(written)[0].shape == (1, *FRAMES[1:])


def test_of_ten_thousand_files_named_once_none_is_asked_for_its_links(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nxscribe.projections.nexus.raw import _folder as raw_folder  # noqa: PLC0415 - only here

    for number in range(60):
        (folder / f"f_{number:02d}.edf").touch()
    asked: list[str] = []
    monkeypatch.setattr(os.path, "islink", lambda path: asked.append(path) or False)
    paths = sorted(map(str, folder.iterdir()))
    assert raw_folder.once([*paths, *paths]) == paths
    assert asked == []
