"""A watched trigger with a real session: scans that somebody else ended, its end, and what it says of an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from daemons import wait_until
from fake_clock import FakeClock

from nxscribe.errors import JournalError, Problem
from nxscribe.model import Reading, now, texts
from nxscribe.records import EndReason, Record
from nxscribe.service.reload.config_store import ConfigStore
from nxscribe.service.scan.requests import StartRequest
from nxscribe.service.scan.session import Session
from nxscribe.service.scribe import Scribe
from nxscribe.service.watched._watched_trigger import WatchedTrigger

CONFIG = """\
beamline: sim
data_root: data
state_dir: state
tango: {host: "127.0.0.1:1", server: nxscribe/sim, devices: [sim/nxscribe/1, sim/nxscribe/2, sim/nxscribe/3]}
techniques: {tomo: {definition: tomo.xml}}
default_technique: tomo
"""
WATCHED = """\
watched_triggers:
  door:
    {attribute: door/sim/1/State, running: Running, failed: Fault, gap_s: 5, poll_s: 900, proposal: p, sample: s,
     scan: n}
"""


@pytest.fixture
def scribe(tmp_path: Path) -> Iterator[Scribe]:
    (tmp_path / "sim.yaml").write_text(CONFIG + WATCHED)
    (tmp_path / "tomo.xml").write_text('<group NX_class="NXentry" groupName="${entry}"/>')
    scribe = Scribe(ConfigStore(tmp_path / "sim.yaml"))
    yield scribe
    scribe.watched.stop()
    scribe._library.close()
    scribe._reader.close()
    scribe._journal.close()


@pytest.fixture
def session(scribe: Scribe) -> Session:
    return scribe.sessions["sim/nxscribe/1"]


@pytest.fixture
def see(scribe: Scribe) -> Callable[[str, float], None]:
    """Let the trigger hear a value after some seconds."""
    clock = FakeClock()
    trigger = WatchedTrigger(
        "door", beamline=lambda: scribe.beamline, sessions=scribe.sessions, reader=scribe._reader, clock=clock
    )

    def see(value: str, after_s: float) -> None:
        clock.advance(after_s)
        tell(trigger, value)

    return see


def tell(trigger: WatchedTrigger, value: str) -> None:
    trigger.hear(Reading("door/sim/1/State", now(), texts(value)))
    trigger.turn()


@pytest.mark.parametrize("after_s", [9, 11], ids=["before the gap", "within the gap"])
def test_a_scan_that_somebody_ended_is_followed_by_another_one_after_a_short_gap(
    after_s: int, see: Callable[[str, float], None], session: Session
) -> None:
    see("Running", 0)
    first = session.open_record
    if after_s < 10:
        session.abort()
    see("Standby", 10)
    if after_s > 10:
        session.abort()
    assert session.open_record is None
    see("Running", 3)
    assert session.open_record not in {None, first}


def test_the_reason_names_the_value_that_ended_the_scan_and_not_a_later_one(
    see: Callable[[str, float], None], session: Session
) -> None:
    see("Running", 0)
    see("Fault", 1)
    see("Standby", 1)
    see("Standby", 4)
    record = session.record()
    assert (record.end_reason, record.reason) == (EndReason.FAILED, "door/sim/1/State was Fault")


def test_a_trigger_that_left_the_config_tries_to_end_its_scan_until_it_has_ended(
    scribe: Scribe, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scribe.reload() == ()
    trigger = scribe.watched.by_name["door"]
    tell(trigger, "Running")
    assert session.open_record

    def refuse(*_: Any) -> Record:
        raise JournalError(Problem("the disk is full"))

    with monkeypatch.context() as broken:
        broken.setattr(scribe._journal, "update", refuse)
        (tmp_path / "sim.yaml").write_text(CONFIG)
        assert scribe.reload() == ()
        trigger.turn()
        assert any("the scan did not end: the disk is full" in one for one in scribe.troubles)
        assert not trigger.thread.stopping.is_set()
    trigger.wake()
    trigger.turn()
    assert session.record().reason == "the config has no watched trigger door any more"
    assert trigger.thread.stopping.is_set()
    assert not scribe.watched.troubles


def test_the_scan_of_a_trigger_that_the_config_lost_before_the_start_is_interrupted(scribe: Scribe) -> None:
    assert scribe.reload() == ()
    sessions = list(scribe.sessions.values())
    for session, trigger in zip(sessions, ("lost", "door", ""), strict=True):
        given = {"watchedTrigger": trigger} if trigger else {}
        session.start(StartRequest("p", "s", "n", parameters=given))
    scribe.watched.start()
    wait_until(lambda: not sessions[0].open_record, "the scan ends")
    assert sessions[0].record().end_reason is EndReason.INTERRUPTED
    assert all(session.open_record for session in sessions[1:])
