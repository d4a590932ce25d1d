"""Checks before any scan whether an entry that claims a NeXus application definition will contain what it requires."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from nxscribe.definitions.diagnostics import did_you_mean
from nxscribe.definitions.nxdl import Asked, NoNxdlError, application, applications
from nxscribe.errors import Location, Problem, Severity
from nxscribe.model import Definition, Field, Group, Link, Node, units
from nxscribe.model.nexus_types import NX_TYPES, kind

_NUMERIC: Final = {"integer", "float", "number"}
_BY_THE_WRITER: Final = {"NX_class", "axes", "default", "signal", "target", "units", "version"}
"""Attributes that the file's writer adds where they are missing."""


@dataclass(frozen=True, slots=True)
class _Frames:
    """The raw frames, which nxscribe links into a detector's group when the scan has ended."""


_DEEPEST: Final = 100
"""Steps of a path: one that gets longer through each link that it follows never ends."""
_FRAMES: Final = _Frames()
_Found: TypeAlias = Group | Field | _Frames


def check_claims(definition: Definition, detector_groups: Collection[str] = ()) -> Iterator[Problem]:
    """Warn of everything that a claimed application definition requires and the entry will not contain.

    Args:
        definition: The whole tree. A claim is the field `definition` of an NXentry or NXsubentry.
        detector_groups: The groups, as paths from the entry, that get the frames of a detector as `data`.
    """
    entry = _Entry(definition.root, frozenset(detector_groups))
    groups = [group for _, group in definition.root.walk() if isinstance(group, Group)]
    for group in (definition.root, *groups):
        for claim in group.fields:
            if group.nx_class in ("NXentry", "NXsubentry") and claim.name == "definition":
                yield from _check(entry, group, claim)


def _check(entry: _Entry, group: Group, claim: Field) -> Iterator[Problem]:
    name = claim.template.text
    try:
        asked = application(name)
    except NoNxdlError:
        yield _warning(
            f"whether the entry is an {name} cannot be checked",
            "the NeXus definitions are not installed",
            "install nxscribe[validate]",
            claim.location,
        )
    except KeyError:
        if not claim.template.placeholders:
            why, remedy = "NeXus does not have this application definition", did_you_mean(name, applications())
            yield _warning(f"the entry claims {name!r}", why, remedy, claim.location)
    else:
        yield from _Check(entry, name, claim).group(group, asked, "")


class _Entry:
    """The tree with its links followed, each of them once."""

    def __init__(self, root: Group, detector_groups: frozenset[str]) -> None:
        self._root = root
        self._by_name: dict[int, dict[str, Node]] = {}
        """The children of each group that was looked at, by the group's identity."""
        self._ends: dict[str, _Found | None] = {}
        """What is at the paths to which links lead."""
        self._with_frames: frozenset[int] = frozenset()
        self._with_frames = frozenset(id(self._at(path)) for path in detector_groups)
        self._ends.clear()  # frames may be there that were not

    def children(self, group: Group) -> dict[str, _Found]:
        """What is below a group, by name. A link stands for what it leads to; one that leads nowhere is left out."""
        found: dict[str, _Found] = {"data": _FRAMES} if id(group) in self._with_frames else {}
        for child in group.children:
            node = self._at(child.target) if isinstance(child, Link) else child
            if node is not None and not isinstance(node, Link):
                found.setdefault(child.name, node)
        return found

    def _at(self, path: str) -> _Found | None:
        """The node at a path from the entry. A ring of links leads nowhere."""
        way: dict[str, None] = {}
        end: _Found | None = None
        while path not in way and path not in self._ends:
            way[path] = None
            end, next_path = self._step(path)
            if not next_path:
                break
            path, end = next_path, None
        end = self._ends.get(path, end)
        self._ends.update(dict.fromkeys(way, end))
        return end

    def _step(self, path: str) -> tuple[_Found | None, str]:
        """The node at a path, or where the first link on the way leads to with the rest of the path."""
        node: _Found = self._root
        steps = path.strip("/").split("/")
        if len(steps) > _DEEPEST:
            return None, ""  # through itself
        for number, name in enumerate(steps, start=1):
            if not isinstance(node, Group):
                return None, ""
            child = self._named(node).get(name)
            if isinstance(child, Link):
                return None, "/".join([child.target, *steps[number:]])
            if child is None:
                is_data = name == "data" and id(node) in self._with_frames
                return (_FRAMES if is_data and number == len(steps) else None), ""
            node = child
        return node, ""

    def _named(self, group: Group) -> dict[str, Node]:
        if id(group) not in self._by_name:
            self._by_name[id(group)] = {child.name: child for child in reversed(group.children)}
        return self._by_name[id(group)]


