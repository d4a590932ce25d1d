"""The record: everything that is known about one scan. Every file of the scan can be made again from it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from nxscribe.model import RawSearch, RawSeries, Reading, Snapshot

LINK_SEPARATOR: Final = "::"
"""The separator between a file and a path in it, as in silx and other programs."""


class EndReason(StrEnum):
    """How a scan ended."""

    FINISHED = "finished"
    STOPPED = "stopped"
    """A user ended it early, in an orderly way."""
    ABORTED = "aborted"
    FAILED = "failed"
    """An error ended it."""
    INTERRUPTED = "interrupted"
    """No trigger ended it: a new start or the time limit closed it."""


@dataclass(frozen=True, slots=True)
class ScanIdentity:
    """The names of a scan. All of them were checked and are safe as parts of paths."""

    beamline: str
    proposal: str
    sample: str
    scan: str
    technique: str
    session: str = ""
    """The session of the experiment, such as `20261101`; empty if the control system does not name it."""
    others: dict[str, str] = field(default_factory=dict, hash=False)
    """Parameters that patterns of the config use, by name."""

    @property
    def names(self) -> dict[str, str]:
        """All names, by the word that stands for each in patterns."""
        return {
            "beamline": self.beamline,
            "proposal": self.proposal,
            "session": self.session,
            "sample": self.sample,
            "scan": self.scan,
            "technique": self.technique,
            **self.others,
        }


class DefinitionTree:
    """A definition as data: JSON, which is decoded by `recorded_definition` when it is needed."""

    __slots__ = ("json",)

    def __init__(self, json: bytes) -> None:
        self.json = json

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DefinitionTree) and other.json == self.json

    def __hash__(self) -> int:
        return hash(self.json)


@dataclass(frozen=True, slots=True)
class DefinitionText:
    """The expanded definition as it was when the scan started, in the canonical form of the XML dialect."""

    name: str
    sha256: str
    text: str
    """The text; empty if it is lost, because the record was saved from a damaged journal without it."""
    tree: DefinitionTree | None = field(default=None, compare=False)
    """The definition as data; None in records of earlier versions, which have only the text."""

    @property
    def is_lost(self) -> bool:
        """Whether only the name and the sha256 are known."""
        return not self.text


def entry_name(number: int) -> str:
    """The name of the NXentry of a scan, from its number: `entry_0029`."""
    return f"entry_{number:04d}"


def entry_number(name: str) -> int:
    """The number in the name of an NXentry; 0 for any other name."""
    found = re.fullmatch(r"entry_(\d+)", name)
    return int(found[1]) if found else 0


@dataclass(frozen=True, slots=True)
class Record:
    """The durable description of one scan. The scan is open while `end_reason` is None."""

    id: str
    """A unique id (UUID). The files of the scan contain it."""
    identity: ScanIdentity
    number: int
    """The number of the scan in its experiment, from 1. It gives the name of the entry."""
    session: str
    """The name of the trigger device that opened the scan."""
    master: str
    """The path of the master file, relative to the data root."""
    directory: str
    """The absolute path of the folder of the scan (`location`)."""
    definition: DefinitionText
    start_time: datetime
    initial: Snapshot
    detectors: dict[str, str] = field(default_factory=dict)
    """The NXdetector group of each detector, as a path from the entry (`instrument/detector01`)."""
    end_time: datetime | None = None
    final: Snapshot | None = None
    end_reason: EndReason | None = None
    reason: str = ""
    """Why the scan ended so, in the words of the control system."""
    given: dict[str, Reading] = field(default_factory=dict)
    """The values that the control system set in this scan, by placeholder. They replace values that were read."""
    technique_asked: str = ""
    """The technique that the control system named, if the scan was recorded with another one for it."""
    unnamed: tuple[str, ...] = ()
    """Those of the given values that the definition does not name."""
    raw: tuple[RawSeries, ...] = ()
    links: dict[str, str] = field(default_factory=dict)
    """Objects of other HDF5 files to link to, by the name of the link: `/path/file.h5::/1.1`."""
    roots: tuple[str, ...] = ()
    """The folders in which files may lie that the control system names; empty in records of earlier versions."""
    searches: tuple[RawSearch, ...] = ()
    """Where to search for further raw files. Files that were found and are complete are in `raw`."""
    frames: dict[str, int] = field(default_factory=dict)
    """The number of frames that each detector must have, if it is known."""
    checksums: tuple[str, ...] = ()
    """The detectors whose files get checksums if they are only listed."""
    mandatory: tuple[str, ...] = ()
    """The placeholders that were mandatory when the scan started."""
    notes: tuple[str, ...] = ()
    """Notes for the entry, for example of a restart during the scan, or of a time limit that closed it."""

    @property
    def entry(self) -> str:
        """The name of the NXentry: `entry_0029`."""
        return entry_name(self.number)

    @property
    def is_open(self) -> bool:
        """Whether the scan is still running."""
        return self.end_reason is None

    def with_given(self, given: Mapping[str, Reading], named: Collection[str]) -> Record:
        """The same record with more values that the control system set. `named` are the definition's placeholders."""
        every = {**self.given, **given}
        return replace(self, given=every, unnamed=tuple(name for name in every if name not in named))

    def renumbered(self, number: int) -> Record:
        """The same record with another number, and a note about this."""
        note = f"{entry_name(number)} was {self.entry} at first: that name was taken by a scan of another daemon"
        return replace(self, number=number, notes=(*self.notes, note))
