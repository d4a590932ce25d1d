"""The number of a scan: how long a trigger waits for the disk, and when the disk is asked again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import structlog
from daemons import wait_until
from fake_clock import FakeClock

from nxscribe.projections import Layout
from nxscribe.records import Journal
from nxscribe.service.config.layout import Files
from nxscribe.service.scan._entry_numbers import EntryNumberAllocator, FolderProbe

MASTER = "ma1/sim/ma1-sim.h5"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def numbers(tmp_path: Path, clock: FakeClock) -> Iterator[EntryNumberAllocator]:
    journal = Journal(tmp_path / "journal.sqlite")
    numbers = EntryNumberAllocator(journal, clock)
    yield numbers
    numbers.thread.stop()
    journal.close()


def files(data_root: Path) -> Files:
    return Files(data_root, Layout.LINKED, "{proposal}/{beamline}/{proposal}-{beamline}.h5", "{scan}")


def test_no_thread_runs_before_the_first_scan(numbers: EntryNumberAllocator, tmp_path: Path) -> None:
    assert numbers.thread.ident is None
    assert numbers.at_least(numbers.look(files(tmp_path), MASTER)) == 1
    assert numbers.thread.ident is not None


def test_a_disk_that_does_not_answer_is_not_waited_for_and_asked_again_a_minute_after_it_came_back(
    numbers: EntryNumberAllocator, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ma1/sim/ma1-sim_entries").mkdir(parents=True)
    (tmp_path / "ma1/sim/ma1-sim_entries/entry_0007.h5").touch()
    answers, looks = threading.Event(), []
    look_at_disk = FolderProbe._least_free

    def least_free(probe: FolderProbe) -> int:
        looks.append(probe)
        answers.wait()
        return look_at_disk(probe)

    monkeypatch.setattr(FolderProbe, "_least_free", least_free)
    with structlog.testing.capture_logs() as lines, ThreadPoolExecutor() as pool:
        number = pool.submit(numbers.at_least, numbers.look(files(tmp_path), MASTER))
        wait_until(lambda: 0.5 in clock.waits, "the trigger waits")
        clock.advance(0.5)
        assert number.result() == 1
    assert [line["reason"] for line in lines] == ["the disk does not answer"]
    assert numbers.at_least(numbers.look(files(tmp_path), MASTER)) == 1
    answers.set()
    wait_until(looks[0].done.is_set, "the disk answers")
    clock.advance(59.0)
    assert numbers.at_least(numbers.look(files(tmp_path), MASTER)) == 1
    assert len(looks) == 1
    clock.advance(1.0)
    assert numbers.at_least(numbers.look(files(tmp_path), MASTER)) == 8
