"""Where the files of a scan go: patterns of the config, filled with the scan's names, below the data root.

Nothing here touches a disk: a trigger must not wait for a file system that hangs. That a folder below the data root is
no symbolic link out of it is seen to by whoever writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nxscribe.errors import Problem, TriggerRefusedError
from nxscribe.model.names import path_part_problem
from nxscribe.projections import FileSettings, Layout, Ownership
from nxscribe.projections.files import AS_IT_COMES
from nxscribe.records import ScanIdentity
from nxscribe.service.patterns import NAMES

_LONGEST_MASTER: Final = 230
"""Bytes in the master's name: the folder of its entries and its temporary names are a little longer."""
_LONGEST_PATH: Final = 4095 - 255
"""Bytes in a whole path on Linux (PATH_MAX), with room for one more name."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one scan's files go."""

    master: str
    """The master file, relative to the data root."""
    directory: str
    """The scan's own folder, absolute."""


@dataclass(frozen=True, slots=True)
class Files:
    """How files are laid out. Both patterns were checked by `pattern_faults`."""

    data_root: Path
    """Absolute."""
    layout: Layout
    master: str
    scan_directory: str
    ownership: Ownership = AS_IT_COMES
    raw_hours: float = 0.0
    """How long raw files are awaited after the end of their scan."""
    checksums_s: float = float("inf")
    """How long checksums of raw files may take in one writing of an entry."""

    @property
    def settings(self) -> FileSettings:
        """What a writer of files needs to know."""
        return FileSettings(self.data_root, self.layout, self.ownership, self.raw_hours, self.checksums_s)

    def place(self, scan: ScanIdentity) -> Place:
        """Where the files of a scan go. Raises TriggerRefusedError for names that are unsafe in a path."""
        names = {name: str(getattr(scan, name)) for name in NAMES}
        problems = [problem for name, text in names.items() if (problem := path_part_problem(name, text))]
        if problems:
            raise TriggerRefusedError(*problems)
        master, directory = self.master.format(**names), self.scan_directory.format(**names)
        parts = [("file name", part) for part in (*master.split("/")[:-1], *directory.split("/"))]
        problems = [problem for what, part in parts if (problem := path_part_problem(what, part))]
        if problem := path_part_problem("master file's name", master.rpartition("/")[2], _LONGEST_MASTER):
            problems.append(problem)
        for path in (self.data_root / master, self.data_root / directory):
            if (size := len(str(path).encode())) > _LONGEST_PATH:
                problems.append(
                    Problem(
                        f"the path {str(path)[:60]}… has {size} bytes",
                        f"at most {_LONGEST_PATH} leave room for files in it",
                        "give the scan shorter names",
                    )
                )
        if problems:
            raise TriggerRefusedError(*problems)
        return Place(master, str(self.data_root / directory))
