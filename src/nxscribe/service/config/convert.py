"""A config that was checked, as plain settings: every path absolute, every source with its place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from nxscribe.definitions.located import Located
from nxscribe.errors import Location
from nxscribe.plan import (
    ExpressionSource,
    LimaDetector,
    LiteralSource,
    Origin,
    ParameterSource,
    PropertySource,
    Source,
    TangoSource,
)
from nxscribe.projections import Layout, Ownership
from nxscribe.service.config.problems import key_location
from nxscribe.service.config.schema import ConfigForm, DetectorForm, SourceForm, TechniqueForm
from nxscribe.service.config.settings import Config, Limits, LogSettings, Retention, TangoSettings, Technique
from nxscribe.service.config.sound import Lost
from nxscribe.service.config.state_dir import default_state_dir
from nxscribe.service.folders import FolderDetector
from nxscribe.service.layout import Files
from nxscribe.service.log import LogFormat

_SHARE_FOR_CHECKSUMS: Final = 0.25
"""Of the time for writing one entry."""


class Conversion:
    """The checked form with its file at hand: positions and folders come from there."""

    def __init__(self, path: Path, document: Located, form: ConfigForm) -> None:
        self._file = path.absolute()
        self._document = document
        self._form = form

    def config(self, lost: Lost) -> Config:
        """The settings; `lost` says what was left out of the form."""
        form = self._form
        state_dir = self._path(form.state_dir) if form.state_dir else default_state_dir(form.beamline)
        return Config(
            file=self._file,
            beamline=form.beamline,
            state_dir=state_dir,
            tango=TangoSettings(
                host=form.tango.host or os.environ.get("TANGO_HOST", ""),
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
            ),
            limits=Limits(
                deadline_s=form.limits.deadline_s,
                attribute_timeout_s=form.limits.attribute_timeout_s,
                write_timeout_s=form.limits.write_timeout_s,
                scan_hours=form.limits.scan_hours,
                raw_hours=form.limits.raw_hours,
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
                name: _folder(name, pattern, detector)
                for name, detector in form.detectors.items()
                if (pattern := detector.files or detector.watch)
            },
            frames={name: one.frames for name, one in form.detectors.items() if one.frames is not None},
            checksums=tuple(name for name, one in form.detectors.items() if one.checksum),
            sources=self._sources(("sources",), form.sources),
            parameters=(*form.parameters, *sorted(lost.placeholders)),
            techniques={
                name: Technique(
                    name=name,
                    definition=self._path(technique.definition),
                    additions=tuple(self._path(addition) for addition in technique.additions),
                    sources=self._sources(("techniques", name, "sources"), technique.sources),
                    parameters=tuple(technique.parameters),
                    location=key_location(self._document, ("techniques", name)),
                    places=self._places(("techniques", name), technique),
                )
                for name, technique in form.techniques.items()
                if self._document.find(("techniques", name))  # else it stands in for those that are lost
            },
            retention=Retention(
                keep_days=form.records.keep_days,
                archive=self._path(form.records.archive) if form.records.archive else state_dir / "archive",
                vacuum_percent=form.records.vacuum_percent,
            ),
            logging=LogSettings(form.logging.level, LogFormat(form.logging.format)),
        )

    def _places(self, place: tuple[str, ...], technique: TechniqueForm) -> dict[Path, Location]:
        additions = enumerate(technique.additions)
        named = {self._path(text): self._document.at((*place, "additions", number)) for number, text in additions}
        return {**named, self._path(technique.definition): self._document.at((*place, "definition"))}

    def _path(self, text: str) -> Path:
        return Path(os.path.normpath(self._file.parent / text))

    def _detector(self, name: str, device: str, form: DetectorForm) -> LimaDetector:
        return LimaDetector(
            name=name,
            device=device,
            group=form.group.strip("/"),
            dataset=form.dataset,
            timeout_s=self._form.limits.attribute_timeout_s,
            location=key_location(self._document, ("detectors", name)),
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
        if form.property is not None:
            return PropertySource(form.property)
        if form.parameter is not None:
            return ParameterSource(form.parameter)
        if form.expression is not None:
            return ExpressionSource(form.expression)
        if isinstance(form.value, list):
            texts = tuple(one for one in form.value if isinstance(one, str))
            return LiteralSource(texts or tuple(one for one in form.value if not isinstance(one, str)))
        if form.value is not None:
            return LiteralSource(form.value)
        written = self._document.find((*place, "tango")) or self._document.find(place)
        return TangoSource(tuple(form.tango), is_list=written is not None and isinstance(written.value, list))

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


def _mode(text: str | None) -> int | None:
    return None if text is None else int(text, 8)
