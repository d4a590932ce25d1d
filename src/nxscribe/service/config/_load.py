"""A config file → `Config`: read, checked as a whole, converted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from nxscribe.definitions.diagnostics import nearest
from nxscribe.definitions.file_access import DISK, FileAccess
from nxscribe.definitions.yaml_positions import FlawedYamlError, YamlNode, load_yaml
from nxscribe.errors import InputError, Location, Problem, Severity
from nxscribe.model.node_names import node_name_problem
from nxscribe.model.times import UnknownZoneError, zone, zone_names
from nxscribe.service.config._convert import Conversion
from nxscribe.service.config._partial_config import Omitted, PartialConfig
from nxscribe.service.config._patterns import Fault, pattern_faults, search_faults
from nxscribe.service.config._schema import ConfigForm, DetectorForm, TechniqueForm
from nxscribe.service.config._settings import Config
from nxscribe.service.config._watched_problems import watched_problems
from nxscribe.service.config.paths import path_problems


class UnreadableError(InputError):
    """There is no config to speak of: the file is not there, or may not be read."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What a config file says, be it right or not."""

    config: Config | None
    """All of it that is right, good for finding more mistakes alone if there are any; None where that is nothing."""
    problems: tuple[Problem, ...] = ()
    """In the order of the file."""
    omitted: Omitted = field(default_factory=Omitted)
    """What is not in `config`."""


def load_config(path: Path, files: FileAccess = DISK) -> Config:
    """The config at `path`. Paths in it are relative to it; the results are absolute.

    Args:
        path: The file.
        files: Where it is read from.

    Raises:
        UnreadableError: When the file cannot be read.
        InputError: When it cannot be used, with every problem that was found, in the order of the file.
    """
    examined = examine_config(path, files)
    if not examined.config or any(problem.severity is Severity.ERROR for problem in examined.problems):
        raise InputError(*examined.problems)
    return examined.config


def examine_config(path: Path, files: FileAccess = DISK) -> Examined:
    """What is right and what is wrong with the config at `path`.

    Raises:
        UnreadableError: When the file cannot be read.
    """
    data = _read(path, files)
    try:
        return _examined(path, load_yaml(data, str(path)), ())
    except FlawedYamlError as error:
        return _examined(path, error.root, error.problems) if error.is_whole else Examined(None, error.problems)
    except InputError as error:
        return Examined(None, error.problems)


def _examined(path: Path, document: YamlNode, flaws: tuple[Problem, ...]) -> Examined:
    if document.value is None:
        empty = Problem(
            "the config is empty", "", "begin with `beamline`, `data_root`, `techniques`", document.location
        )
        return Examined(None, flaws or (empty,))
    partial = PartialConfig(document, flaws)
    if not partial.form:
        return Examined(None, _in_order(partial.problems, document))
    conversion = Conversion(path, partial.document, partial.form)
    further = _problems(partial.form, partial.document, document, partial.omitted.placeholders)
    config = conversion.config(partial.omitted)
    of_watched = watched_problems(config, partial.document, document, partial.omitted)
    problems = _in_order([*partial.problems, *further, *conversion.source_problems(), *of_watched], document)
    warnings = tuple(problem for problem in problems if problem.severity is Severity.WARNING)
    return Examined(replace(config, warnings=warnings), problems, partial.omitted)


def _in_order(problems: Iterable[Problem], document: YamlNode) -> tuple[Problem, ...]:
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.location or document.location))


def _read(path: Path, files: FileAccess) -> bytes:
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


def _problems(form: ConfigForm, document: YamlNode, whole: YamlNode, omitted: Collection[str]) -> Iterator[Problem]:
    """What the form's types cannot say. `whole` has the mistakes too; `omitted` is what those would have filled."""
    yield from path_problems(document)
    yield from _zone_problems(form.time_zone, document)
    for key, pattern in (("master", form.files.master), ("scan_directory", form.files.scan_directory)):
        for fault in pattern_faults(pattern, form.files.parameters):
            yield _in_pattern(fault, ("files", key), document)
    for name, detector in form.detectors.items():
        yield from _detector_problems(name, detector, form.files.parameters, document, whole)
        if isinstance(detector.frames, str) and not _is_filled(detector.frames, form, omitted):
            yield Problem(
                f"the detector {name} takes its number of frames from ${{{detector.frames}}}, which nothing fills",
                "misspelt, or neither a source nor a parameter",
                "add it to `sources` or `parameters`, or give a number",
                document.at(("detectors", name, "frames")),
            )
    yield from _repeated_devices(form, document)
    yield from _technique_problems(form, document, whole)


