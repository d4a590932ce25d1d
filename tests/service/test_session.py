"""A session's triggers: what an abort meets at any moment, and what nobody foresaw."""

from __future__ import annotations

import json
import threading
from collections import UserDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from daemons import wait_until
from fake_clock import FakeClock

import nxscribe.service.scan._trigger as trigger_module
from nxscribe.capture import Capturer
from nxscribe.errors import JournalError, Problem, TriggerRefusedError
from nxscribe.model import now
from nxscribe.records import EndReason, Record
from nxscribe.service.events import Events
from nxscribe.service.reload.config_store import ConfigStore
from nxscribe.service.scan.requests import EndRequest, StartRequest
from nxscribe.service.scan.scan_values import values_json
from nxscribe.service.scan.session import Session
from nxscribe.service.scan.status import ScanState
from nxscribe.service.scribe import Scribe

CONFIG = """\
beamline: sim
data_root: data
state_dir: state
tango: {server: nxscribe/sim, devices: [sim/nxscribe/1]}
parameters: [b]
sources: {a: {value: 1}}
techniques: {tomo: {definition: tomo.xml}}
"""


class Nobody(Events):
    """Hears nothing of what happens."""


START = StartRequest("ma1", "smp", "s1", "tomo")


@pytest.fixture
def scribe(tmp_path: Path) -> Iterator[Scribe]:
    (tmp_path / "sim.yaml").write_text(CONFIG)
    (tmp_path / "tomo.xml").write_text('<group NX_class="NXentry" groupName="${entry}"><a>${a}</a><b>${b}</b></group>')
    scribe = Scribe(ConfigStore(tmp_path / "sim.yaml"))
    yield scribe
    scribe._library.close()
    scribe._reader.close()
    scribe._journal.close()


@pytest.fixture
def session(scribe: Scribe) -> Session:
    return scribe.sessions["sim/nxscribe/1"]


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def kept(scribe: Scribe, record: str) -> Record:
    return scribe._journal.record(record)


def abort_after(
    monkeypatch: pytest.MonkeyPatch, scribe: Scribe, method: str, session: Session, elsewhere: ThreadPoolExecutor
) -> list[Future[Any]]:
    """Have an abort come right after the journal has kept the next change; its answer is in the list."""
    plain = getattr(scribe._journal, method)
    aborts: list[Future[Any]] = []

    def keep(*arguments: Any, **options: Any) -> Record:
        record = plain(*arguments, **options)
        if not aborts:
            aborts.append(elsewhere.submit(session.abort))
            wait_until(lambda: session._trigger and session._trigger.stop.is_set(), "the abort has come")
        return record

    monkeypatch.setattr(scribe._journal, method, keep)
    return aborts


def test_an_abort_that_comes_while_the_journal_keeps_the_start_closes_the_scan(scribe, session, elsewhere, monkeypatch):
    aborts = abort_after(monkeypatch, scribe, "begin", session, elsewhere)
    with pytest.raises(TriggerRefusedError, match="entry_0001 was on the disk already, and is closed as aborted"):
        session.start(START)
    assert aborts[0].result() is None
    assert session.status.state is ScanState.IDLE
    assert [summary.end_reason for summary in scribe._journal.summaries()] == [EndReason.ABORTED]
    assert session.start(START).entry == "entry_0002"


def test_an_abort_that_comes_while_the_journal_keeps_the_end_makes_it_an_aborted_one(
    scribe, session, elsewhere, monkeypatch
):
    started = session.start(START)
    aborts = abort_after(monkeypatch, scribe, "update", session, elsewhere)
    assert session.end(EndRequest()).end_reason == "aborted"
    assert aborts[0].result() is None
    assert kept(scribe, started.record).end_reason is EndReason.ABORTED


