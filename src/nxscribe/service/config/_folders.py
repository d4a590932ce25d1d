"""Detectors that tell nobody of their files: where to look for those of a scan."""

from __future__ import annotations

from dataclasses import dataclass
from glob import escape
from pathlib import Path

from nxscribe.model import RawSearch
from nxscribe.records import ScanIdentity


@dataclass(frozen=True, slots=True)
class NamedDetector:
    """A detector whose files only the control system names."""

    group: str
    """The NXdetector that gets its data, as a path from the entry."""
    dataset: str = ""
    """For HDF5, the path of the frames inside each raw file. Empty: nxscribe searches for them."""


@dataclass(frozen=True, slots=True)
class FolderDetector:
    """A detector whose files nxscribe searches for. Its pattern was checked by `search_faults`."""

    name: str
    group: str
    """The NXdetector that gets its data, as a path from the entry."""
    pattern: str
    """Of its files: absolute, or below the data root; names of the scan in braces."""
    during: bool
    """The folder is that of many scans: only what is written during a scan is the scan's."""
    dataset: str = ""
    """For HDF5, the path of the frames inside each raw file. Empty: nxscribe searches for them."""
    techniques: tuple[str, ...] = ()
    """In whose scans it takes part; empty: in all."""

    def takes_part(self, scan: ScanIdentity) -> bool:
        """Whether files of it are to be looked for."""
        return not self.techniques or scan.technique in self.techniques

    def search(self, scan: ScanIdentity, data_root: Path) -> RawSearch:
        """Where to look for the files of a scan, whose names are safe in paths."""
        names = scan.names
        folder, _, files = self.pattern.rpartition("/")
        return RawSearch(
            self.name,
            str(data_root / folder.format(**names)),
            files.format(**{name: escape(text) for name, text in names.items()}),
            self.dataset,
            self.during,
        )
