"""Merging the trees of two files: equal groups become one group, equal nodes one node, and a contradiction is an error.

Siblings with the same name in one file are intended by its author (the file of the ESRF had some), and both stay. Only
nodes of different files can contradict each other. Groups with the same name and class always become one group.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from nxscribe.definitions.diagnostics import Diagnostics, did_you_mean
from nxscribe.errors import Location
from nxscribe.model import Attribute, Field, Group, Node


def merge(base: Group, over: Group, diagnostics: Diagnostics) -> Group:
    """Merge two groups: `base` first, then what `over` adds. No node of the result is marked as `override`."""
    children = _Children(base.children, diagnostics)
    for child in over.children:
        children.lay(child)
    return replace(
        base,
        description=over.description or base.description,
        attributes=_attributes(base.attributes, over.attributes, diagnostics),
        children=children.result(),
        override=False,
    )


def blank(group: Group) -> Group:
    """The group without its children, with which a merge starts."""
    return replace(group, children=(), attributes=(), description="", override=False)


class _Children:
    """The children of one group, while those that another file gives it are laid over them."""

    def __init__(self, base: Sequence[Node], diagnostics: Diagnostics) -> None:
        self._diagnostics = diagnostics
        self._slots: list[Node | None] = list(base)
        """In the file's order; None where something was overridden."""
        self._standing: dict[str, list[int]] = {}
        """The slots of the base's children, by name: what the other file can contradict or override."""
        self._groups: dict[tuple[str, str], int] = {}
        """The slots of all groups, by name and class."""
        self._overridden: set[str] = set()
        for slot, node in enumerate(base):
            self._standing.setdefault(node.name, []).append(slot)
            if isinstance(node, Group):
                self._groups[node.name, node.nx_class] = slot

    def lay(self, node: Node) -> None:
        """Add one child of the other file."""
        standing = [one for slot in self._standing.get(node.name, ()) if (one := self._slots[slot])]
        if node.override:
            self._override(node)
        elif isinstance(node, Group) and (node.name, node.nx_class) in self._groups:
            self._grow(node)
        elif not standing:
            self._append(node)
        elif not any(_same(node, one) for one in standing):
            _conflict(node, standing[0], self._diagnostics)

    def result(self) -> tuple[Node, ...]:
        """The merged children."""
        return tuple(node for node in self._slots if node is not None)

    def _override(self, node: Node) -> None:
        going = self._standing.pop(node.name, [])
        if not going and node.name not in self._overridden:
            _nothing_to_override(node, self._standing, self._diagnostics)
        for slot in going:
            gone = self._slots[slot]
            self._slots[slot] = None
            if isinstance(gone, Group):
                self._groups.pop((gone.name, gone.nx_class), None)
        self._overridden.add(node.name)
        self._append(node, going[0] if going else None)

    def _append(self, node: Node, slot: int | None = None) -> None:
        if slot is None:
            slot = len(self._slots)
            self._slots.append(None)
        if isinstance(node, Group):
            self._slots[slot] = merge(blank(node), node, self._diagnostics)
            self._groups[node.name, node.nx_class] = slot
        elif isinstance(node, Field) and node.attributes:
            attributes = _attributes((), node.attributes, self._diagnostics)
            self._slots[slot] = replace(node, override=False, attributes=attributes)
        else:
            self._slots[slot] = replace(node, override=False) if node.override else node

    def _grow(self, group: Group) -> None:
        slot = self._groups[group.name, group.nx_class]
        below = self._slots[slot]
        if isinstance(below, Group):
            self._slots[slot] = merge(below, group, self._diagnostics)


def _attributes(
    base: Sequence[Attribute], over: Sequence[Attribute], diagnostics: Diagnostics
) -> tuple[Attribute, ...]:
    result = {attribute.name: attribute for attribute in base}
    for attribute in over:
        standing = result.get(attribute.name)
        if attribute.override and not standing:
            _nothing_to_override(attribute, result, diagnostics)
        if standing and not attribute.override and not _same(attribute, standing):
            _conflict(attribute, standing, diagnostics)
        result[attribute.name] = replace(attribute, override=False)
    return tuple(result.values())


def _same(one: Node | Attribute, other: Node | Attribute) -> bool:
    return not isinstance(one, Group) and _bare(one) == _bare(other)


def _bare(node: Node | Attribute) -> Node | Attribute:
    if isinstance(node, Field):
        attributes = tuple(replace(one, location=None, override=False) for one in node.attributes)
        return replace(node, location=None, override=False, attributes=attributes)
    return replace(node, location=None, override=False)


def _nothing_to_override(node: Node | Attribute, known: Iterable[str], diagnostics: Diagnostics) -> None:
    if diagnostics.is_part:
        return
    diagnostics.error(
        f"{node.name!r} overrides nothing",
        "no other file gives it to this group",
        did_you_mean(node.name, known) or "remove the override",
        node.location or Location(""),
    )


def _conflict(node: Node | Attribute, standing: Node | Attribute, diagnostics: Diagnostics) -> None:
    diagnostics.error(
        f"{node.name!r} is defined differently in two files",
        _difference(node, standing),
        "say override if this one shall replace the other, or rename it",
        node.location or Location(""),
        standing.location or Location(""),
    )


def _difference(one: Node | Attribute, other: Node | Attribute) -> str:
    if type(one) is not type(other):
        return f"a {type(one).__name__.lower()} here, a {type(other).__name__.lower()} there"
    if isinstance(one, Group) and isinstance(other, Group):
        return f"{one.nx_class} here, {other.nx_class} there"
    words = {
        "template": "value",
        "target": "target",
        "frames": "frames",
        "type": "type",
        "units": "unit",
        "unit_category": "unit category",
        "record": "phase",
        "mandatory": "whether it must be there",
        "default": "default",
        "description": "description",
        "deprecated": "deprecation",
        "attributes": "attributes",
    }
    one, other = _bare(one), _bare(other)
    differing = [word for name, word in words.items() if getattr(one, name, None) != getattr(other, name, None)]
    return f"they differ in {', '.join(differing)}"
