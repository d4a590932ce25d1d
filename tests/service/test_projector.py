"""The projector and its order of work, with a stand-in for the writer process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from daemons import wait_until
from some_records import some_record

import nxscribe.service.projector as projector_module
from nxscribe.errors import Problem
from nxscribe.model import now
from nxscribe.projections import Failure, ProjectionError, Written
from nxscribe.records import Journal
from nxscribe.service.projector import Projector


class Writer:
    """Writes each record, unless told otherwise, and knows in which order."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.job: Callable[[str], None] = lambda _: None
        self.alone = True

    def project(self, record_id: str) -> Written:
        self.asked.append(record_id)
        self.job(record_id)
        return Written(Path("m.h5"), Path("m.h5"), "entry_0001", 1, shown=99, alone=self.alone)

    def close(self) -> None:
        pass


@pytest.fixture
def writer() -> Writer:
    return Writer()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield journal


@pytest.fixture
def projector(journal: Journal, writer: Writer) -> Iterator[Projector]:
    projector = Projector(journal, writer, lambda *_: None, lambda _: None, lambda: None)  # type: ignore[arg-type]
    yield projector
    projector.stop()


def hang(_record_id: str) -> None:
    raise ProjectionError(Problem("the writer hung", "a file system", "look"), failure=Failure.HUNG)


def test_a_scan_that_comes_while_others_hang_goes_before_what_hung_already(
    journal: Journal, writer: Writer, projector: Projector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector_module, "_LONG_S", 0.01)
    hung = [journal.begin(some_record(scan=f"scan{number}")).id for number in range(3)]
    for work in journal.due(now()):
        journal.failed(work, "the writer hung", now() - timedelta(seconds=1))
    new: list[str] = []

    def job(record_id: str) -> None:
        if record_id in hung:
            if not new:
                new.append(journal.begin(some_record(scan="new")).id)
            time.sleep(0.02)
            hang(record_id)

    writer.job = job
    projector.start()
    wait_until(lambda: len(writer.asked) >= 4, "all are tried")
    assert writer.asked[:4] == [hung[0], *new, *hung[1:]]


def test_the_pauses_after_hangs_grow_beyond_those_after_other_failures(
    journal: Journal, writer: Writer, projector: Projector
) -> None:
    journal.begin(some_record())
    for _ in range(12):
        journal.failed(journal.due(now())[0], "the writer hung", now())
    writer.job = hang
    projector.start()
    wait_until(lambda: writer.asked and not journal.due(now()), "it is tried")
    assert journal.due(now() + timedelta(minutes=5)) == ()
    assert len(journal.due(now() + timedelta(minutes=11))) == 1


def test_a_data_root_without_locks_is_told_once(journal: Journal, writer: Writer, projector: Projector) -> None:
    for number in range(3):
        journal.begin(some_record(scan=f"scan{number}"))
    writer.alone = False
    with structlog.testing.capture_logs() as told:
        projector.start()
        wait_until(lambda: journal.queue().waiting == 0, "all are written")
    assert [line["log_level"] for line in told if "takes no locks" in line["event"]] == ["warning"]
