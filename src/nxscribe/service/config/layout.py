"""The places of the files of a scan: patterns of the config, filled with the names of the scan, below the data root.

No function of this module uses a disk, because a trigger must not wait for a file system that hangs. The writer checks
that no symbolic link leads out of the data root.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nxscribe.errors import Problem, TriggerRefusedError
from nxscribe.model.node_names import path_part_problem
from nxscribe.projections import FileSettings, Layout, Ownership
from nxscribe.projections.files import AS_IT_COMES
from nxscribe.records import ScanIdentity
from nxscribe.service.config._patterns import NAMES

_LONGEST_MASTER: Final = 230
"""Bytes in the master's name: the folder of its entries and its temporary names are a little longer."""
_LONGEST_PATH: Final = 4095 - 255
"""Bytes in a whole path on Linux (PATH_MAX), with room for one more name."""


@dataclass(frozen=True, slots=True)
class ScanPaths:
    """The places of the files of one scan."""

    master: str
    """The path of the master file, relative to the data root."""
    directory: str
    """The absolute path of the folder of the scan."""


@dataclass(frozen=True, slots=True)
class Files:
    """The layout of files. `pattern_faults` has checked both patterns."""

    data_root: Path
    """The absolute path of the folder for all files."""
    layout: Layout
    master: str
    scan_directory: str
    ownership: Ownership = AS_IT_COMES
    raw_hours: float = 0.0
    """How many hours after the end of a scan its raw files are awaited."""
    checksums_s: float = float("inf")
    """How many seconds checksums of raw files can take each time an entry is written."""
    copied_bytes: int = 500_000_000
    """How many bytes of the EDF or TIFF frames of one detector are copied in one scan."""
    time_zone: str = ""
    """The time zone of all times. Empty: the time zone of the computer."""
    timeout_s: float = 60.0
    """How many seconds the writing of one entry can take."""
    named: frozenset[str] = frozenset()
    """The names in braces in all patterns, those of detectors among them."""
    roots: tuple[str, ...] = ()
    """Further folders, besides the data root, in which files may lie that a control system names: absolute paths."""

    @property
    def parameters(self) -> frozenset[str]:
        """The parameters of a start that patterns use."""
        return self.named.difference(NAMES)

    @property
    def settings(self) -> FileSettings:
        """The settings for a writer of files."""
        return FileSettings(
            self.data_root,
            self.layout,
            self.ownership,
            self.raw_hours,
            self.checksums_s,
            self.copied_bytes,
            self.time_zone,
            self.timeout_s,
            self.roots,
        )

    def place(self, scan: ScanIdentity) -> ScanPaths:
        """The places of the files of a scan. Raises TriggerRefusedError for names that are unsafe in a path."""
        names = scan.names
        if "session" not in self.named and not scan.session:
            names.pop("session")
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
        return ScanPaths(master, str(self.data_root / directory))
