"""A beamline's config as the program uses it: plain, checked, every path absolute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel

from nxscribe.errors import Location, Problem
from nxscribe.model import RawSearch, plain
from nxscribe.plan import LimaDetector, Source
from nxscribe.projections import Settings, registered
from nxscribe.records import JOURNAL_FILE, NEXUS, ScanIdentity
from nxscribe.service.config._folders import FolderDetector, NamedDetector
from nxscribe.service.config.layout import Files
from nxscribe.service.config.watching import WatchedTriggerSettings


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
    scan_hours: float
    """After which a scan that was never ended is closed as interrupted."""


@dataclass(frozen=True, slots=True)
class TechniqueSettings:
    """One technique's definition, and what it has of its own."""

    name: str
    definition: Path
    additions: tuple[Path, ...]
    sources: Mapping[str, Source]
    parameters: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    """Other names of it."""
    location: Location | None = None
    places: Mapping[Path, Location] = field(default_factory=dict)
    """Where the config names the definition and the additions."""
    parameter_places: Mapping[str, Location] = field(default_factory=dict)
    """Where it names the parameters."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long records stay in the journal."""

    keep_days: float | None
    """After the end of a scan. None: for ever."""
    archive: Path
    """The folder that takes what leaves the journal."""
    vacuum_percent: float
    """When so much of the journal's file is unused, it is made smaller."""


class LogFormat(StrEnum):
    """How the lines of the log look."""

    CONSOLE = "console"
    JSON = "json"


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
    """A start closes a scan that is open, instead of being refused."""
    afresh_at_end: bool
    """Everything is read afresh at the end of a scan, whatever the sources' `max_age_s` allow."""
    detectors: Mapping[str, LimaDetector]
    folders: Mapping[str, FolderDetector]
    """Detectors whose files nxscribe searches for."""
    named: Mapping[str, NamedDetector]
    """Detectors whose files only the control system names."""
    frames: Mapping[str, int | str]
    """For detectors that have it: how many frames a scan is to have, or the placeholder that says so."""
    checksums: tuple[str, ...]
    """Detectors whose files get checksums where they are only listed."""
    sources: Mapping[str, Source]
    """Those that all techniques share."""
    source_settings: Mapping[str, object]
    """The settings of each kind of sources that has some, by its key."""
    parameters: tuple[str, ...]
    """Names and patterns of placeholders that the control system sets in any technique."""
    techniques: Mapping[str, TechniqueSettings]
    watched_triggers: Mapping[str, WatchedTriggerSettings]
    """Scans that begin and end with an attribute, by the name of the trigger."""
    default_technique: str
    """For scans of a technique that is not there; empty if there is none."""
    projections: Mapping[str, BaseModel]
    """The kinds of projection that are asked for beside the NeXus files, each with its own config."""
    retention: Retention
    logging: LogSettings
    parameter_places: Mapping[str, Location] = field(default_factory=dict)
    """Where the config names the parameters of all techniques."""
    detector_places: Mapping[str, Location] = field(default_factory=dict)
    """Where it names the detectors' groups."""
    warnings: tuple[Problem, ...] = ()
    """What its author should look at."""

    @property
    def groups(self) -> dict[str, str]:
        """Each detector's NXdetector group, as a path from the entry."""
        cameras = {name: camera.group for name, camera in self.detectors.items()}
        others: dict[str, FolderDetector | NamedDetector] = {**self.folders, **self.named}
        return cameras | {name: detector.group for name, detector in others.items()}

    @property
    def datasets(self) -> dict[str, str]:
        """Where each detector's frames are inside its HDF5 files, as far as it is named."""
        named = {name: camera.dataset for name, camera in self.detectors.items()}
        others: dict[str, FolderDetector | NamedDetector] = {**self.folders, **self.named}
        return named | {name: detector.dataset for name, detector in others.items()}

    @property
    def offered(self) -> dict[str, Source]:
        """The sources that do not depend on a technique: the shared ones, and those of the cameras."""
        of_cameras = (camera.sources for camera in self.detectors.values())
        return {**{name: source for sources in of_cameras for name, source in sources.items()}, **self.sources}

    def searches(self, scan: ScanIdentity) -> tuple[RawSearch, ...]:
        """Where raw files of a scan are to be looked for."""
        taking_part = (folder for folder in self.folders.values() if folder.takes_part(scan))
        return tuple(folder.search(scan, self.data_root) for folder in taking_part)

    @property
    def data_root(self) -> Path:
        """The folder below which every file goes."""
        return self.files.data_root

    def roots(self, searches: Iterable[RawSearch]) -> tuple[str, ...]:
        """The folders in which files may lie that a control system names in a scan with these searches."""
        searched = dict.fromkeys(plain(search.directory) for search in searches)
        return (str(self.files.data_root), *self.files.roots, *searched)

    @property
    def projection_kinds(self) -> tuple[str, ...]:
        """The kinds of projection that each record gets."""
        return (NEXUS, *self.projections)

    def projection_settings(self, kind: str) -> Settings:
        """What a projection of this kind is to go by."""
        form = self.projections.get(kind) or registered()[kind].form()
        return Settings(self.files.settings, form, self.state_dir / JOURNAL_FILE)

    @property
    def time_zone(self) -> str:
        """In which all times are told, by its name in the IANA database; empty: the host's."""
        return self.files.time_zone

    def placed(
        self, data_root: Path | None = None, state_dir: Path | None = None, log_format: LogFormat | None = None
    ) -> Self:
        """The same config with other folders and another form of the log, where they are given."""
        return replace(
            self,
            logging=replace(self.logging, format=log_format or self.logging.format),
            files=replace(self.files, data_root=data_root.absolute() if data_root else self.files.data_root),
            state_dir=state_dir.absolute() if state_dir else self.state_dir,
        )


NEEDS_RESTART: Final[Mapping[str, Callable[[Config], object]]] = {
    "beamline": lambda config: config.beamline,
    "data_root": lambda config: config.data_root,
    "state_dir": lambda config: config.state_dir,
    "time_zone": lambda config: config.time_zone,
    "tango.host": lambda config: config.tango.host,
    "tango.server": lambda config: config.tango.server,
    "tango.devices": lambda config: config.tango.devices,
    "files.layout": lambda config: config.files.layout,
}
"""The keys that a daemon keeps for its life, with what each of them sets. All others take effect with a reload: the
parts of the daemon take them from the config in force when they need them.
"""
