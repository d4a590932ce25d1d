"""The protocol of a projection: anything that is made from records. Each kind is made by a process of its own.

A kind is registered by an entry point of the group `nxscribe.projections`, which has the name of the kind and leads to
its class. The daemon imports the module of the class. Only the writer process of the kind calls `prepare` and
`project`. Therefore import large or dangerous libraries inside these two methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, auto
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict

from nxscribe.errors import Failure, Problem
from nxscribe.projections.files import FileSettings
from nxscribe.records import Record

Fact: TypeAlias = str | int | float | bool
Result: TypeAlias = Mapping[str, Fact]
"""Facts about what a projection made. The journal stores them for the next `project` of the same record."""


class Form(BaseModel):
    """The config of a kind, below `projections.<kind>`: each field with a default and a description.

    The reference of the config, the JSON Schema and all checks follow from it.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a projection. They are made for each record from the config in force."""

    files: FileSettings
    """The places, the layout and the owners of files."""
    form: BaseModel
    """The kind's own config: an instance of its `form`."""
    journal: Path
    """The path of the journal, for a projection that reads further records. It must not be written."""
    last_resort: str = ""
    """Why this is the last attempt: earlier ones crashed the process, or did not end. Leave out what `expendable`
    named, and put this reason into the result. Empty in all other attempts."""


@dataclass(frozen=True, slots=True)
class Previous:
    """What was made of the same record before, by the same kind or by a kind that comes before it."""

    result: Result
    is_made: bool
    """Whether it was made from the newest revision of the record."""


class Once(StrEnum):
    """When a repeated remark is logged."""

    ALWAYS = auto()
    FOR_RECORD = auto()
    """Once while the same record is made repeatedly. Numbers in the remark do not count as a difference."""
    FOR_DAEMON = auto()
    """Once while the daemon runs."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A line for the daemon's log."""

    level: str
    """`info`, `warning` or `error`."""
    event: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    once: Once = Once.ALWAYS


@dataclass(frozen=True, slots=True)
class Done:
    """The projection was made."""

    result: Result = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    record: Record | None = None
    """The record with what the projection learned, to be stored. Its projections become due again. None: no change."""


@dataclass(frozen=True, slots=True)
class Later:
    """The projection was made, but something is not there yet. It is made again at `at`, or if the record changes."""

    at: datetime
    result: Result = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The projection could not be made. It is tried again after growing pauses."""

    problems: tuple[Problem, ...]
    failure: Failure = Failure.FAILED


@dataclass(frozen=True, slots=True)
class Renumber:
    """Another daemon has used the number of the scan for another scan, whose files exist."""

    free_from: int
    """No file uses this number or a higher one."""
    problems: tuple[Problem, ...]


Outcome: TypeAlias = Done | Later | Failed | Renumber


class Projection(Protocol):
    """One kind of projection. Derive a class from it that has `kind` and `project` and takes no arguments."""

    kind: ClassVar[str]
    """The name of the kind and of its entry point: a letter, then letters, digits and `_`."""
    after: ClassVar[tuple[str, ...]] = ()
    """The kinds that must be made from a record before this one."""
    form: ClassVar[type[BaseModel]] = Form

    def prepare(self) -> None:
        """Import what `project` needs, in the writer process, before its first job: no time limit of a job runs."""

    def project(self, record: Record, settings: Settings, previous: Mapping[str, Previous]) -> Outcome:
        """Make the projection of one record. A repeated call must have the same result.

        An exception counts as `Failed`. An exception that is not an NxscribeError is reported as unexpected.

        Args:
            record: The newest revision of the record. Its scan may still run.
            settings: The settings in force.
            previous: What was made of this record before, by kind, including this kind.
        """
        ...

    def expendable(self, record: Record) -> str:
        """What can be left out of this record if the process crashes repeatedly because of it; empty for nothing.

        The text completes "while …", for example `the frames of pco were linked`. The daemon calls this method.
        """
        del record
        return ""
