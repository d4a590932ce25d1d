"""A beamline's config as the program uses it: plain, checked, every path absolute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from nxscribe.errors import Location
from nxscribe.model import RawSearch
from nxscribe.plan import LimaDetector, Source
from nxscribe.records import ScanIdentity
from nxscribe.service.folders import FolderDetector
from nxscribe.service.layout import Files
from nxscribe.service.log import LogFormat


@dataclass(frozen=True, slots=True)
class TangoSettings:
    """How nxscribe stands in the Tango system."""

    host: str
    """`host:port` of the Tango database; empty: as Tango finds it by itself."""
    server: str
    """The device server's name, `nxscribe/<instance>`."""
    devices: tuple[str, ...]
    """The trigger devices: one session each."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take."""

    deadline_s: float
    """For all readings of one phase."""
    attribute_timeout_s: float | None
    """For one attribute, unless its source says otherwise: all sources carry it. None: the deadline."""
    write_timeout_s: float
    """For writing one entry: a writer that takes longer is replaced."""
    scan_hours: float
    """After which a scan that was never ended is closed as interrupted."""
    raw_hours: float
    """After which, from a scan's end on, raw files are awaited no longer."""


@dataclass(frozen=True, slots=True)
class Technique:
    """One technique's definition, and what it has of its own."""

    name: str
    definition: Path
    additions: tuple[Path, ...]
    sources: Mapping[str, Source]
    parameters: tuple[str, ...]
    location: Location | None = None
    places: Mapping[Path, Location] = field(default_factory=dict)
    """Where the config names the definition and the additions."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long records stay in the journal."""

    keep_days: float | None
    """After the end of a scan. None: for ever."""
    archive: Path
    """The folder that takes what leaves the journal."""
    vacuum_percent: float
    """When so much of the journal's file is unused, it is made smaller."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How the daemon logs."""

    level: str
    format: LogFormat


@dataclass(frozen=True, slots=True)
class Config:
    """One beamline."""

    file: Path
    beamline: str
    state_dir: Path
    tango: TangoSettings
    files: Files
    limits: Limits
    refuse_on_missing_mandatory: bool
    interrupt_on_start: bool
    afresh_at_end: bool
    """A start closes a scan that is open, instead of being refused."""
    detectors: Mapping[str, LimaDetector]
    folders: Mapping[str, FolderDetector]
    """Detectors whose files are found by looking."""
    frames: Mapping[str, int | str]
    """For detectors that have it: how many frames a scan is to have, or the placeholder that says so."""
    checksums: tuple[str, ...]
    """Detectors whose files get checksums where they are only listed."""
    sources: Mapping[str, Source]
    """Those that all techniques share."""
    parameters: tuple[str, ...]
    """Names and patterns of placeholders that the control system sets in any technique."""
    techniques: Mapping[str, Technique]
    retention: Retention
    logging: LogSettings

    @property
    def groups(self) -> dict[str, str]:
        """Each detector's NXdetector group, as a path from the entry."""
        cameras = {name: camera.group for name, camera in self.detectors.items()}
        return cameras | {name: folder.group for name, folder in self.folders.items()}

    @property
    def datasets(self) -> dict[str, str]:
        """Where each detector's frames are inside its HDF5 files, as far as it is named."""
        named = {name: camera.dataset for name, camera in self.detectors.items()}
        return named | {name: folder.dataset for name, folder in self.folders.items()}

    def searches(self, scan: ScanIdentity) -> tuple[RawSearch, ...]:
        """Where raw files of a scan are to be looked for."""
        taking_part = (folder for folder in self.folders.values() if folder.takes_part(scan))
        return tuple(folder.search(scan, self.data_root) for folder in taking_part)

    @property
    def data_root(self) -> Path:
        """The folder below which every file goes."""
        return self.files.data_root

    def placed(self, data_root: Path | None = None, state_dir: Path | None = None) -> Self:
        """The same config with other folders, where they are given."""
        return replace(
            self,
            files=replace(self.files, data_root=data_root.absolute() if data_root else self.files.data_root),
            state_dir=state_dir.absolute() if state_dir else self.state_dir,
        )
