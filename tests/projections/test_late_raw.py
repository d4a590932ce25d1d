"""Raw files that are not there yet when their scan ends, or that nobody tells of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import fabio.edfimage
import h5py
import numpy as np
import pytest
import tifffile
from some_scans import FRAMES, edf_series, ended, frames, hdf5_scan, hdf5_series, started

from nxscribe.model import RawSearch, RawSeries, now
from nxscribe.projections import FileSettings, Written
from nxscribe.projections.nexus import inspect_entry, write_nexus
from nxscribe.projections.nexus.validate import Check, validate
from nxscribe.records import Record

GROUP = "instrument/detector01"
DATA = f"{GROUP}/data"


@pytest.fixture
def waiting(linked: FileSettings) -> FileSettings:
    return replace(linked, raw_hours=1.0)


@pytest.fixture
def record(linked: FileSettings) -> Record:
    return replace(started(linked.data_root), start_time=now() - timedelta(minutes=10))


def just_ended(record: Record, *raw: RawSeries, searches: tuple[RawSearch, ...] = ()) -> Record:
    return replace(ended(record, *raw), end_time=now(), searches=searches)


def long_ago(record: Record) -> Record:
    return replace(record, end_time=now() - timedelta(hours=2))


def through_master(written: Written) -> np.ndarray:
    with h5py.File(written.master) as file:
        return file[f"{written.entry}/{DATA}"][()]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("make", [hdf5_scan, hdf5_series, edf_series])
def test_what_is_not_there_is_pending_first_complete_when_it_has_come_and_missing_after_the_limit(
    make, record: Record, waiting: FileSettings
) -> None:
    seen = frames()
    series = make(record, seen)
    path = Path(series.directory) / list(series)[-1]
    away = path.with_suffix(".away")
    path.rename(away)
    over = just_ended(record, series)

    early = write_nexus(over, waiting)
    assert (early.complete, early.awaits_raw) == (False, True)
    assert any("is not there" in reason for reason in early.pending.values())
    assert mode(early.entry_file) != 0o444
    with h5py.File(early.master) as file:
        assert f"{early.entry}/nxscribe/pending" in file
        assert DATA not in file[early.entry] or len(file[early.entry][DATA]) < len(seen)

    late = write_nexus(long_ago(over), waiting)
    assert (late.complete, late.awaits_raw, late.pending) == (True, False, {})
    assert any("is not there" in reason for reason in late.missing.values())

    away.rename(path)
    whole = write_nexus(over, waiting)
    assert (whole.complete, whole.pending) == (True, {})
    assert mode(whole.entry_file) == 0o444
    np.testing.assert_array_equal(through_master(whole), seen)
    assert inspect_entry(over, waiting) == ()


def test_an_entry_made_when_all_was_there_equals_one_that_was_completed(record: Record, waiting: FileSettings) -> None:
    series = edf_series(record, frames())
    path = Path(series.directory) / "holo_0005.edf"
    data = path.read_bytes()
    path.write_bytes(data[:530])
    over = just_ended(record, series)
    assert write_nexus(over, waiting).awaits_raw
    path.write_bytes(data)
    completed = everything(write_nexus(over, waiting).entry_file)
    shutil.rmtree(waiting.data_root / "ma2210/id16a/ma2210-id16a_entries")
    (waiting.data_root / "ma2210/id16a/ma2210-id16a.h5").unlink()
    assert everything(write_nexus(over, waiting).entry_file) == completed


def everything(path: Path) -> dict[str, object]:
    found: dict[str, object] = {}

    def note(name: str, node: h5py.Group | h5py.Dataset) -> None:
        attributes = {key: np.asarray(value).tolist() for key, value in node.attrs.items()}
        found[name] = (attributes, np.asarray(node[()]).tolist() if isinstance(node, h5py.Dataset) else None)

    with h5py.File(path) as file:
        file["entry_0001"].visititems(note)
        found[DATA] = file[f"entry_0001/{DATA}"][()].tolist()
    return found


@pytest.mark.parametrize("libver", ["earliest", "v110"])
def test_an_hdf5_file_that_its_detector_still_writes_is_pending(
    libver: str, record: Record, waiting: FileSettings
) -> None:
    seen = frames()
    path = Path(record.directory) / "tomo.h5"
    code = (
        "import h5py, sys, numpy\n"
        "file = h5py.File(sys.argv[1], 'w', libver=sys.argv[2])\n"
        "data = file.create_dataset('data', (6, 4, 5), 'u2', chunks=(1, 4, 5))\n"
        "data[:3] = 1\nfile.flush()\ndata[3:] = 1\n"
        "print('open', flush=True)\nsys.stdin.read(1)\n"
        "data[...] = numpy.load(sys.argv[3])\nfile.close()\n"
    )
    np.save(record.directory + "/seen.npy", seen)
    series = RawSeries("pco", record.directory, "tomo.h5")
    over = just_ended(record, series)
    with subprocess.Popen(
        [sys.executable, "-c", code, path, libver, record.directory + "/seen.npy"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as detector:
        assert detector.stdin
        assert detector.stdout
        assert detector.stdout.readline() == b"open\n"
        assert write_nexus(over, waiting).awaits_raw
        detector.stdin.write(b"x")
        detector.stdin.close()
    written = write_nexus(over, waiting)
    assert written.complete
    np.testing.assert_array_equal(through_master(written), seen)


def test_frames_of_an_hdf5_file_that_are_not_written_yet_are_pending(record: Record, waiting: FileSettings) -> None:
    seen = frames()
    path = Path(record.directory) / "tomo.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", FRAMES, "u2", chunks=(1, *FRAMES[1:]))[:2] = seen[:2]
    over = just_ended(record, RawSeries("pco", record.directory, "tomo.h5"))
    early = write_nexus(over, waiting)
    assert early.awaits_raw
    np.testing.assert_array_equal(through_master(early), seen[:2])
    with h5py.File(path, "r+") as file:
        file["data"][2:] = seen[2:]
    np.testing.assert_array_equal(through_master(write_nexus(over, waiting)), seen)


def test_what_will_never_come_is_missing_at_once(record: Record, waiting: FileSettings) -> None:
    series = hdf5_series(record, frames())
    with h5py.File(Path(record.directory) / "part_0001.h5", "w") as file:
        file["entry_0000/measurement/data"] = np.zeros((2, 9, 9), "u2")
    written = write_nexus(just_ended(record, series), waiting)
    assert written.complete
    assert "holds uint16 frames of (9, 9)" in written.missing[f"{GROUP}/data_file/part_0001.h5"]


def test_files_found_by_a_pattern_are_linked_in_the_order_of_their_numbers(
    record: Record, waiting: FileSettings
) -> None:
    seen = frames()
    for number, frame in enumerate(seen, 8):  # 8, 9, 10 …: not the order of the letters
        with h5py.File(Path(record.directory) / f"f_{number}.h5", "w") as file:
            file["data"] = frame
    over = just_ended(record, searches=(RawSearch("pco", record.directory, "f_*.h5"),))
    early = write_nexus(over, waiting)
    assert "more may follow" in early.pending[f"{GROUP}/data_file"]
    settle(record)
    written = write_nexus(over, waiting)
    assert written.complete
    np.testing.assert_array_equal(through_master(written), seen)
    assert sum(series.count for series in written.found) == len(seen)


def settle(record: Record, ago_s: float = 60.0) -> None:
    for path in Path(record.directory).iterdir():
        os.utime(path, (time.time() - ago_s, time.time() - ago_s))


def test_a_folder_of_many_scans_gives_those_files_that_were_written_during_the_scan(
    record: Record, waiting: FileSettings
) -> None:
    seen = frames()
    for number, frame in enumerate(seen):
        with h5py.File(Path(record.directory) / f"f_{number:02d}.h5", "w") as file:
            file["data"] = frame
    settle(record)
    earlier = time.time() - 3600
    for number in (0, 1):
        os.utime(Path(record.directory) / f"f_{number:02d}.h5", (earlier, earlier))
    over = just_ended(record, searches=(RawSearch("pco", record.directory, "f_*.h5", during=True),))
    np.testing.assert_array_equal(through_master(write_nexus(over, waiting)), seen[2:])


def test_a_search_that_finds_nothing_is_pending_and_then_missing(record: Record, waiting: FileSettings) -> None:
    over = just_ended(record, searches=(RawSearch("pco", record.directory + "/nowhere", "*.h5"),))
    assert "is not there" in write_nexus(over, waiting).pending[f"{GROUP}/data_file"]
    written = write_nexus(long_ago(over), waiting)
    assert "is not there" in written.missing[f"{GROUP}/data_file"]
    assert written.complete


def preallocated_edf(folder: Path, seen: np.ndarray, written: int) -> RawSeries:
    """One file of all frames that has its length from the beginning, but only some of its frames."""
    path = folder / "all.edf"
    image = fabio.edfimage.EdfImage(data=seen[0])
    for frame in seen[1:]:
        image.append_frame(data=frame)
    image.write(str(path))
    data = path.read_bytes()
    step = len(data) // len(seen)
    with path.open("wb") as file:
        for start in range(0, len(data), step):  # all headers, some frames
            file.seek(start)
            file.write(data[start : start + (step if start < written * step else 512)])
        file.truncate(len(data))
    return RawSeries("pco", str(folder), "all.edf")


def preallocated_tiff(folder: Path, seen: np.ndarray, written: int) -> RawSeries:
    path = folder / "all.tif"
    tifffile.imwrite(path, seen, photometric="minisblack", metadata=None)
    with tifffile.TiffFile(path) as file:
        start = file.pages[written].dataoffsets[0]
    data = path.read_bytes()
    rest = start + seen[written:].nbytes
    with path.open("wb") as file:
        file.write(data[:start])
        file.seek(rest)
        file.write(data[rest:])
        file.truncate(len(data))
    return RawSeries("pco", str(folder), "all.tif")


def preallocated_hdf5(folder: Path, seen: np.ndarray, written: int, **how: object) -> RawSeries:
    with h5py.File(folder / "all.h5", "w") as file:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        creation.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        if "chunks" in how:
            creation.set_chunk(how["chunks"])
        space = h5py.h5s.create_simple(seen.shape)
        h5py.h5d.create(file.id, b"data", h5py.h5t.py_create(seen.dtype), space, creation)
        file["data"][:written] = seen[:written]
    return RawSeries("pco", str(folder), "all.h5")


def preallocated_chunks(folder: Path, seen: np.ndarray, written: int) -> RawSeries:
    return preallocated_hdf5(folder, seen, written, chunks=(1, *seen.shape[1:]))


def single_files_with_an_empty_one(folder: Path, seen: np.ndarray, written: int) -> RawSeries:
    for number, frame in enumerate(seen):
        path = folder / f"f_{number:04d}.edf"
        fabio.edfimage.EdfImage(data=frame).write(str(path))
        if number == written:
            with path.open("r+b") as file:
                size = path.stat().st_size
                file.truncate(1024)
                file.truncate(size)
    return RawSeries("pco", str(folder), "f_%04d.edf", 0, len(seen))


@pytest.fixture
def tells_of_holes(linked: FileSettings) -> None:
    path = linked.data_root / "hole"
    with path.open("wb") as file:
        file.truncate(1 << 20)
        try:
            is_told = os.lseek(file.fileno(), 0, os.SEEK_HOLE) == 0
        except OSError:
            is_told = False
    path.unlink()
    if not is_told:
        pytest.skip("this file system does not tell where a file has no data")


@pytest.mark.usefixtures("tells_of_holes")
@pytest.mark.parametrize("written", [0, 2])
@pytest.mark.parametrize(
    "make",
    [preallocated_edf, preallocated_tiff, preallocated_hdf5, preallocated_chunks, single_files_with_an_empty_one],
)
def test_frames_of_a_file_that_has_its_length_before_its_frames_are_pending_and_never_zeros(
    make: Callable[[Path, np.ndarray, int], RawSeries], written: int, record: Record, waiting: FileSettings
) -> None:
    seen = np.random.default_rng(1).integers(1, 60000, (6, 128, 128)).astype("u2")
    series = make(Path(record.directory), seen, written)
    early = write_nexus(just_ended(record, series), waiting)
    assert early.awaits_raw
    assert "were not written, and would read as 0" in " ".join(early.pending.values())
    if written:
        np.testing.assert_array_equal(through_master(early), seen[:written])
    else:
        with h5py.File(early.master) as file:
            assert "data" not in file[f"{early.entry}/{GROUP}"]
    make(Path(record.directory), seen, len(seen) - 1)
    with_last = write_nexus(long_ago(just_ended(record, series)), waiting)
    np.testing.assert_array_equal(through_master(with_last), seen[:5])
    assert "the frames from" in " ".join(with_last.missing.values())


@pytest.mark.usefixtures("tells_of_holes")
@pytest.mark.parametrize("make", [preallocated_edf, preallocated_hdf5])
def test_frames_that_were_lost_from_a_file_of_the_same_length_are_found_by_validation(
    make: Callable[[Path, np.ndarray, int], RawSeries], record: Record, waiting: FileSettings
) -> None:
    seen = np.random.default_rng(1).integers(1, 60000, (6, 128, 128)).astype("u2")
    series = make(Path(record.directory), seen, len(seen))
    written = write_nexus(just_ended(record, series), replace(waiting, copied_bytes=0))
    assert not [found for found in validate(written.master, with_others=False).errors if found.check is Check.RAW]
    make(Path(record.directory), seen, 3)
    found = [found for found in validate(written.master, with_others=False).errors if found.check is Check.RAW]
    assert any("zeros" in finding.what for finding in found)


@pytest.mark.parametrize("make", [hdf5_scan, hdf5_series, edf_series])
def test_a_last_frame_of_one_value_is_doubted(make, record: Record, waiting: FileSettings) -> None:
    seen = frames()
    seen[-1] = 0
    written = write_nexus(just_ended(record, make(record, seen)), waiting)
    assert any("the last frame holds nothing but 0" in warning for warning in written.warnings)
    np.testing.assert_array_equal(through_master(written), seen)
