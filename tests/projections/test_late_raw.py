"""Raw files that are not there yet when their scan ends, or that nobody tells of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import h5py
import numpy as np
import pytest
from some_scans import FRAMES, edf_series, ended, frames, hdf5_scan, hdf5_series, started

from nxscribe.model import RawSearch, RawSeries, now
from nxscribe.projections import FileSettings, Written
from nxscribe.projections.nexus import inspect_entry, write_nexus
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
