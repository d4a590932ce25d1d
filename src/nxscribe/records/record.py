"""The record: everything that is known of one scan, from which any file of it can be made again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from nxscribe.model import RawSearch, RawSeries, Reading, Snapshot


class EndReason(StrEnum):
    """How a scan came to its end."""

    FINISHED = "finished"
    ABORTED = "aborted"
    INTERRUPTED = "interrupted"
    """It was never ended: a new start or a time limit closed it."""


@dataclass(frozen=True, slots=True)
class ScanIdentity:
    """What names a scan. All names were checked to be safe as parts of paths."""

    beamline: str
    proposal: str
    sample: str
    scan: str
    technique: str


@dataclass(frozen=True, slots=True)
class DefinitionText:
    """The expanded definition as it was at the start, in the XML dialect's canonical form."""

    name: str
    sha256: str
    text: str


def entry_name(number: int) -> str:
    """The NXentry's name of a scan's number: `entry_0029`."""
    return f"entry_{number:04d}"


def entry_number(name: str) -> int:
    """The number in an NXentry's name; 0 in any other name."""
    found = re.fullmatch(r"entry_(\d+)", name)
    return int(found[1]) if found else 0


@dataclass(frozen=True, slots=True)
class Record:
    """The durable account of one scan. Open while `end_reason` is None."""

    id: str
    """Unique for ever (UUID): files carry it, so that one can tell whose they are."""
    identity: ScanIdentity
    number: int
    """The scan's number in its experiment, from 1; the entry's name follows from it."""
    session: str
    """Which trigger device opened it."""
    master: str
    """The master file, relative to the data root."""
    directory: str
    """The scan's folder (`location`), absolute."""
    definition: DefinitionText
    start_time: datetime
    initial: Snapshot
    detectors: dict[str, str] = field(default_factory=dict)
    """Each detector's NXdetector group, as a path from the entry (`instrument/detector01`)."""
    end_time: datetime | None = None
    final: Snapshot | None = None
    end_reason: EndReason | None = None
    given: dict[str, Reading] = field(default_factory=dict)
    """What the control system set in this scan, by placeholder: these win over what was read."""
    raw: tuple[RawSeries, ...] = ()
    searches: tuple[RawSearch, ...] = ()
    """Where further raw files are looked for; once they are whole, they are among `raw`."""
    frames: dict[str, int] = field(default_factory=dict)
    """How many frames each detector was to give, where that is known."""
    checksums: tuple[str, ...] = ()
    """The detectors whose files get checksums where they are only listed."""
    notes: tuple[str, ...] = ()
    """Events worth telling in the entry: a restart in mid-scan, a time limit that closed it."""

    @property
    def entry(self) -> str:
        """The NXentry's name: `entry_0029`."""
        return entry_name(self.number)

    @property
    def is_open(self) -> bool:
        """Whether the scan is still running."""
        return self.end_reason is None

    def renumbered(self, number: int) -> Record:
        """The same with another number, and a note that says so."""
        note = f"{entry_name(number)} was {self.entry} at first: that name was taken by a scan of another daemon"
        return replace(self, number=number, notes=(*self.notes, note))
