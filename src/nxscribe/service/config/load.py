"""A config file → `Config`: read, checked as a whole, converted."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from nxscribe.definitions.files import DISK, Files
from nxscribe.definitions.located import FlawedYamlError, Located, load_located
from nxscribe.definitions.text import read_bounded
from nxscribe.errors import InputError, Location, Problem
from nxscribe.model.names import node_name_problem
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
from nxscribe.service.config.sound import Lost, Sound
from nxscribe.service.folders import FolderDetector
from nxscribe.service.layout import Files as FileLayout
from nxscribe.service.log import LogFormat
from nxscribe.service.patterns import Fault, pattern_faults, search_faults

_SHARE_FOR_CHECKSUMS: Final = 0.25
"""Of the time for writing one entry."""


class UnreadableError(InputError):
    """There is no config to speak of: the file is not there, or may not be read."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What a config file says, be it right or not."""

    config: Config | None
    """All of it that is right, good for finding more mistakes alone if there are any; None where that is nothing."""
    problems: tuple[Problem, ...] = ()
    """In the order of the file."""
    lost: Lost = field(default_factory=Lost)
    """What is not in `config`."""


def load_config(path: Path, files: Files = DISK) -> Config:
    """The config at `path`. Paths in it are relative to it; the results are absolute.

    Args:
        path: The file.
        files: Where it is read from.

    Raises:
        UnreadableError: When the file cannot be read.
        InputError: When it cannot be used, with every problem that was found, in the order of the file.
    """
    examined = examine_config(path, files)
    if examined.problems or not examined.config:
        raise InputError(*examined.problems)
    return examined.config


def examine_config(path: Path, files: Files = DISK) -> Examined:
    """What is right and what is wrong with the config at `path`.

    Raises:
        UnreadableError: When the file cannot be read.
    """
    data = _read(path, files)
    try:
        return _examined(path, load_located(data, str(path)), ())
    except FlawedYamlError as error:
        return _examined(path, error.root, error.problems) if error.is_whole else Examined(None, error.problems)
    except InputError as error:
        return Examined(None, error.problems)


def _examined(path: Path, document: Located, flaws: tuple[Problem, ...]) -> Examined:
    if document.value is None:
        empty = Problem(
            "the config is empty", "", "begin with `beamline`, `data_root`, `techniques`", document.location
        )
        return Examined(None, flaws or (empty,))
    sound = Sound(document, flaws)
    if not sound.form:
        return Examined(None, _in_order(sound.problems, document))
    further = _problems(sound.form, sound.document, document, sound.lost.placeholders)
    problems = _in_order([*sound.problems, *further], document)
    return Examined(_Conversion(path, sound.document, sound.form).config(sound.lost), problems, sound.lost)


def _in_order(problems: Iterable[Problem], document: Located) -> tuple[Problem, ...]:
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.location or document.location))


def _read(path: Path, files: Files) -> bytes:
    try:
        return files.read(path)
    except OSError as error:
        raise UnreadableError(
            Problem(
                f"the config {str(path)!r} cannot be read",
                error.strerror or str(error),
                "give the path of a beamline's YAML file that this user may read",
            )
        ) from error


def _problems(form: ConfigForm, document: Located, whole: Located, lost: Collection[str]) -> Iterator[Problem]:
    """What the form's types cannot say. `whole` has the mistakes too; `lost` is what those would have filled."""
    for key, pattern in (("master", form.files.master), ("scan_directory", form.files.scan_directory)):
        for fault in pattern_faults(pattern):
            yield _in_pattern(fault, ("files", key), document)
    for name, detector in form.detectors.items():
        yield from _detector_problems(name, detector, document, whole)
        if isinstance(detector.frames, str) and not _is_filled(detector.frames, form, lost):
            yield Problem(
                f"the detector {name} takes its number of frames from ${{{detector.frames}}}, which nothing fills",
                "misspelt, or neither a source nor a parameter",
                "add it to `sources` or `parameters`, or give a number",
                document.at(("detectors", name, "frames")),
            )
    yield from _repeated_devices(form, document)


