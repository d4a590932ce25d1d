"""What is asked of the files, and what came of one attempt to write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Layout(StrEnum):
    """How the entries of an experiment lie in files."""

    LINKED = "linked"
    """Each entry in a file of its own; the master holds relative links to them."""
    SINGLE = "single"
    """All entries in the master itself, which is copied whole at each change."""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """Where files go and how they are laid out."""

    data_root: Path
    """Absolute. Nothing is written outside it."""
    layout: Layout = Layout.LINKED


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
    """The same for what may still come, because the scan is running."""
    warnings: tuple[str, ...] = ()
    complete: bool = False
    """Whether the scan has ended: the entry is then read-only and will not change by itself."""
