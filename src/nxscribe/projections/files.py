"""The settings for files, and the result of one attempt to write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final

from nxscribe.errors import Problem, ProjectionError
from nxscribe.model import RawSeries
from nxscribe.records.record import Record


class Layout(StrEnum):
    """How the entries of an experiment are distributed to files."""

    LINKED = "linked"
    """Each entry is in a file of its own; the master file contains relative links to them."""
    SINGLE = "single"
    """All entries are in the master file itself, which is copied as a whole at each change."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Owners and modes of files. None: as the umask of the process and the folder above determine it."""

    complete: int = 0o444
    """The mode of an entry that is complete."""
    growing: int | None = None
    """The mode of files that still change: master files, and entries of scans that run."""
    folder: int | None = None
    """The mode of folders that nxscribe makes."""
    group: str | None = None
    """The group of all files and folders that nxscribe makes: its name, or its number in digits."""


AS_IT_COMES: Final = Ownership()


@dataclass(frozen=True, slots=True)
class FileSettings:
    """The places, the layout and the owners of files, and the limits for writing them."""

    data_root: Path
    """The absolute path of the folder for all files. Nothing is written outside it."""
    layout: Layout = Layout.LINKED
    ownership: Ownership = AS_IT_COMES
    raw_hours: float = 0.0
    """How many hours after the end of a scan nxscribe waits for incomplete raw files. Then they count as missing."""
    checksums_s: float = float("inf")
    """How many seconds checksums of raw files can take each time an entry is written. The next time continues."""
    copied_bytes: int = 500_000_000
    """How many bytes of EDF and TIFF frames of one detector in one scan are copied. Larger ones are linked, and HDF5
    needs an environment variable to find the files."""
    time_zone: str = ""
    """The time zone of all times, with its name in the IANA database. Empty: the time zone of the computer."""
    timeout_s: float = 60.0
    """How many seconds the writing of one entry can take. A writer process that takes longer counts as hung."""
    roots: tuple[str, ...] = ()
    """Further folders, to which symbolic links in the data root may lead."""


ENTRIES: Final = "_entries"
"""The end of the name of the folder that contains the entries of a master file."""


def entries_folder(master: Path) -> Path:
    """The folder with the entries of a master file in the layout `linked`."""
    return master.with_name(f"{master.stem}{ENTRIES}")


def master_path(record: Record, data_root: Path) -> Path:
    """The path of the master file of a record.

    Raises:
        ProjectionError: The path would be outside the root. An imported record can have such names.
    """
    master = PurePosixPath(record.master)
    if master.is_absolute() or ".." in master.parts or not master.name or len(PurePosixPath(record.id).parts) != 1:
        raise ProjectionError(
            Problem(
                f"the record {record.id!r} has the master {record.master!r}, which leads out of the data root",
                "the record was not made by nxscribe, or was changed",
                "look where it came from",
            )
        )
    return data_root / record.master


@dataclass(frozen=True, slots=True)
class Written:
    """The result of writing one entry and reading it back."""

    master: Path
    entry_file: Path
    """The file that contains the entry: in the layout `single`, the master file itself."""
    entry: str
    values: int
    """How many fields have a value, without the fields that nxscribe adds itself."""
    missing: dict[str, str] = field(default_factory=dict)
    """The nodes of the definition that have no value, by path from the entry (`sample/name`), with the reason."""
    pending: dict[str, str] = field(default_factory=dict)
    """The nodes that may still get a value, because the scan runs or its detectors still write."""
    warnings: tuple[str, ...] = ()
    complete: bool = False
    """Whether the scan has ended and no raw file is awaited. The entry is then read-only and no longer changes."""
    awaits_raw: bool = False
    """Whether the scan has ended and raw files are awaited."""
    found: tuple[RawSeries, ...] = ()
    """The raw files that were found by searching in the folders of detectors that do not report them."""
    unforeseen: tuple[str, ...] = ()
    """Tracebacks of unexpected errors with raw files. The entry lists their frames as not linked."""
    shown: int = 0
    """How many entries the master shows."""
    alone: bool = True
    """Whether a lock kept other writers out of the folder. Some file systems have no locks."""
