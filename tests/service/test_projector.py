"""The projector and its order of work, with a stand-in for the writer process."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from daemons import wait_until
from fake_clock import FakeClock
from some_records import some_record

import nxscribe.service._projector as projector_module
from nxscribe.errors import Problem
from nxscribe.model import RawSeries, now
from nxscribe.projections import Done, Failed, Failure, Later, Once, Outcome, Remark, Renumber
from nxscribe.projections.nexus_files import NexusFiles
from nxscribe.records import EndReason, Journal, Record, Work
from nxscribe.service._projector import Projector
from nxscribe.service.events import Events


class Writer:
    """Writes each record, unless told otherwise, and knows in which order."""

    def __init__(self) -> None:
        self.timeout_s = 20.0
        self.asked: list[str] = []
        self.spared: list[str] = []
        """Why frames were to be left out, of each job."""
        self.job: Callable[[str], Outcome | None] = lambda _: None
        self.outcome: Outcome = Done({"file": "m.h5"})
        self.timeout_s = 60.0

    def start(self) -> None:
        pass

    def project(self, record_id: str, last_resort: str = "") -> Outcome:
        self.asked.append(record_id)
        self.spared.append(last_resort)
        return self.job(record_id) or self.outcome

    def close(self) -> None:
        pass


class Listener(Events):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.numbers: list[int] = []

    def attempted(self, _work: Work, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def renumbered(self, record: Record) -> None:
        self.numbers.append(record.number)


@pytest.fixture
def writer() -> Writer:
    return Writer()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield journal


@pytest.fixture
def projector(journal: Journal, writer: Writer) -> Iterator[Projector]:
    projector = Projector(NexusFiles(), journal, writer, Listener())  # type: ignore[arg-type]
    yield projector
    projector.stop()


def hang(_record_id: str) -> Outcome:
    return Failed((Problem("the writer hung", "a file system", "look"),), Failure.HUNG)


def test_a_scan_that_comes_while_others_hang_goes_before_what_hung_already(
    journal: Journal, writer: Writer, projector: Projector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector_module, "_LONG_S", 0.01)
    hung = [journal.begin(some_record(scan=f"scan{number}")).id for number in range(3)]
    for work in journal.due(now()):
        journal.failed(work, "the writer hung", now() - timedelta(seconds=1))
    new: list[str] = []

    def job(record_id: str) -> Outcome | None:
        if record_id not in hung:
            return None
        if not new:
            new.append(journal.begin(some_record(scan="new")).id)
        time.sleep(0.02)
        return hang(record_id)

    writer.job = job
    projector.start()
    wait_until(lambda: len(writer.asked) >= 4, "all are tried")
    assert writer.asked[:4] == [hung[0], *new, *hung[1:]]


def test_a_scan_that_ends_after_it_was_found_due_is_written_once(
    journal: Journal, writer: Writer, projector: Projector
) -> None:
    first, second = (journal.begin(some_record(scan=f"scan{number}")) for number in range(2))

    def job(record_id: str) -> None:
        if record_id == first.id:
            journal.update(replace(second, end_time=now(), end_reason=EndReason.FINISHED))

    writer.job = job
    projector.start()
    wait_until(lambda: journal.queue().waiting == 0, "all are written")
    assert writer.asked == [first.id, second.id]


@pytest.mark.parametrize(
    ("failure", "pauses"),
    [(Failure.FAILED, [1, 2, 4, 8, 16, 32, 60, 60]), (Failure.HUNG, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600])],
)
def test_the_pauses_between_attempts_double_up_to_a_limit(
    journal: Journal, writer: Writer, failure: Failure, pauses: list[int]
) -> None:
    clock = FakeClock()
    moments: list[float] = []

    def job(_record_id: str) -> Outcome:
        moments.append(clock.monotonic())
        return Failed((Problem("the file was not written", "the disk is full", "make room"),), failure)

    writer.job = job
    journal.begin(some_record())
    projector = Projector(NexusFiles(), journal, writer, Listener(), clock)  # type: ignore[arg-type]
    projector.start()
    while len(moments) <= len(pauses):
        wait_until(lambda: clock.waits, "the projector has looked at the journal")
        clock.waits.clear()
        clock.advance(1.0)
    projector.stop()
    assert [later - earlier for earlier, later in itertools.pairwise(moments)] == pauses


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
    once = Remark("warning", "the data root takes no locks", {"master": "m.h5"}, Once.FOR_DAEMON)
    writer.outcome = Done({"file": "m.h5"}, (once,))
    with structlog.testing.capture_logs() as told:
        projector.start()
        wait_until(lambda: journal.queue().waiting == 0, "all are written")
    assert [line["log_level"] for line in told if "takes no locks" in line["event"]] == ["warning"]


RAW = RawSeries("pco", "/data", "a.h5")


def crashing(writer: Writer, failure: Failure, *, even_without_frames: bool = False) -> None:
    """Have each job crash the writer process that looks into raw files."""

    def crash(record_id: str) -> Outcome | None:
        if not (even_without_frames or not writer.spared[-1]):
            return None
        what = f"the writer process died by SIGSEGV while writing the record {record_id}"
        return Failed((Problem(what, "a fault in HDF5", "wait"),), failure)

    writer.job = crash


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses."""
    for name in ("_FIRST_PAUSE_S", "_LONGEST_PAUSE_S", "_IDLE_S"):
        monkeypatch.setattr(projector_module, name, 0.01)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("failure", [Failure.CRASHED, Failure.ENDLESS])
