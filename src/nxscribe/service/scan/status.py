"""The status of a session, and what the answer to each trigger is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from nxscribe.client import Answer
from nxscribe.model import Snapshot
from nxscribe.model.reading import NO_SOURCE
from nxscribe.records import Record, ScanIdentity
from nxscribe.service.scan._raw_of_scan import last_named


class ScanState(StrEnum):
    """The state of a session."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a session, with facts about its current or last scan."""

    device: str
    state: ScanState = ScanState.IDLE
    scan: str = ""
    """`sample - scan` while a scan is open; otherwise empty."""
    technique: str = ""
    proposal: str = ""
    entry: str = ""
    record: str = ""
    """The id of the record of the current or last scan."""
    master: str = ""
    missing: dict[str, str] = field(default_factory=dict)
    """The missing values of the current or last scan: the reason for each placeholder."""
    missing_mandatory: tuple[str, ...] = ()
    """Those of the missing without which the scan is incomplete."""
    start_dead_time_s: float = 0.0
    end_dead_time_s: float = 0.0
    last_file: str = ""
    """The last file that was written for this session."""
    refused: str = ""
    """Why the journal could not store the last trigger; empty if it could."""
    identity: ScanIdentity | None = None
    """All names of the current or last scan."""
    prepared: Mapping[str, str] = field(default_factory=dict)
    """The names that were written for the next scan, by `proposal`, `session`, `sample`, `scan`, `technique`."""
    last_data_file: str = ""
    """The raw file of the current or last scan that the control system named last, as it was written."""

    def name(self, name: str) -> str:
        """A name of the current scan, or else what was written for the next one, or else that of the last scan."""
        if self.state is ScanState.IDLE and name in self.prepared:
            return self.prepared[name]
        return self.identity.names[name] if self.identity else ""


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
        missing_mandatory=mandatory_missing(record, record.initial),
        identity=who,
        last_data_file=last_named(record),
    )


def ended_status(before: Status, record: Record, final: Snapshot) -> Status:
    """The status of a session whose scan was closed with these final readings."""
    return replace(
        before,
        entry=record.entry,
        missing=reasons(record.initial, final),
        missing_mandatory=mandatory_missing(record, record.initial, final),
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
        missing_mandatory=mandatory_missing(record, *filter(None, (record.initial, record.final))),
        unnamed=record.unnamed,
    )


def mandatory_missing(record: Record, *snapshots: Snapshot) -> tuple[str, ...]:
    """The mandatory placeholders that no snapshot has a value for. What the control system alone can set is missing
    from the scan's end on.
    """
    if not record.mandatory:
        return ()
    return tuple(
        name
        for name in reasons(*snapshots)
        if name in record.mandatory
        and not (
            record.is_open and all(one.readings[name].source == NO_SOURCE for one in snapshots if name in one.readings)
        )
    )


def reasons(*snapshots: Snapshot) -> dict[str, str]:
    """Why each placeholder that no snapshot has a value for has none."""
    return {
        name: reading.error
        for snapshot in snapshots
        for name, reading in snapshot.missing.items()
        if not any(name in other.readings and other.readings[name].ok for other in snapshots)
    }
