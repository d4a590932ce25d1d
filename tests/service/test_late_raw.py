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
from nxscribe.projections import Done, FileSettings, Form, Later, Outcome, Settings, Worker
from nxscribe.projections.nexus_files import NexusFiles
from nxscribe.records import NEXUS, Journal, ProjectionState, Record, Work
from nxscribe.service._projector import Projector
from nxscribe.service.events import Events

DATA = "instrument/detector01/data"


class Beamline(Events):
    """A journal and a projector over it, with what it wrote."""

    def __init__(self, folder: Path) -> None:
        self.data_root = folder / "data"
        self.data_root.mkdir()
        files = FileSettings(self.data_root, raw_hours=1.0, timeout_s=30)
        self.journal = Journal(folder / "journal.sqlite")
        self.outcomes: list[Outcome] = []
        worker = Worker(NEXUS, lambda: Settings(files, Form(), self.journal.path))
        self.projector = Projector(NexusFiles(), self.journal, worker, self)

    def attempted(self, work: Work, outcome: Outcome) -> None:
        del work
        self.outcomes.append(outcome)

    def renumbered(self, record: Record) -> None:
        raise AssertionError(record)

    def trouble_changed(self) -> None:
        raise AssertionError(self.projector.trouble)

    def end(self, record: Record) -> Record:
        record = replace(self.journal.begin(record), end_time=now())
        self.journal.update(record)
        self.projector.wake()
        return record

    def wait(self, condition: Callable[[], bool], timeout_s: float = 60) -> None:
        until = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < until, self.outcomes
            time.sleep(0.05)

    @property
    def master(self) -> Path:
        outcome = self.outcomes[-1]
        assert isinstance(outcome, Done)
        return Path(str(outcome.result["master"]))

    @property
    def state(self) -> ProjectionState:
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
    beamline.wait(lambda: beamline.state is ProjectionState.PENDING)
    assert isinstance(beamline.outcomes[-1], Later)
    assert beamline.journal.queue().failing == 0
    away.rename(path)
    beamline.wait(lambda: beamline.state is ProjectionState.MADE)
    with h5py.File(beamline.master) as file:
        np.testing.assert_array_equal(file[f"entry_0001/{DATA}"][()], seen)


def test_what_was_found_in_a_folder_is_kept_in_the_record(beamline: Beamline) -> None:
    draft = replace(started(beamline.data_root), start_time=now() - timedelta(hours=1))
    seen = frames()
    series = edf_series(draft, seen)
    for path in Path(draft.directory).iterdir():
        os.utime(path, (time.time() - 60, time.time() - 60))
    search = RawSearch("pco", draft.directory, "*.edf")
    record = beamline.end(replace(ended(draft), searches=(search,)))
    beamline.wait(lambda: beamline.state is ProjectionState.MADE)
    kept = beamline.journal.record(record.id)
    assert (kept.raw, kept.searches) == ((series,), ())
    with h5py.File(beamline.master) as file:
        np.testing.assert_array_equal(file[f"entry_0001/{DATA}"][()], seen)