def _detector_problems(name: str, detector: DetectorForm, document: Located, whole: Located) -> Iterator[Problem]:
    place = ("detectors", name)
    techniques = whole.find(("techniques",))
    known = techniques.value if techniques and isinstance(techniques.value, dict) else None
    for part in detector.group.strip("/").split("/"):
        if problem := node_name_problem(part):
            yield _placed(problem, document.at((*place, "group")))
    for key in ("files", "watch"):
        for fault in search_faults(getattr(detector, key) or "*"):
            yield _in_pattern(fault, (*place, key), document)
    for number, technique in enumerate(detector.techniques):
        if known is not None and technique not in known:
            yield Problem(
                f"the detector {name} is of the technique {technique!r}, which is not there",
                "misspelt, or removed",
                f"use {', '.join(known)}",
                document.at((*place, "techniques", number)),
            )


def _is_filled(placeholder: str, form: ConfigForm, lost: Collection[str]) -> bool:
    """Whether any technique has a source or a parameter of this name."""
    givers: tuple[ConfigForm | TechniqueForm, ...] = (form, *form.techniques.values())
    names = [*lost, *(name for giver in givers for name in (*giver.sources, *giver.parameters))]
    return any(fnmatchcase(placeholder, name) for name in names)


def _repeated_devices(form: ConfigForm, document: Located) -> Iterator[Problem]:
    often = Counter(device.casefold() for device in form.tango.devices)
    for number, device in enumerate(form.tango.devices):
        if often[device.casefold()] > 1:
            yield Problem(
                f"the device {device} is named more than once",
                "each device is one session",
                "remove it, or rename it (Tango names ignore case)",
                document.at(("tango", "devices", number)),
            )


def _in_pattern(fault: Fault, place: tuple[str, ...], document: Located) -> Problem:
    offset, problem = fault
    node = document.find(place)
    return _placed(problem, node.within(offset) if node else document.location)


def _placed(problem: Problem, location: Location) -> Problem:
    return Problem(problem.what, problem.why, problem.remedy, location, problem.severity)


class _Conversion:
    """The checked form with its file at hand: positions and folders come from there."""

    def __init__(self, path: Path, document: Located, form: ConfigForm) -> None:
        self._file = path.absolute()
        self._document = document
        self._form = form

    def config(self, lost: Lost) -> Config:
        form = self._form
        state_dir = self._path(form.state_dir) if form.state_dir else _default_state_dir(form.beamline)
        return Config(
            file=self._file,
            beamline=form.beamline,
            state_dir=state_dir,
            tango=TangoSettings(
                host=form.tango.host or os.environ.get("TANGO_HOST", ""),
                server=form.tango.server or f"nxscribe/{form.beamline}",
                devices=tuple(form.tango.devices) or (f"{form.beamline}/nxscribe/main",),
            ),
            files=FileLayout(
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


_PLACES: Final = ("beamline", "state_dir")


def probable_state_dir(path: Path) -> Path:
    """The state folder that the config at `path` names, as far as one can see, however wrong the rest of it is."""
    named: dict[str, str] = {}
    with contextlib.suppress(OSError):
        data = read_bounded(path)
        # Also line by line: a syntax error is the end of all that comes after it.
        for part in (data, *(line for line in data.splitlines() if not line[:1].isspace())):
            with contextlib.suppress(InputError):
                document = load_located(part, str(path))
                named = {key: node.text for key in _PLACES if (node := document.find((key,))) and node.text} | named
    if text := named.get("state_dir"):
        return Path(os.path.normpath(path.absolute().parent / text))
    return _default_state_dir(named.get("beamline", ""))


def _default_state_dir(beamline: str) -> Path:
    """What systemd made for the unit (systemd.exec(5), StateDirectory=; several are separated by colons)."""
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(given) if given else Path("/var/lib/nxscribe") / beamline
