"""A config that was checked, as plain settings: every path absolute, every source with its place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from nxscribe.definitions.yaml_positions import YamlNode
from nxscribe.errors import InputError, Location, Problem
from nxscribe.model.tango_names import attribute_of, in_small_letters, parse_tango_name, tango_hosts
from nxscribe.plan import LimaDetector, Source
from nxscribe.projections import Layout, Ownership
from nxscribe.service.config._folders import FolderDetector, NamedDetector
from nxscribe.service.config._partial_config import Omitted
from nxscribe.service.config._patterns import NAMES, names_in
from nxscribe.service.config._problems import key_location
from nxscribe.service.config._schema import (
    ConfigForm,
    DetectorForm,
    Scalar,
    SourceForm,
    TechniqueForm,
    WatchedTriggerForm,
)
from nxscribe.service.config._settings import (
    Config,
    Limits,
    LogFormat,
    LogSettings,
    Retention,
    TangoSettings,
    TechniqueSettings,
)
from nxscribe.service.config._state_dir import default_state_dir
from nxscribe.service.config.layout import Files
from nxscribe.service.config.paths import absolute_path, expanded
from nxscribe.service.config.watching import NAMES as NAMES_OF_WATCHED
from nxscribe.service.config.watching import WatchedTriggerSettings
from nxscribe.sources import Origin, kinds, registry

_SHARE_FOR_CHECKSUMS: Final = 0.25
"""Of the time for writing one entry."""


class Conversion:
    """The checked form with its file at hand: positions and folders come from there."""

    def __init__(self, path: Path, document: YamlNode, form: ConfigForm) -> None:
        self._file = path.absolute()
        self._document = document
        self._form = form

    def config(self, omitted: Omitted) -> Config:
        """The settings, without warnings; `omitted` says what was left out of the form."""
        form = self._form
        state_dir = self._path(form.state_dir) if form.state_dir else default_state_dir(form.beamline)
        return Config(
            file=self._file,
            beamline=form.beamline,
            state_dir=state_dir,
            tango=TangoSettings(
                host=_hosts(form.tango.host or os.environ.get("TANGO_HOST", "")),
                server=form.tango.server or f"nxscribe/{form.beamline}",
                devices=tuple(form.tango.devices) or (f"{form.beamline}/nxscribe/main",),
            ),
            files=Files(
                data_root=self._path(form.data_root),
                layout=Layout(form.files.layout),
                master=form.files.master,
                scan_directory=form.files.scan_directory,
                ownership=Ownership(
                    complete=int(form.files.mode, 8),
                    growing=_mode(form.files.growing_mode),
                    folder=_mode(form.files.folder_mode),
                    group=form.files.group,
                ),
                raw_hours=form.limits.raw_hours,
                checksums_s=form.limits.write_timeout_s * _SHARE_FOR_CHECKSUMS,
                copied_bytes=int(form.files.copy_frames_mb * 1e6),
                time_zone=form.time_zone,
                timeout_s=form.limits.write_timeout_s,
                named=self._named_in_patterns(),
                roots=tuple(str(self._path(root)) for root in form.files.roots),
            ),
            limits=Limits(
                deadline_s=form.limits.deadline_s,
                attribute_timeout_s=form.limits.attribute_timeout_s,
                scan_hours=form.limits.scan_hours,
            ),
            interrupt_on_start=form.on_start_while_running == "interrupt",
            afresh_at_end=form.afresh_at_end,
            refuse_on_missing_mandatory=form.on_missing_mandatory == "refuse",
            detectors={
                name: self._detector(name, detector.device, detector)
                for name, detector in form.detectors.items()
                if detector.device
            },
            folders={
                name: _folder(name, expanded(pattern), detector)
                for name, detector in form.detectors.items()
                if (pattern := detector.files or detector.watch)
            },
            named={
                name: NamedDetector(detector.group.strip("/"), detector.dataset)
                for name, detector in form.detectors.items()
                if not (detector.device or detector.files or detector.watch)
            },
            frames={name: one.frames for name, one in form.detectors.items() if one.frames is not None},
            checksums=tuple(name for name, one in form.detectors.items() if one.checksum),
            sources=self._sources(("sources",), form.sources),
            source_settings=self.source_settings(),
            parameters=(*form.parameters, *sorted(omitted.placeholders)),
            parameter_places=self._parameter_places((), form.parameters),
            detector_places={name: self._document.at(("detectors", name, "group")) for name in form.detectors},
            techniques={
                name: TechniqueSettings(
                    name=name,
                    definition=self._path(technique.definition),
                    additions=tuple(self._path(addition) for addition in technique.additions),
                    sources=self._sources(("techniques", name, "sources"), technique.sources),
                    parameters=tuple(technique.parameters),
                    aliases=tuple(technique.aliases),
                    location=key_location(self._document, ("techniques", name)),
                    places=self._places(("techniques", name), technique),
                    parameter_places=self._parameter_places(("techniques", name), technique.parameters),
                )
                for name, technique in form.techniques.items()
                if self._document.find(("techniques", name))  # else it stands in for those that are left out
            },
            watched_triggers={name: self._watched(name, one) for name, one in form.watched_triggers.items()},
            default_technique=form.default_technique or "",
            projections={kind: asked for kind, asked in form.projections if asked is not None},
            retention=Retention(
                keep_days=form.records.keep_days,
                archive=self._path(form.records.archive) if form.records.archive else state_dir / "archive",
                vacuum_percent=form.records.vacuum_percent,
            ),
            logging=LogSettings(form.logging.level, LogFormat(form.logging.format)),
        )

    def _watched(self, name: str, form: WatchedTriggerForm) -> WatchedTriggerSettings:
        devices = self._form.tango.devices or [f"{self._form.beamline}/nxscribe/main"]
        return WatchedTriggerSettings(
            name=name,
            attribute=form.attribute,
            # Tango's names ignore case, and the sessions have those of the list.
            device=next((one for one in devices if one.casefold() == (form.device or "").casefold()), devices[0]),
            running=_listed(form.running),
            failed=_listed(form.failed),
            aborted=_listed(form.aborted),
            patterns={part: getattr(form, part) for part in NAMES_OF_WATCHED},
            min_length_s=form.min_length_s,
            gap_s=form.gap_s,
            poll_s=form.poll_s,
            location=key_location(self._document, ("watched_triggers", name)),
        )

    def _named_in_patterns(self) -> frozenset[str]:
        form = self._form
        patterns = [form.files.master, form.files.scan_directory]
        patterns += [pattern for one in form.detectors.values() if (pattern := one.files or one.watch)]
        known = {*NAMES, *form.files.parameters}
        # A pattern with faults is told, and is good for looking alone.
        return frozenset(name for one in patterns if not _is_flawed(one) for name in names_in(one) if name in known)

    def _places(self, place: tuple[str, ...], technique: TechniqueForm) -> dict[Path, Location]:
        additions = enumerate(technique.additions)
        named = {self._path(text): self._document.at((*place, "additions", number)) for number, text in additions}
        return {**named, self._path(technique.definition): self._document.at((*place, "definition"))}

    def _parameter_places(self, place: tuple[str, ...], parameters: list[str]) -> dict[str, Location]:
        return {name: self._document.at((*place, "parameters", number)) for number, name in enumerate(parameters)}

    def _path(self, text: str) -> Path:
        return absolute_path(self._file, text)

    def _detector(self, name: str, device: str, form: DetectorForm) -> LimaDetector:
        return LimaDetector(
            name=name,
            device=device,
            group=form.group.strip("/"),
            dataset=form.dataset,
            timeout_s=self._form.limits.attribute_timeout_s,
            location=key_location(self._document, ("detectors", name)),
            watched_by=tuple(
                trigger
                for trigger, one in self._form.watched_triggers.items()
                if _tango_path(one.attribute) == _tango_path(attribute_of(device, "acq_status"))
            ),
        )

    def _sources(self, place: tuple[str, ...], forms: dict[str, SourceForm]) -> dict[str, Source]:
        return {name: self._source((*place, name), form) for name, form in forms.items()}

    def _source(self, place: tuple[str, ...], form: SourceForm) -> Source:
        return Source(
            origin=self._origin(place, form),
            unit=form.unit,
            timeout_s=form.timeout_s or self._form.limits.attribute_timeout_s,
            max_age_s=form.max_age_s,
            default=None if form.default is None else self._text((*place, "default")),
            mandatory=form.mandatory,
            location=key_location(self._document, place),
        )

    def _origin(self, place: tuple[str, ...], form: SourceForm) -> Origin:
        key, kind = next((key, kind) for key, kind in kinds().items() if getattr(form, key) is not None)
        written = self._document.find((*place, key)) or self._document.find(place)
        return kind.origin(getattr(form, key), written.plain() if written else None)

    def source_problems(self) -> Iterator[Problem]:
        """What the kinds of sources find wrong with the sources, and the kinds that could not be added."""
        settings = self.source_settings()
        places: list[tuple[tuple[str, ...], dict[str, SourceForm]]] = [(("sources",), self._form.sources)]
        places += [(("techniques", name, "sources"), one.sources) for name, one in self._form.techniques.items()]
        for place, forms in places:
            for name, form in forms.items():
                origin = self._origin((*place, name), form)
                for problem in kinds()[origin.kind].check(origin, settings.get(origin.kind)):
                    yield replace(problem, location=key_location(self._document, (*place, name)))
        for problem in registry().problems:
            yield replace(problem, location=self._document.location)

    def source_settings(self) -> dict[str, object]:
        """The settings of each kind of sources that has some, by its key."""
        sections = {key: getattr(self._form, kind.section, None) for key, kind in kinds().items() if kind.section}
        return {key: kinds()[key].settings(section, self._file) for key, section in sections.items()}

    def _text(self, place: tuple[str, ...]) -> str:
        """A scalar as its author wrote it: `1.50` stays so."""
        node = self._document.find(place)
        return node.text if node else ""


def _folder(name: str, pattern: str, form: DetectorForm) -> FolderDetector:
    return FolderDetector(
        name,
        form.group.strip("/"),
        pattern,
        during=form.watch is not None,
        dataset=form.dataset,
        techniques=tuple(form.techniques),
    )


def _listed(given: Scalar | list[Scalar]) -> tuple[Scalar, ...]:
    return tuple(given) if isinstance(given, list) else (given,)


def _is_flawed(pattern: str) -> bool:
    try:
        names_in(pattern)
    except ValueError:
        return True
    return False


def _tango_path(text: str) -> tuple[str, ...]:
    """The path of a Tango name, in the form in which Tango compares names: with or without its database."""
    name = parse_tango_name(text)
    return tuple(map(in_small_letters, name.path)) if name else ()


def _hosts(text: str) -> str:
    """In the form of TANGO_HOST. What is in no form at all is told by whoever needs the database."""
    try:
        return ",".join(tango_hosts(text))
    except InputError:
        return text


def _mode(text: str | None) -> int | None:
    return None if text is None else int(text, 8)