def _technique_problems(form: ConfigForm, document: YamlNode, whole: YamlNode) -> Iterator[Problem]:
    """Aliases that are another technique's name or alias, and a default that is no technique."""
    techniques = whole.find(("techniques",))
    names = list(techniques.value) if techniques and isinstance(techniques.value, dict) else list(form.techniques)
    owners = {str(name).casefold(): str(name) for name in names}
    for name, technique in form.techniques.items():
        for number, alias in enumerate(technique.aliases):
            owner = owners.setdefault(alias.casefold(), name)
            if owner != name:
                yield Problem(
                    f"the alias {alias!r} of the technique {name} is also a name of the technique {owner}",
                    "upper and lower case are the same, and a name can mean one technique only",
                    "remove it at one of them",
                    document.at(("techniques", name, "aliases", number)),
                )
    if form.default_technique and form.default_technique not in names:
        near = nearest(form.default_technique, [str(name) for name in names])
        yield Problem(
            f"the default technique {form.default_technique!r} is not there",
            "misspelt, or removed",
            f"did you mean {near}?" if near else f"use {', '.join(map(str, names))}",
            document.at(("default_technique",)),
        )


def _zone_problems(name: str, document: YamlNode) -> Iterator[Problem]:
    try:
        zone(name)
    except UnknownZoneError as error:
        known = zone_names()
        near = nearest(name, known)
        remedy = f"did you mean {near}?" if near else "write one such as Europe/Paris, or UTC"
        if not known:
            remedy = "install it (the package `tzdata`), or write UTC"
        yield Problem(f"{name!r} is no time zone", str(error), remedy, document.at(("time_zone",)))


def _detector_problems(
    name: str, detector: DetectorForm, parameters: Collection[str], document: YamlNode, whole: YamlNode
) -> Iterator[Problem]:
    place = ("detectors", name)
    techniques = whole.find(("techniques",))
    known = techniques.value if techniques and isinstance(techniques.value, dict) else None
    for part in detector.group.strip("/").split("/"):
        if problem := node_name_problem(part):
            yield _placed(problem, document.at((*place, "group")))
    for key in ("files", "watch"):
        for fault in search_faults(getattr(detector, key) or "*", parameters):
            yield _in_pattern(fault, (*place, key), document)
    for number, technique in enumerate(detector.techniques):
        if known is not None and technique not in known:
            yield Problem(
                f"the detector {name} is of the technique {technique!r}, which is not there",
                "misspelt, or removed",
                f"use {', '.join(known)}",
                document.at((*place, "techniques", number)),
            )


def _is_filled(placeholder: str, form: ConfigForm, omitted: Collection[str]) -> bool:
    """Whether any technique has a source or a parameter of this name."""
    givers: tuple[ConfigForm | TechniqueForm, ...] = (form, *form.techniques.values())
    names = [*omitted, *(name for giver in givers for name in (*giver.sources, *giver.parameters))]
    return any(fnmatchcase(placeholder, name) for name in names)


def _repeated_devices(form: ConfigForm, document: YamlNode) -> Iterator[Problem]:
    often = Counter(device.casefold() for device in form.tango.devices)
    for number, device in enumerate(form.tango.devices):
        if often[device.casefold()] > 1:
            yield Problem(
                f"the device {device} is named more than once",
                "each device is one session",
                "remove it, or rename it (Tango names ignore case)",
                document.at(("tango", "devices", number)),
            )


def _in_pattern(fault: Fault, place: tuple[str, ...], document: YamlNode) -> Problem:
    offset, problem = fault
    node = document.find(place)
    return _placed(problem, node.within(offset) if node else document.location)


def _placed(problem: Problem, location: Location) -> Problem:
    return Problem(problem.what, problem.why, problem.remedy, location, problem.severity)
