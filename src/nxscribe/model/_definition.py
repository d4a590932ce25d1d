"""The definition: a NeXus tree whose texts hold `${placeholders}`, as both dialects load it.

It says what a file shall contain. Every node keeps its position in the source file, so that every later message can
name the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from nxscribe.errors import Location
from nxscribe.model.reading import Phase

_PLACEHOLDER = re.compile(r"\$\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A text with any number of `${name}` in it, such as `${energy}`, `ESRF`, `${sample} - ${scan}`."""

    text: str

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names in order of appearance, without the spaces around them. A name can contain dots."""
        return _placeholders(self.text)

    @property
    def sole_placeholder(self) -> str | None:
        """The name when the text is exactly one placeholder: its reading keeps its type and unit."""
        names = _placeholders(self.text)
        return names[0] if len(names) == 1 and _PLACEHOLDER.fullmatch(self.text.strip()) else None

    def fill(self, texts: dict[str, str]) -> str:
        """The text with each placeholder replaced. Raises KeyError for one that `texts` lacks."""
        return _PLACEHOLDER.sub(lambda found: texts[found.group(1).strip()], self.text)


@lru_cache(maxsize=20_000)
def _placeholders(text: str) -> tuple[str, ...]:
    """They are asked for at each scan, and the largest definitions have some thousands."""
    return tuple(name.strip() for name in _PLACEHOLDER.findall(text))


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a group or field, in HDF5's sense."""

    name: str
    template: Template
    type: str = "NX_CHAR"
    override: bool = False
    """Whether it replaces an attribute of the same name of an included file."""
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A dataset that a definition asks for."""

    name: str
    template: Template
    type: str = "NX_CHAR"
    """A NeXus type name (`NX_FLOAT`) or one of the ESRF's NAPI types (`NX_FLOAT64`)."""
    units: str = ""
    """The unit that the value shall have in the file, as the author spelled it."""
    unit_category: str = ""
    """A NeXus unit category such as `NX_LENGTH` (the dialect's `NX_units`)."""
    record: Phase | None = None
    """The phase in which it is read. None: at the start, and again at the end only if it had no value at the start."""
    mandatory: bool = False
    default: str | None = None
    """The text that is used if no source gives a value. The file says that it is a default."""
    description: str = ""
    deprecated: str = ""
    override: bool = False
    """Whether it replaces a field of the same name of an included file."""
    attributes: tuple[Attribute, ...] = ()
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A soft link to another node of the same entry. If its target does not exist, it is reported and not written."""

    name: str
    target: str
    """A path from the entry, such as `/instrument/detector01/data`."""
    override: bool = False
    location: Location | None = None
    frames: Template | None = None
    """The numbers of the target's frames that are shown, as a sequence (`nxscribe.model.number_ranges`). None: all."""


@dataclass(frozen=True, slots=True)
class Group:
    """A NeXus group that a definition asks for. The root is an NXentry whose name is `${entry}`."""

    name: str
    nx_class: str
    children: tuple[Node, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    description: str = ""
    override: bool = False
    location: Location | None = None

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups directly below."""
        return tuple(child for child in self.children if isinstance(child, Group))

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields directly below."""
        return tuple(child for child in self.children if isinstance(child, Field))

    @property
    def links(self) -> tuple[Link, ...]:
        """The links directly below."""
        return tuple(child for child in self.children if isinstance(child, Link))

    def walk(self, path: str = "") -> Iterator[tuple[str, Node]]:
        """Every node below, depth first in document order, with its path from the entry (`/sample/name`)."""
        for child in self.children:
            here = f"{path}/{child.name}"
            yield here, child
            if isinstance(child, Group):
                yield from child.walk(here)


Node: TypeAlias = Group | Field | Link


@dataclass(frozen=True, slots=True)
class Definition:
    """One technique's tree, with all includes and overrides already in it."""

    name: str
    """The technique: `tomo`, `mrt`, `holo`, `scan` …"""
    root: Group
    sha256: str
    """The checksum of the canonical text of the expanded tree: equal trees have the same checksum."""
    files: tuple[str, ...] = ()
    """Every file that the definition was read from, the technique's own file first."""

    @property
    def placeholders(self) -> frozenset[str]:
        """The names of all placeholders in fields and attributes, without the one in the name of the entry."""
        names: set[str] = set()
        for _, node in [("", self.root), *self.root.walk()]:
            if isinstance(node, Field):
                names.update(node.template.placeholders)
            if isinstance(node, Link) and node.frames:
                names.update(node.frames.placeholders)
            if isinstance(node, Field | Group):
                for attribute in node.attributes:
                    names.update(attribute.template.placeholders)
        return frozenset(names)
