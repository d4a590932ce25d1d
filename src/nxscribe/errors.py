"""The errors of nxscribe, and the one form of every message: what is wrong, where, why, and what to do about it.

A *problem* is one error or warning. An exception contains one or more problems. The command line and the Tango device
show them with `str()`, so that a message reads the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a problem matters."""

    ERROR = "error"
    """The thing that the problem is about cannot be used."""
    WARNING = "warning"
    """The thing can be used, but perhaps it does not do what its author wants."""


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
    """Where the problem is in a text file. For a device or an attribute, `what` has the name instead."""
    severity: Severity = Severity.ERROR
    also: tuple[Location, ...] = ()
    """The other places that belong to the problem, for example the second one of a conflict."""
    subject: str = ""
    """What the problem is about, if many problems differ only in this: `/sample/name`, `id16a/machine/1/current`."""
    alike: str = ""
    """What many such problems say of their subjects, if they are shown as one: `have no source`."""
    remedy_for_many: str = ""
    """The remedy, if many such problems are shown as one."""
    subjects: str = "fields"
    """What the subjects are called, in the plural."""

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
    """A start, end or abort that is refused. The text tells the caller why."""


class JournalError(NxscribeError):
    """The journal cannot store or read a record. The trigger must not be answered as done."""


class Failure(StrEnum):
    """How an attempt to make a file ended."""

    FAILED = "failed"
    """It ended with a reason: a full disk, a folder without permission, an entry of unknown origin."""
    CRASHED = "crashed"
    """The writer process died: a fault in a library, or a signal from outside."""
    HUNG = "hung"
    """The writer process exceeded its time while it waited, for example for a file system, and was killed."""
    ENDLESS = "endless"
    """The writer process exceeded its time while it computed, and was killed."""


class ProjectionError(NxscribeError):
    """A file could not be made from its record. The record is safe; the attempt can be repeated."""

    def __init__(self, *problems: Problem, failure: Failure = Failure.FAILED) -> None:
        super().__init__(*problems)
        self.failure = failure


class EntryTakenError(ProjectionError):
    """Another daemon or journal gave the number of this scan to another scan, whose entry was written first."""

    def __init__(self, *problems: Problem, free_from: int) -> None:
        super().__init__(*problems)
        self.free_from = free_from
        """No entry of the experiment has this number or a higher one."""
