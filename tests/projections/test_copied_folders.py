"""What is read in a folder that was copied or moved: its own frames, or an error, and never another folder's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from some_scans import edf_series, ended, frames, hdf5_scan, hdf5_series, started

from nxscribe.model import RawSeries
from nxscribe.projections import FileSettings
from nxscribe.projections.nexus import write_nexus
from nxscribe.projections.nexus.validate import Check, validate
from nxscribe.records import Record

DATA = "entry_0001/instrument/detector01/data"
SEEN, OTHER = frames(1), frames(2)
Make = Callable[[Record, np.ndarray], RawSeries]


def tiff_series(record: Record, seen: np.ndarray) -> RawSeries:
    for number, frame in enumerate(seen):
        tifffile.imwrite(Path(record.directory) / f"im_{number:04d}.tif", frame)
    return RawSeries("pco", record.directory, "im_%04d.tif", 0, len(seen))


FORMATS = [hdf5_scan, hdf5_series, edf_series, tiff_series]
NO_HDF5 = [edf_series, tiff_series]


def experiment(root: Path, make: Make, **settings: int) -> Path:
    """The master of one scan."""
    record = started(root)
    return write_nexus(ended(record, make(record, SEEN)), FileSettings(root, **settings)).master


def rewrite(root: Path, make: Make) -> None:
    """Other pixels in all raw files of a folder."""
    record = replace(started(root), directory=str(root / "ma2210/id16a/bone/scan0001"))
    make(record, OTHER)


def read(master: Path, cwd: Path | str = "/", **environment: str) -> np.ndarray | str:
    """The frames as a plain h5py sees them, or its error."""
    code = "import h5py, numpy, sys; numpy.save(sys.argv[3], h5py.File(sys.argv[1])[sys.argv[2]][()])"
    result = master.parent / "read.npy"
    env = {name: value for name, value in os.environ.items() if name != "HDF5_EXTFILE_PREFIX"} | environment
    command = [sys.executable, "-c", code, master, DATA, result]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, check=False)
    return done.stderr.decode().splitlines()[-1] if done.returncode else np.load(result)


def errors(master: Path) -> list[str]:
    return [error.what for error in validate(master, with_others=False).errors if error.check is not Check.DEFAULT]


@pytest.mark.parametrize("make", FORMATS)
def test_a_copy_beside_the_original_reads_its_own_frames(make: Make, tmp_path: Path) -> None:
    master = experiment(tmp_path / "data", make)
    copy = shutil.copytree(tmp_path / "data", tmp_path / "copy") / master.relative_to(tmp_path / "data")
    assert errors(copy) == []
    rewrite(tmp_path / "data", make)
    np.testing.assert_array_equal(read(copy), SEEN)
    assert errors(copy) == []
    shutil.rmtree(tmp_path / "data")
    np.testing.assert_array_equal(read(copy), SEEN)
    assert errors(copy) == []


@pytest.mark.parametrize("make", NO_HDF5)
def test_frames_that_are_too_many_to_copy_need_hdf5s_variable(make: Make, tmp_path: Path) -> None:
    master = experiment(tmp_path / "data", make, copied_bytes=0)
    np.testing.assert_array_equal(read(master, HDF5_EXTFILE_PREFIX="${ORIGIN}"), SEEN)
    assert "unable to open external" in read(master)


@pytest.mark.parametrize("make", NO_HDF5)
@pytest.mark.parametrize("original_is", ["rewritten", "gone"])
def test_a_copy_of_linked_frames_never_reads_those_of_the_original(
    make: Make, original_is: str, tmp_path: Path
) -> None:
    master = experiment(tmp_path / "data", make, copied_bytes=0)
    copy = shutil.copytree(tmp_path / "data", tmp_path / "copy") / master.relative_to(tmp_path / "data")
    if original_is == "gone":
        shutil.rmtree(tmp_path / "data")
    else:
        rewrite(tmp_path / "data", make)
        # Where the raw files of the original are, and the folder of its entries.
        for cwd in (tmp_path / "data/ma2210/id16a/bone/scan0001", master.parent / "ma2210-id16a_entries"):
            assert "unable to open external" in read(copy, cwd=cwd)
    np.testing.assert_array_equal(read(copy, HDF5_EXTFILE_PREFIX="${ORIGIN}"), SEEN)
    assert "unable to open external" in read(copy)


def test_frames_are_copied_up_to_the_limit_of_one_detector(tmp_path: Path) -> None:
    for limit, is_copied in ((SEEN.nbytes, True), (SEEN.nbytes - 1, False)):
        master = experiment(tmp_path / f"{limit}", edf_series, copied_bytes=limit)
        with h5py.File(master) as file:
            assert (file[DATA].external is None) == is_copied


def test_frames_are_copied_anew_only_where_a_raw_file_was_written_since(tmp_path: Path) -> None:
    record = started(tmp_path)
    settings = FileSettings(tmp_path)
    running = replace(ended(record, edf_series(record, SEEN)), end_time=None, end_reason=None, final=None)
    write_nexus(running, settings)
    (copy,) = tmp_path.rglob("frames/*/entry_0001.h5")
    before = copy.stat().st_ino
    over = ended(record, *running.raw)
    write_nexus(over, settings)
    assert (copy.stat().st_ino, copy.stat().st_mode & 0o777) == (before, 0o444)
    rewrite(tmp_path, edf_series)
    write_nexus(over, settings)
    assert copy.stat().st_ino != before
    with h5py.File(copy) as file:
        np.testing.assert_array_equal(file["entry_0001/pco"], OTHER)


def test_a_raw_file_that_is_cut_while_it_is_copied_costs_the_frames_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = started(tmp_path)
    record = ended(record, edf_series(record, SEEN))
    plain = os.pread
    monkeypatch.setattr(os, "pread", lambda file, size, place: plain(file, size, place)[:-1] if size > 1 else b"")
    written = write_nexus(record, FileSettings(tmp_path))
    assert "holo_0000.edf became shorter" in written.missing["instrument/detector01/data"]
    with h5py.File(written.master) as file:
        assert "sample" in file["entry_0001"]
        assert DATA not in file
