"""Raw files that come after their scan's end: the daemon's projector completes the entry by itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import h5py
import numpy as np
import pytest
from some_scans import edf_series, ended, frames, hdf5_scan, started

from nxscribe.model import RawSearch, now
from nxscribe.projections import FileSettings, Worker, Written
from nxscribe.records import FilesState, Journal, Record
from nxscribe.service.projector import Projector

DATA = "instrument/detector01/data"


class Beamline:
    """A journal and a projector over it, with what it wrote."""

    def __init__(self, folder: Path) -> None:
        self.data_root = folder / "data"
        self.data_root.mkdir()
        self.settings = FileSettings(self.data_root, raw_hours=1.0)
        self.journal = Journal(folder / "journal.sqlite")
        self.written: list[Written] = []
        worker = Worker(self.journal.path, self.settings, timeout_s=30)
        self.projector = Projector(self.journal, worker, lambda _, written: self.written.append(written), print, print)

    def end(self, record: Record) -> Record:
        record = replace(self.journal.begin(record), end_time=now())
        self.journal.update(record)
        self.projector.wake()
        return record

    def wait(self, condition: Callable[[], bool], timeout_s: float = 60) -> None:
        until = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < until, self.written
            time.sleep(0.05)

    @property
    def state(self) -> FilesState:
        return self.journal.summaries()[0].files


@pytest.fixture
def beamline(tmp_path: Path) -> Iterator[Beamline]:
    beamline = Beamline(tmp_path)
    beamline.projector.start()
    yield beamline
    beamline.projector.stop()
    beamline.journal.close()


@pytest.mark.parametrize("make", [hdf5_scan, edf_series])
def test_a_file_that_comes_late_is_linked_when_it_is_there(make, beamline: Beamline) -> None:
    draft = replace(started(beamline.data_root), start_time=now())
    seen = frames()
    series = make(draft, seen)
    path = Path(series.directory) / list(series)[-1]
    away = path.with_suffix(".away")
    path.rename(away)
    beamline.end(ended(draft, series))
    beamline.wait(lambda: beamline.state is FilesState.PENDING)
    assert beamline.written[-1].pending
    assert beamline.journal.queue().failing == 0
    away.rename(path)
    beamline.wait(lambda: beamline.state is FilesState.MADE)
    with h5py.File(beamline.written[-1].master) as file:
        np.testing.assert_array_equal(file[f"entry_0001/{DATA}"][()], seen)


def test_what_was_found_in_a_folder_is_kept_in_the_record(beamline: Beamline) -> None:
    draft = replace(started(beamline.data_root), start_time=now() - timedelta(hours=1))
    seen = frames()
    series = edf_series(draft, seen)
    for path in Path(draft.directory).iterdir():
        os.utime(path, (time.time() - 60, time.time() - 60))
    search = RawSearch("pco", draft.directory, "*.edf")
    record = beamline.end(replace(ended(draft), searches=(search,)))
    beamline.wait(lambda: beamline.state is FilesState.MADE)
    kept = beamline.journal.record(record.id)
    assert (kept.raw, kept.searches) == ((series,), ())
    with h5py.File(beamline.written[-1].master) as file:
        np.testing.assert_array_equal(file[f"entry_0001/{DATA}"][()], seen)
