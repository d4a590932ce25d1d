"""What is asked of the files, and what came of one attempt to write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from nxscribe.errors import Problem
from nxscribe.model import RawSeries


class Layout(StrEnum):
    """How the entries of an experiment lie in files."""

    LINKED = "linked"
    """Each entry in a file of its own; the master holds relative links to them."""
    SINGLE = "single"
    """All entries in the master itself, which is copied whole at each change."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who may do what with the files. What is None is left as the process's umask and the folder above have it."""

    complete: int = 0o444
    """The mode of an entry that is complete."""
    growing: int | None = None
    """The mode of what still changes: masters, and entries of scans that run."""
    folder: int | None = None
    """The mode of folders that nxscribe makes."""
    group: str | None = None
    """The group of all that nxscribe makes: its name, or its number in digits."""


AS_IT_COMES: Final = Ownership()


@dataclass(frozen=True, slots=True)
class FileSettings:
    """Where files go, how they are laid out, and whose they are."""

    data_root: Path
    """Absolute. Nothing is written outside it."""
    layout: Layout = Layout.LINKED
    ownership: Ownership = AS_IT_COMES
    raw_hours: float = 0.0
    """How long after a scan's end raw files that are not whole are awaited; then they count as missing."""
    checksums_s: float = float("inf")
    """How long checksums of raw files may take in one writing of an entry; the next goes on from there."""


def entries_folder(master: Path) -> Path:
    """Where the entries of a master lie in the linked layout."""
    return master.with_name(f"{master.stem}_entries")


@dataclass(frozen=True, slots=True)
class Written:
    """One entry as it was written and read back."""

    master: Path
    entry_file: Path
    """The file that holds the entry: the master itself in the single layout."""
    entry: str
    values: int
    """How many fields hold a value, those of nxscribe's own account apart."""
    missing: dict[str, str] = field(default_factory=dict)
    """What was asked for and is not there, by path from the entry (`sample/name`), with the reason."""
    pending: dict[str, str] = field(default_factory=dict)
    """The same for what may still come: the scan is running, or its detectors are still writing."""
    warnings: tuple[str, ...] = ()
    complete: bool = False
    """Whether the scan has ended and no raw file is awaited: the entry is then read-only and will not change by itself.
    """
    awaits_raw: bool = False
    """Whether the scan has ended and raw files are awaited."""
    found: tuple[RawSeries, ...] = ()
    """The raw files of detectors that tell nobody, as they were found in their folders."""
    shown: int = 0
    """How many entries the master shows."""
    alone: bool = True
    """Whether a lock kept other writers out of the folder: some file systems have none."""


@dataclass(frozen=True, slots=True)
class NotWritten:
    """Why an entry could not be written."""

    problems: tuple[Problem, ...]
    free_from: int = 0
    """Where its place is taken by another's entry: from this number on there is room. Else 0."""
