"""What went wrong, where, why, and what to do about it: the one form that every error takes.

A *problem* is one finding; an exception carries one or many. The CLI and the Tango face render them
with `str()`, so that a message reads the same wherever it appears.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a problem matters."""

    ERROR = "error"
    """What it speaks of cannot be used."""
    WARNING = "warning"
    """It works, perhaps not as its author meant."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a text file. Lines and columns count from 1; 0 means that it is not known."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: `where: error: what; why; remedy`."""

    what: str
    why: str = ""
    remedy: str = ""
    location: Location | None = None
    """Where it is. A device or an attribute is named in `what`."""
    severity: Severity = Severity.ERROR
    also: tuple[Location, ...] = ()
    """The other places that take part, as in a conflict."""

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        also = f" (see also {', '.join(map(str, self.also))})" if self.also else ""
        return f"{where}{self.severity}: {self.explanation}{also}"

    @property
    def explanation(self) -> str:
        """What, why and remedy, without the place."""
        return "; ".join(part for part in (self.what, self.why, self.remedy) if part)


class NxscribeError(Exception):
    """The root of all errors that nxscribe raises on purpose. Carries every problem that was found."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class InputError(NxscribeError):
    """A definition or a config that cannot be used: its author can mend it."""


class TriggerRefusedError(NxscribeError):
    """A start, end or abort that cannot be obeyed now or ever, as its caller can see from the text."""


class JournalError(NxscribeError):
    """The journal cannot take or give a record. Nothing may be acknowledged."""


class Failure(StrEnum):
    """How an attempt to make a file ended."""

    FAILED = "failed"
    """It was given up, with a reason: a full disk, a folder without permission, an entry of unknown origin."""
    CRASHED = "crashed"
    """The writer process died: a fault in a library, or a signal from outside."""
    HUNG = "hung"
    """The writer process waited beyond its time, as for a file system that does not answer, and was killed."""
    ENDLESS = "endless"
    """The writer process worked on it beyond its time, and was killed."""


class ProjectionError(NxscribeError):
    """A file could not be made from its record. The record is safe; the attempt can be repeated."""

    def __init__(self, *problems: Problem, failure: Failure = Failure.FAILED) -> None:
        super().__init__(*problems)
        self.failure = failure


class EntryTakenError(ProjectionError):
    """The number of a scan was given to another one too, by another daemon or journal, whose entry was there first."""

    def __init__(self, *problems: Problem, free_from: int) -> None:
        super().__init__(*problems)
        self.free_from = free_from
        """From this number on, no entry of the experiment has its place."""
