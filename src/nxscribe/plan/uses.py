"""Where a definition uses its placeholders, and what each place requires of the value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nxscribe.definitions import written_names
from nxscribe.errors import Location
from nxscribe.model import Attribute, Definition, Field, Group, Node, Phase


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a field or an attribute uses a placeholder."""

    placeholder: str
    path: str
    """The path of the field or attribute from the entry: `/sample/name`, `/data@signal`."""
    phase: Phase | None
    mandatory: bool
    default: str | None
    location: Location | None
    field: Field | None
    """The field, if the placeholder is its whole text. Then it has the type and unit of the reading."""


def uses_of(definition: Definition) -> Iterator[Use]:
    """Every use of a placeholder, in the order of the definition."""
    for path, node in [("", definition.root), *written_nodes(definition.root)]:
        if isinstance(node, Field):
            sole = node.template.sole_placeholder is not None
            for name in dict.fromkeys(node.template.placeholders):
                yield Use(name, path, node.record, node.mandatory, node.default, node.location, node if sole else None)
            yield from _uses_in(node.attributes, path, node.record)
        elif isinstance(node, Group):
            yield from _uses_in(node.attributes, path, None)
        elif node.frames:
            for name in dict.fromkeys(node.frames.placeholders):
                yield Use(name, path, None, False, None, node.location, None)


def written_nodes(group: Group, path: str = "") -> Iterator[tuple[str, Node]]:
    """Every node below a group in document order, with its path from the entry as it will be written."""
    for name, child in zip(written_names(group), group.children, strict=True):
        here = f"{path}/{name}"
        yield here, child
        if isinstance(child, Group):
            yield from written_nodes(child, here)


def _uses_in(attributes: tuple[Attribute, ...], path: str, phase: Phase | None) -> Iterator[Use]:
    for attribute in attributes:
        for name in dict.fromkeys(attribute.template.placeholders):
            yield Use(name, f"{path}@{attribute.name}", phase, False, None, attribute.location, None)