def test_an_abort_that_the_journal_cannot_keep_is_not_answered_as_done(scribe, session, elsewhere, monkeypatch):
    session.start(START)
    aborts = abort_after(monkeypatch, scribe, "update", session, elsewhere)
    held = scribe._journal.update

    def refuse_the_second(record: Record) -> Record:
        if aborts:
            raise JournalError(Problem("the disk is full"))
        return held(record)

    monkeypatch.setattr(scribe._journal, "update", refuse_the_second)
    assert session.end(EndRequest()).end_reason == "finished"
    with pytest.raises(TriggerRefusedError, match="could not be aborted; it had ended"):
        aborts[0].result()
    assert session.status.state is ScanState.IDLE


def test_an_abort_during_a_start_that_interrupts_another_scan_stops_that_start(
    scribe, session, elsewhere, monkeypatch, tmp_path
):
    (tmp_path / "sim.yaml").write_text(f"{CONFIG}on_start_while_running: interrupt\n")
    assert scribe.reload() == ()
    started = session.start(START)
    aborts = abort_after(monkeypatch, scribe, "update", session, elsewhere)
    with pytest.raises(TriggerRefusedError, match="the start was aborted"):
        session.start(StartRequest("ma1", "smp", "s2", "tomo"))
    assert aborts[0].result() is None
    assert session.status.state is ScanState.IDLE
    assert kept(scribe, started.record).end_reason is EndReason.ABORTED


def fail(*_: object, **__: object) -> Any:
    raise KeyError("nobody thought of this")


def test_a_capture_that_fails_for_an_unforeseen_reason_costs_its_readings_and_neither_start_nor_end(
    scribe, session, monkeypatch
):
    monkeypatch.setattr(session._instruments.capturer, "capture", fail)
    with structlog.testing.capture_logs() as lines:
        started = session.start(START)
        ended = session.end(EndRequest())
    assert "unforeseen reason: KeyError: 'nobody thought of this'" in started.missing["a"]
    assert ended.end_reason == "finished"
    assert [line["exc_info"] for line in lines if "unforeseen" in line["event"]] == [True, True]
    monkeypatch.undo()
    assert session.start(START).missing.keys() == {"b"}


def test_one_placeholder_that_fails_for_an_unforeseen_reason_costs_no_other_one(session, monkeypatch):
    monkeypatch.setattr(Capturer, "_default", lambda _, __, name, ___: fail() if name == "b" else None)
    missing = session.start(START).missing
    assert missing.keys() == {"b"}
    assert "KeyError" in missing["b"]


@pytest.mark.parametrize("part", ["with_raw", "parameter_readings", "clock_note"])
def test_a_part_of_the_end_that_fails_for_an_unforeseen_reason_is_noted_and_the_scan_ends(
    scribe, session, monkeypatch, part
):
    started = session.start(START)
    monkeypatch.setattr(trigger_module, part, fail)
    assert session.end(EndRequest()).end_reason == "finished"
    record = kept(scribe, started.record)
    assert record.final is not None
    assert any("unforeseen reason: KeyError" in note for note in record.notes)


def test_an_end_that_cannot_be_stored_as_it_is_closes_the_scan_without_its_readings(scribe, session, monkeypatch):
    started = session.start(START)
    plain = scribe._journal.update
    monkeypatch.setattr(scribe._journal, "update", lambda record: fail() if record.final else plain(record))
    assert session.end(EndRequest()).end_reason == "finished"
    assert session.status.state is ScanState.IDLE
    assert kept(scribe, started.record).end_time


def test_what_fails_after_the_commit_does_not_fail_the_answer(scribe, session, monkeypatch):
    monkeypatch.setattr(scribe, "committed", fail)
    assert session.start(START).entry == "entry_0001"
    assert session.end(EndRequest()).entry == "entry_0001"


def test_a_start_that_fails_for_an_unforeseen_reason_leaves_the_session_usable(session, monkeypatch):
    monkeypatch.setattr(session._journal, "begin", fail)
    with pytest.raises(KeyError):
        session.start(START)
    assert session.status.state is ScanState.IDLE
    monkeypatch.undo()
    assert session.start(START).entry == "entry_0001"