def test_a_record_whose_raw_files_crash_the_writer_again_and_again_is_written_without_their_frames(
    journal: Journal, writer: Writer, projector: Projector, failure: Failure
) -> None:
    journal.begin(replace(some_record(), raw=(RAW, replace(RAW, detector="eiger"))))
    crashing(writer, failure)
    projector.start()
    wait_until(lambda: not journal.due(now() + timedelta(minutes=5)), "it is written")
    assert journal.queue().set_aside == 0
    *before, last = writer.spared
    assert before == ["", "", ""]
    assert "died by SIGSEGV at the last of 3 attempts, while the frames of pco, eiger were linked" in last


@pytest.mark.usefixtures("hasty")
def test_a_record_that_crashes_the_writer_even_without_frames_is_set_aside(
    journal: Journal, writer: Writer, projector: Projector
) -> None:
    with_raw = journal.begin(replace(some_record(scan="raw"), raw=(RAW,))).id
    without = journal.begin(some_record(scan="none")).id
    crashing(writer, Failure.CRASHED, even_without_frames=True)
    projector.start()
    wait_until(lambda: journal.queue().set_aside == 2, "both are set aside")
    assert (writer.asked.count(with_raw), writer.asked.count(without)) == (4, 3)


@pytest.mark.usefixtures("hasty")
def test_a_record_that_changes_after_it_was_written_without_frames_is_tried_with_them_again(
    journal: Journal, writer: Writer, projector: Projector
) -> None:
    record = journal.begin(replace(some_record(), raw=(RAW,)))
    crashing(writer, Failure.CRASHED)
    projector.start()
    wait_until(lambda: not journal.due(now() + timedelta(minutes=5)), "it is written without them")
    writer.job = lambda _: None
    journal.update(replace(record, notes=("more",)))
    projector.wake()
    wait_until(lambda: len(writer.spared) == 5, "it is written again")
    assert writer.spared[-1] == ""


@pytest.mark.usefixtures("hasty")
def test_the_same_trouble_with_awaited_raw_files_is_told_once(
    journal: Journal, writer: Writer, projector: Projector
) -> None:
    record = journal.begin(replace(some_record(), raw=(RAW,)))

    def job(_record_id: str) -> Outcome:
        number = len(writer.asked)
        trace = f"Traceback …\nValueError: <odd object at 0x7f{number:x}>" if number < 4 else "Traceback …\nKeyError"
        odd = [
            Remark("error", "unforeseen trouble", {"trace": trace}, Once.FOR_RECORD),
            Remark("warning", "in the file", {"what": f"{number} frames are odd"}, Once.FOR_RECORD),
        ]
        return Done() if number == 6 else Later(now(), {}, tuple(odd[: 2 if number < 4 else 1]))

    writer.job = job
    with structlog.testing.capture_logs() as told:
        journal.update(replace(record, end_time=now(), end_reason=EndReason.FINISHED))
        projector.start()
        wait_until(lambda: not journal.due(now() + timedelta(minutes=5)), "all is there")
    traces = [line["trace"].rpartition("\n")[2].partition(":")[0] for line in told if "trace" in line]
    assert traces == ["ValueError", "KeyError"]
    assert len([line for line in told if line["event"] == "in the file"]) == 1
    (again,) = (line["times"] for line in told if "came again" in line["event"])
    assert again == 5


