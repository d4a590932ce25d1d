"""What a session says of itself: its status at any moment, and the answer to each trigger."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from nxscribe.model import Snapshot
from nxscribe.records import Record
from nxscribe.service.named_files import last_named


class ScanState(StrEnum):
    """Where a session is in its scan."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a trigger is answered with, once its record is on disk."""

    entry: str
    number: int
    master: str
    """The master file's full path; it is made after the answer."""
    record: str
    read: int
    """How many placeholders have a value in this phase."""
    missing: dict[str, str]
    """Those that have none, and why."""
    capture_s: float
    dead_time_s: float
    """From the trigger's arrival to the commit."""
    end_reason: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """What a session is doing, and how its current or last scan fares."""

    device: str
    state: ScanState = ScanState.IDLE
    scan: str = ""
    """`sample - scan` while one is open."""
    technique: str = ""
    proposal: str = ""
    entry: str = ""
    record: str = ""
    """The id of the current or last scan's record."""
    master: str = ""
    missing: dict[str, str] = field(default_factory=dict)
    """Of the current or last scan: placeholder to reason."""
    start_dead_time_s: float = 0.0
    end_dead_time_s: float = 0.0
    last_file: str = ""
    """The last file written for this session."""
    refused: str = ""
    """Why the journal did not take the last trigger; empty when it did."""
    last_data_file: str = ""
    """The raw file that the control system named last, as it wrote it; that of the current or last scan."""


def status_of_open(record: Record, data_root: Path) -> Status:
    """The status of a session that has this scan open."""
    who = record.identity
    return Status(
        device=record.session,
        state=ScanState.RUNNING,
        scan=f"{who.sample} - {who.scan}",
        technique=who.technique,
        proposal=who.proposal,
        entry=record.entry,
        record=record.id,
        master=str(data_root / record.master),
        missing=reasons(record.initial),
        last_data_file=last_named(record),
    )


def answer_of(record: Record, snapshot: Snapshot, data_root: Path, dead_time_s: float) -> Answer:
    """The answer to the trigger that took this snapshot."""
    missing = snapshot.missing
    return Answer(
        entry=record.entry,
        number=record.number,
        master=str(data_root / record.master),
        record=record.id,
        read=len(snapshot.readings) - len(missing),
        missing={name: reading.error for name, reading in missing.items()},
        capture_s=snapshot.duration_s,
        dead_time_s=dead_time_s,
        end_reason=record.end_reason.value if record.end_reason else "",
    )


def reasons(*snapshots: Snapshot) -> dict[str, str]:
    """Why each placeholder that no snapshot has a value for has none."""
    return {
        name: reading.error
        for snapshot in snapshots
        for name, reading in snapshot.missing.items()
        if not any(name in other.readings and other.readings[name].ok for other in snapshots)
    }