class _Check:
    """One claim against the tree."""

    def __init__(self, entry: _Entry, name: str, claim: Field) -> None:
        self._entry = entry
        self._name = name
        self._also = (claim.location,) if claim.location else ()

    def group(self, group: Group, asked: Asked, path: str) -> list[Problem]:
        """What is wrong with a group, and with all below it."""
        children = self._entry.children(group)
        problems: list[Problem] = []
        for one in asked.children:
            match one.kind:
                case "group":
                    problems += self._groups(group, one, path, children)
                case "field" | "link":
                    problems += self._field(group, one, path, children)
                case "choice":
                    problems += self._choice(group, one, path, children)
                case _:
                    problems += self._attribute(group, one, path)
        return problems

    def _groups(self, parent: Group, asked: Asked, path: str, children: dict[str, _Found]) -> list[Problem]:
        fit = [
            self.group(node, asked, f"{path}/{name}")
            for name, node in children.items()
            if isinstance(node, Group) and node.nx_class == asked.type and asked.name in ("", name)
        ]
        if fit:
            return min(fit, key=len)  # one of several detectors is enough
        wrong = children.get(asked.name)
        if isinstance(wrong, Group):
            return [self._wrong(f"{path}/{asked.name} is an {wrong.nx_class}, not an {asked.type}", "", wrong.location)]
        return [self._missing(f"{path}/{asked}", parent)] if asked.required else []

    def _field(self, parent: Group, asked: Asked, path: str, children: dict[str, _Found]) -> list[Problem]:
        node = children.get(asked.name)
        if node is None:
            return [self._missing(f"{path}/{asked}", parent)] if asked.required and asked.name else []
        if not isinstance(node, Field) or asked.kind == "link":
            return []
        where, problems = f"{path}/{asked.name}", []
        if not _type_fits(node.type, asked.type):
            what, remedy = f"{where} is of type {node.type}, not {asked.type}", f"make it {asked.type}"
            problems.append(self._wrong(what, remedy, node.location))
        if asked.units and node.units and units.is_known(node.units) and not units.fits(node.units, asked.units):
            what = f"{where} is in {node.units!r}, which is not of {asked.units}"
            problems.append(self._wrong(what, "correct its unit", node.location))
        text = node.template.text
        if asked.values and not node.template.placeholders and text not in asked.values:
            what, remedy = f"{where} is {text!r}", f"it may be {', '.join(asked.values)}"
            problems.append(self._wrong(what, remedy, node.location))
        return problems

    def _choice(self, parent: Group, asked: Asked, path: str, children: dict[str, _Found]) -> list[Problem]:
        ways = [replace(one, name=one.name or asked.name, required=asked.required) for one in asked.children]
        return min((self._groups(parent, way, path, children) for way in ways), key=len, default=[])

    def _attribute(self, group: Group, asked: Asked, path: str) -> list[Problem]:
        has = {attribute.name for attribute in group.attributes} | _BY_THE_WRITER
        return [self._missing(f"{path}@{asked}", group)] if asked.required and asked.name not in {"", *has} else []

    def _missing(self, what: str, parent: Group) -> Problem:
        why, remedy = f"the entry claims to be an {self._name}, which asks for it", "add it here, or do not claim it"
        return Problem(f"{what} is missing", why, remedy, parent.location, Severity.WARNING, self._also)

    def _wrong(self, what: str, remedy: str, location: Location | None) -> Problem:
        why = f"the entry claims to be an {self._name}, which asks for something else"
        return Problem(what, why, remedy, location, Severity.WARNING, self._also)


def _type_fits(written: str, asked: str) -> bool:
    """Whether a type is of the kind that is asked for, as far as one can know: NX_NUMBER may turn out as either."""
    if asked not in NX_TYPES:
        return True
    one, other = kind(written), kind(asked)
    return one == other or "any" in (one, other) or ("number" in (one, other) and {one, other} <= _NUMERIC)


def _warning(what: str, why: str, remedy: str, location: Location | None) -> Problem:
    return Problem(what, why, remedy, location, Severity.WARNING)