def held_up(monkeypatch: pytest.MonkeyPatch, scribe: Scribe) -> tuple[threading.Event, Callable[[], None]]:
    """Have the journal's disk hang; what is set when somebody waits for it, and what lets it go on."""
    reached, go_on = threading.Event(), threading.Event()
    plain = scribe._journal.update

    def wait(record: Record, **options: Any) -> Record:
        reached.set()
        assert go_on.wait(20)
        return plain(record, **options)

    monkeypatch.setattr(scribe._journal, "update", wait)
    return reached, go_on.set


def test_a_disk_that_hangs_over_a_parameter_holds_up_no_other_news_of_the_session(
    scribe, session, elsewhere, monkeypatch
):
    session.start(START)
    reached, go_on = held_up(monkeypatch, scribe)
    setting = elsewhere.submit(session.set_parameters, {"b": 2})
    assert reached.wait(20)
    session.written("/data/entry_0001.h5")
    assert session.status.last_file == "/data/entry_0001.h5"
    assert not setting.done()
    # The end waits for the parameter, and has it.
    ending = elsewhere.submit(session.end, EndRequest())
    wait_until(lambda: session.status.state is ScanState.ENDING, "the end has come")
    go_on()
    setting.result()
    record = kept(scribe, ending.result().record)
    assert record.given["b"].value == 2


def test_parameters_that_are_set_one_after_another_are_written_together_and_the_end_at_once(scribe, session):
    session.start(START)
    scribe._journal.done(scribe._journal.due(now())[0])
    for number in range(3):
        session.set_parameters({"b": number})
    assert scribe._journal.due(now()) == ()
    (work,) = scribe._journal.due(now() + timedelta(seconds=5))
    session.end(EndRequest())
    assert scribe._journal.due(now())[0].revision == work.revision + 1


class WhileItIsRead(UserDict[str, Any]):
    """Parameters during the reading of which something else happens."""

    def __init__(self, parameters: dict[str, Any], meanwhile: Callable[[], object]) -> None:
        super().__init__(parameters)
        self._meanwhile = meanwhile

    def keys(self):
        self._meanwhile()
        return super().keys()


def test_of_parameters_that_two_clients_note_at_once_none_is_lost(session, elsewhere):
    other: list[Future[Any]] = []

    def meanwhile() -> None:
        other.append(elsewhere.submit(session.set_or_prepare, {"c": 2}))
        wait([other[0]], timeout=0.3)  # it comes between, or waits for its turn

    session.set_or_prepare(WhileItIsRead({"b": 1}, meanwhile))
    other[0].result()
    for name in ("proposal", "sample", "scan"):
        session.prepare(name, name)
    session.prepare("technique", "tomo")
    session.start_prepared()
    assert {name: reading.value for name, reading in session.record().given.items()} == {"b": 1, "c": 2}


def test_a_value_that_was_set_without_a_unit_comes_back_in_that_of_the_config(scribe, session, tmp_path):
    text = CONFIG.replace("sources: {", "sources: {b: {value: 1, unit: keV}, ")
    (tmp_path / "sim.yaml").write_text(text)
    assert scribe.reload() == ()
    session.start(msgspec.structs.replace(START, parameters={"b": 17.5}))
    told = json.loads(values_json(session.record()))
    assert (told["b"]["value"], told["b"]["unit"]) == (17.5, "keV")
    session.set_parameters({"b": {"value": 17600, "unit": "eV"}})
    assert json.loads(values_json(session.record()))["b"]["unit"] == "eV"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def timed(scribe: Scribe, session: Session, clock: FakeClock) -> Iterator[Session]:
    """A session whose time stands still until the test moves it."""
    timed = Session(
        session.status.device,
        beamline=lambda: scribe.beamline,
        journal=scribe._journal,
        capturer=session._instruments.capturer,
        events=Nobody(),
        clock=clock,
    )
    yield timed
    timed.numbering.thread.stop()