def test_an_error_that_nobody_foresaw_costs_one_record_an_attempt_and_the_others_nothing(
    journal: Journal, writer: Writer, projector: Projector
) -> None:
    odd, plain = journal.begin(some_record(scan="odd")).id, journal.begin(some_record(scan="plain")).id

    def job(record_id: str) -> None:
        if record_id == odd and writer.asked.count(odd) == 1:
            raise ZeroDivisionError("nobody thought of this")

    writer.job = job
    projector.start()
    wait_until(lambda: plain in writer.asked, "the other one is written")
    wait_until(lambda: not journal.queue().waiting and not journal.queue().failing, "both are written in the end")
    assert writer.asked.count(odd) == 2


def test_an_error_that_nobody_foresaw_in_the_projector_itself_is_told_and_it_goes_on(
    journal: Journal, writer: Writer, projector: Projector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nxscribe.runtime._supervision._PAUSE_S", (0.01, 0.01))
    record = journal.begin(some_record()).id

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("nobody thought of this")

    with monkeypatch.context() as broken:
        broken.setattr(journal, "due", fail)
        projector.start()
        wait_until(lambda: "ZeroDivisionError" in projector.thread.trouble, "it is told")
    wait_until(lambda: writer.asked == [record], "the file is written")
    wait_until(lambda: not projector.thread.trouble, "the trouble is over")


def test_a_number_that_is_taken_is_changed_and_the_record_is_due_again(
    journal: Journal, writer: Writer, projector: Projector
) -> None:
    record = journal.begin(some_record())
    taken = Renumber(7, (Problem("entry_0001 is another's", "another daemon", "none"),))
    writer.job = lambda _: taken if len(writer.asked) == 1 else None
    projector.start()
    wait_until(lambda: not journal.due(now()), "it is written")
    assert journal.record(record.id).number == 7
    assert writer.asked == [record.id] * 2


def test_what_a_projection_found_out_goes_into_the_record_which_is_then_due_again(
    journal: Journal, writer: Writer, projector: Projector
) -> None:
    record = journal.begin(some_record())
    writer.job = lambda _: Done(record=replace(record, raw=(RAW,))) if len(writer.asked) == 1 else None
    projector.start()
    wait_until(lambda: not journal.due(now()), "it is written again")
    assert journal.record(record.id).raw == (RAW,)
    assert len(writer.asked) == 2


def test_a_record_that_changed_while_its_raw_files_were_found_keeps_the_change_and_is_due_again(
    journal: Journal, writer: Writer, projector: Projector
) -> None:
    record = journal.begin(some_record())

    def job(_record_id: str) -> Outcome | None:
        if len(writer.asked) > 1:
            return None
        journal.update(replace(record, notes=("changed meanwhile",)))
        return Done(record=replace(record, raw=(RAW,)))

    writer.job = job
    projector.start()
    wait_until(lambda: not journal.due(now()), "it is written again")
    kept = journal.record(record.id)
    assert (kept.notes, kept.raw) == (("changed meanwhile",), ())
    assert len(writer.asked) == 2


def test_what_a_projection_said_of_what_it_made_is_kept(journal: Journal, writer: Writer, projector: Projector) -> None:
    record = journal.begin(some_record())
    projector.start()
    wait_until(lambda: not journal.due(now()), "it is written")
    assert json.loads(journal.standings(record.id)["nexus"].result) == {"file": "m.h5"}
