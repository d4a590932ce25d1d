"""A config without its mistakes: what is left can be checked further, so that its author sees everything at once.

What is left out is remembered, so that nobody complains of what it would have given: a placeholder whose source is
wrong has a source all the same. A key that is probably misspelt is read as the one that was probably meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nxscribe.definitions.yaml_positions import YamlNode
from nxscribe.errors import Problem
from nxscribe.model import Template
from nxscribe.service.config._problems import KEY, key_location, meant_key, path_of, problems_of, shown
from nxscribe.service.config._schema import ORIGINS, WAYS_TO_FILES, ConfigForm
from nxscribe.sources import kinds

Path: TypeAlias = tuple[str | int, ...]
"""The steps from the top of the file to a value."""

_STAND_INS: Final = {"beamline": "unknown", "data_root": ".", "techniques": {"unknown": {"definition": "unknown"}}}
"""For what the config must have, where it is left out."""
_KEPT_WITHOUT: Final = {
    "sources": {"unit", "timeout_s", "max_age_s", "default", "mandatory"},
    "detectors": {"dataset", "techniques", "frames", "checksum"},
}
"""What a source or detector can lose, and still be one."""
_UNKNOWN_KEY: Final = "extra_forbidden"
_FOLLOWS: Final = {"missing", "too_short"}
"""What pydantic finds wrong where something was left out."""
_ANY: Final = "*"
_KEPT_WORDS: Final = " and ".join(kind.plural for kind in kinds().values() if kind.keeps_fresh)
"""The kinds of sources whose values may be remembered."""


@dataclass(slots=True)
class Omitted:
    """What the parts that were left out would have given."""

    placeholders: set[str] = field(default_factory=set)
    """Names, and patterns, of placeholders that they would have filled."""
    named: set[str] = field(default_factory=set)
    """Placeholders that they name."""
    techniques: bool = False
    """Whether there may be more techniques: they would use sources."""
    groups: set[str] = field(default_factory=set)
    """The groups of detectors."""
    detectors: bool = False
    """Whether there may be more detectors, whose groups are not known."""

    def note(self, path: Path, node: YamlNode | None) -> None:
        """Remember what the node at `path` would have given."""
        texts = [one.value for _, one in node.walk() if isinstance(one.value, str)] if node else []
        self.named.update(name for text in texts for name in Template(text).placeholders)
        if path[:1] == ("techniques",):
            path = path[2:]
            self.techniques |= not path
        match path:
            case ("sources", str(name)):
                self.placeholders.add(Template(name).sole_placeholder or name)
            case ("sources",) | ("parameters", *_):
                self.placeholders.add(_ANY)
            case ("detectors", str(name)):
                self.placeholders.add(f"{name}.*")
                group = node.find(("group",)) if node else None
                if group and isinstance(group.value, str):
                    self.groups.add(group.value)
                else:
                    self.detectors = True
            case ("detectors",):
                self.placeholders.add("*.*")
                self.detectors = True
            case _:
                pass


class PartialConfig:
    """What of a config is valid, and what is wrong with the rest."""

    def __init__(self, document: YamlNode, flaws: tuple[Problem, ...]) -> None:
        """`flaws` were found in the text of the document already."""
        self.document = document
        """Without what is wrong in it."""
        self.form: ConfigForm | None = None
        """Of `document`; None where nothing is right."""
        self.problems = list(flaws)
        self.omitted = Omitted()
        self._gone: set[Path] = set()
        places = {problem.location for problem in flaws}
        # An alias has no value; its problem is told.
        self._leave_out(path for path, node in document.walk() if node.value is None and node.location in places)
        errors = self._validate()
        while self._correct_keys(errors):
            errors = self._validate(_STAND_INS)
        choices = dict(_choices(self.document))
        self.problems += choices.values()
        self._leave_out([*choices, *self._wrong(errors)])
        is_altered = bool(errors or choices)
        while is_altered:
            before = self.document
            errors = self._validate(_STAND_INS)
            self._leave_out(self._wrong(errors))
            is_altered = bool(errors) and self.document != before

    def _validate(self, stand_ins: Mapping[str, object] = MappingProxyType({})) -> list[ErrorDetails]:
        given = self.document.plain()
        self.form = None
        try:
            self.form = ConfigForm.model_validate({**stand_ins, **given} if isinstance(given, dict) else given)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            told = [one for one in errors if not (one["type"] in _FOLLOWS and self._is_gone(one))]
            self.problems += problems_of(told, self.document)
            return errors
        return []

    def _is_gone(self, error: ErrorDetails) -> bool:
        path = path_of(error, self.document)
        return any(gone[: len(path)] == path for gone in self._gone)

    def _wrong(self, errors: list[ErrorDetails]) -> list[Path]:
        return [path_of(error, self.document) for error in errors]

    def _correct_keys(self, errors: list[ErrorDetails]) -> bool:
        """Rename or leave out the unknown keys. Says whether there were any."""
        renamed: dict[Path, str] = {}
        gone: list[Path] = []
        for path in (path_of(error, self.document) for error in errors if error["type"] == _UNKNOWN_KEY):
            meant = (*path[:-1], meant_key(path))
            if meant[-1] and not self.document.find(meant) and meant[-1] not in renamed.values():
                renamed[path] = str(meant[-1])
            else:
                self.omitted.note(meant, self.document.find(path))
                gone.append(path)
        self.document = _without(self.document, gone, renamed)
        return bool(gone or renamed)

    def _leave_out(self, paths: Iterable[Path]) -> None:
        units = {_unit_of(path[:-1] if path[-1:] == (KEY,) else path) for path in paths}
        for path in units:
            self.omitted.note(path, self.document.find(path))
        self._gone |= units
        self.document = _without(self.document, units, {})


def _unit_of(path: Path) -> Path:
    """How much has to go where the value at `path` is wrong: a source without an origin is none."""
    start = 2 if path[:1] == ("techniques",) and path[2:3] == ("sources",) else 0
    end = start + 2
    if len(path) >= end and (kept := _KEPT_WITHOUT.get(str(path[start]))) and path[end : end + 1] != ():
        return path if path[end] in kept else path[:end]
    if path[:1] == ("watched_triggers",):
        return path[:2]
    in_technique = path[:1] == ("techniques",) and path[2:3] not in (("sources",), ("parameters",))
    return path[:2] if in_technique else path


def _without(document: YamlNode, gone: Iterable[Path], renamed: Mapping[Path, str]) -> YamlNode:
    """The document without the values at `gone`, and with other names for the keys at `renamed`."""
    left_out = frozenset(gone)

    def rebuilt(node: YamlNode, path: Path) -> YamlNode:
        if isinstance(node.value, list):
            items = [(one, (*path, number)) for number, one in enumerate(node.value)]
            return replace(node, value=[rebuilt(one, place) for one, place in items if place not in left_out])
        if not isinstance(node.value, dict):
            return node
        kept = {key: one for key, one in node.value.items() if (*path, key) not in left_out}
        names = {key: renamed.get((*path, key), key) for key in kept}
        return replace(
            node,
            value={names[key]: rebuilt(one, (*path, key)) for key, one in kept.items()},
            key_locations={names.get(key, key): place for key, place in node.key_locations.items()},
        )

    return rebuilt(document, ()) if left_out or renamed else document


def _choices(document: YamlNode) -> Iterator[tuple[Path, Problem]]:
    """Each source and detector that has none or several of what makes it one, and lists of unlike values."""
    for path, node in document.walk():
        if not isinstance(node.value, dict):
            continue
        if path[:-1] == ("sources",) or (path[:1] == ("techniques",) and path[2:-1] == ("sources",)):
            yield from _choice(path, node, document, ORIGINS, "a source has exactly one of")
            yield from _flawed(path, node)
            yield from _aged(path, node)
        elif path[:-1] == ("detectors",):
            yield from _choice(path, node, document, WAYS_TO_FILES, "a detector has at most one of", least=0)
            is_searched = node.find(("files",)) or node.find(("watch",))
            if not is_searched and (techniques := node.find(("techniques",))) and techniques.value:
                what = "its files are not searched: `techniques` goes with `files` or `watch`"
                yield path, Problem(f"{shown(path)}: {what}", "", "correct it", key_location(document, path))


def _choice(
    path: Path, node: YamlNode, document: YamlNode, ways: tuple[str, ...], rule: str, *, least: int = 1
) -> Iterator[tuple[Path, Problem]]:
    given = [way for way in ways if (one := node.find((way,))) and one.value not in (None, [])]
    if not least <= len(given) <= 1:
        what = f"{rule} {', '.join(ways)}; here are {' and '.join(given) or 'none'}"
        yield path, Problem(f"{shown(path)}: {what}", "", "correct it", key_location(document, path))


def _flawed(path: Path, node: YamlNode) -> Iterator[tuple[Path, Problem]]:
    """What a kind of source finds wrong with what stands behind its key."""
    for key, kind in kinds().items():
        given = node.find((key,))
        if given and (flaw := kind.flaw(given.plain())):
            place = (*path, key)
            yield place, replace(flaw, what=f"{shown(place)} {flaw.what}", location=given.location)


def _aged(path: Path, node: YamlNode) -> Iterator[tuple[Path, Problem]]:
    age = node.find(("max_age_s",))
    kept = [key for key, kind in kinds().items() if kind.keeps_fresh]
    if age and age.value is not None and not any(node.find((key,)) for key in kept):
        yield (
            (*path, "max_age_s"),
            Problem(
                f"{shown((*path, 'max_age_s'))} is for {_KEPT_WORDS}",
                "nothing else is kept in memory, or needs to be",
                "remove it",
                age.location,
            ),
        )