def test_a_scan_that_nobody_ends_is_closed_when_its_hours_are_over_and_not_before(scribe, timed, clock):
    started = timed.start(START)
    clock.advance(48 * 3600)
    timed.close_if_overdue()
    assert timed.status.state is ScanState.RUNNING
    clock.set_system_clock(10 * 3600)  # is no reason
    timed.close_if_overdue()
    assert timed.status.state is ScanState.RUNNING
    clock.advance(1)
    timed.close_if_overdue()
    record = kept(scribe, started.record)
    assert record.end_reason is EndReason.INTERRUPTED
    assert "the scan was closed by rule: it was not ended within 48 hours" in record.notes
    assert timed.status.state is ScanState.IDLE
    timed.close_if_overdue()


def test_a_scan_that_was_taken_up_is_as_old_as_its_start(scribe, timed, clock):
    started = timed.start(START)
    clock.advance(47 * 3600)
    again = Session(
        timed.status.device,
        beamline=lambda: scribe.beamline,
        journal=scribe._journal,
        capturer=timed._instruments.capturer,
        events=Nobody(),
        clock=clock,
    )
    again.resume(kept(scribe, started.record))
    clock.advance(3601)
    again.close_if_overdue()
    assert kept(scribe, started.record).end_reason is EndReason.INTERRUPTED
    again.numbering.thread.stop()


def test_a_system_clock_that_was_set_during_a_scan_is_noted_with_the_time_that_really_passed(scribe, timed, clock):
    started = timed.start(START)
    clock.advance(30)
    clock.set_system_clock(-3600)
    timed.end(EndRequest())
    notes = " ".join(kept(scribe, started.record).notes)
    assert "was set back by 3600 s during the scan, which lasted 30.0 s" in notes


def test_a_trigger_has_one_set_of_config_and_definitions_whatever_is_reloaded_meanwhile(
    scribe, session, monkeypatch, tmp_path
):
    plain = session._instruments.capturer.capture

    def capture_beside_an_edit(plan: Any, *arguments: Any, **options: Any) -> Any:
        other = "c" if "a" in plan.sources else "a"
        (tmp_path / "sim.yaml").write_text(CONFIG.replace("{a: {value: 1}}", f"{{{other}: {{value: 1}}}}"))
        (tmp_path / "tomo.xml").write_text(
            f'<group NX_class="NXentry" groupName="${{entry}}"><{other}>${{{other}}}</{other}></group>'
        )
        assert scribe.reload() == ()
        return plain(plan, *arguments, **options)

    monkeypatch.setattr(session._instruments.capturer, "capture", capture_beside_an_edit)
    first = kept(scribe, session.start(START).record)
    assert "${a}" in first.definition.text
    assert first.initial.readings["a"].value == 1
    assert session.end(EndRequest()).missing.keys() == {"b"}  # which no config has a source for
    second = kept(scribe, session.start(StartRequest("ma1", "smp", "s2", "tomo")).record)
    assert ("${a}" in second.definition.text) is ("a" in second.initial.readings)


def test_what_fails_while_a_change_of_the_status_is_told_fails_no_trigger(scribe, session, monkeypatch):
    monkeypatch.setattr(scribe, "status_changed", fail)
    with structlog.testing.capture_logs() as lines:
        assert session.start(START).entry == "entry_0001"
        assert session.end(EndRequest()).end_reason == "finished"
    assert any("status was told" in line["event"] for line in lines)


@pytest.mark.parametrize("where", ["begin", "update"])
def test_even_an_exit_in_the_middle_of_a_trigger_leaves_the_session_usable(session, monkeypatch, where):
    def leave(*_: object, **__: object) -> Any:
        raise SystemExit

    if where == "update":
        session.start(START)
    with monkeypatch.context() as patch:
        patch.setattr(session._journal, where, leave)
        with pytest.raises(SystemExit):
            session.end(EndRequest()) if where == "update" else session.start(START)
    expected = ScanState.RUNNING if where == "update" else ScanState.IDLE
    assert session.status.state is expected
    if where == "begin":
        session.start(START)
    assert session.end(EndRequest()).end_reason == "finished"
