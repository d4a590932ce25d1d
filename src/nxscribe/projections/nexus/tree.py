"""From a record and its definition to the tree of the entry. Pure: nothing here touches a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np

import nxscribe
from nxscribe.definitions import written_names
from nxscribe.model import Attribute, Definition, Field, Group, Link, Value, is_text, iso, units
from nxscribe.projections.nexus._conditional_fields import settle_claims
from nxscribe.projections.nexus._hdf5_values import UnfitError, own_texts
from nxscribe.projections.nexus._links import Links
from nxscribe.projections.nexus._plots import Plots
from nxscribe.projections.nexus._provenance import ACCOUNT, PARAMETERS, PROGRAM, account, definition_text
from nxscribe.projections.nexus._shapes import settle_shapes
from nxscribe.projections.nexus._value_resolution import Filled, Lookup, PendingValueError
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode, Node
from nxscribe.projections.nexus.raw import RawLink
from nxscribe.records.record import Record

SOURCE_UNITS: Final = "source_units"
"""The attribute that has the unit as the source writes it, where `units` is another or spelled otherwise."""
_OURS: Final = frozenset({"NX_class", "units", SOURCE_UNITS, "description", "source", "timestamp", "quality", "target"})
"""Attributes that nxscribe itself writes: a definition's of the same name gives way, except where ours is absent."""
_LARGEST_ATTRIBUTE: Final = 60_000
"""Bytes: HDF5 keeps an attribute in a message of 64 kB, with its name, type and shape."""
_IN_HEAP: Final = 16
"""Bytes that a text takes in an attribute, however long it is: it lies elsewhere in the file."""
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_MOST_ALIKE: Final = 20_000
"""Of how many fields the attributes are kept for the next scan: the largest definitions have 4,200."""
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_.]")
_LONGEST_NAME: Final = 56
"""Characters: NeXus allows 63."""
_LONGEST_DETAIL: Final = 1000
"""Elements of a list beside a value."""


@dataclass(slots=True)
class Tree:
    """One entry, with what could not be had."""

    entry: GroupNode
    missing: dict[str, str] = field(default_factory=dict)
    """By path from the entry, with the reason."""
    pending: dict[str, str] = field(default_factory=dict)
    """The same, for what is still to come."""
    warnings: list[str] = field(default_factory=list)
    values: int = 0


def build_tree(
    definition: Definition,
    record: Record,
    raw: Iterable[RawLink] = (),
    unfit: Mapping[str, str] = _NOTHING,
    text: Node | None = None,
) -> Tree:
    """The entry that a record makes with a definition.

    Args:
        definition: The definition.
        record: The record.
        raw: The links to raw files.
        unfit: The definition's links to frames that cannot be written, by path, with the reason.
        text: The link to the definition's text; without it the entry holds the text itself.
    """
    builder = _TreeBuilder(record)
    tree = builder.tree
    builder.fill(definition.root, tree.entry, "")
    builder.complete()
    tree.warnings += builder.unkept()
    links = tuple(raw)
    for link in links:
        builder.attach(link)
    root = f"/{record.entry}"
    builder.links.place(tree.entry, root, tree.missing, tree.pending)
    for path, reason in unfit.items():
        builder.drop(path, reason)
    settle_shapes(tree.entry, tree.warnings)
    settle_claims(tree.entry, root, tree.missing, tree.pending)
    builder.prune(definition.root, tree.entry)
    plots = Plots(tree.entry, root, tree.missing)
    plots.settle()
    for link in links:
        if link.frames:
            plots.frame(link.frames)
    text = text or definition_text(record.definition)
    parameters = builder.unnamed(definition)
    tree.entry.children[ACCOUNT] = account_of_scan = account(
        record, tree.missing, tree.pending, tree.warnings, definition=text, mandatory=builder.mandatory
    )
    if parameters:
        account_of_scan.children[PARAMETERS] = parameters
    return tree


class _TreeBuilder:
    def __init__(self, record: Record) -> None:
        self._record = record
        self._mandatory = frozenset(record.mandatory)
        self._lookup = Lookup(record)
        self.tree = Tree(GroupNode("NXentry"))
        self.links = Links()
        self.mandatory: set[str] = set()
        """The paths of the fields without which the scan is incomplete."""

    def fill(self, group: Group, node: GroupNode, path: str) -> None:
        """Fill a group's node with what its definition asks for."""
        if group.description:
            node.attributes["doc"] = _text(group.description)
        self._fill_attributes(group.attributes, node.attributes, path)
        for name, child in zip(written_names(group), group.children, strict=True):
            here = f"{path}/{name}" if path else name
            if here == ACCOUNT:
                self.tree.missing[here] = "the name is that of nxscribe's own account of the scan"
            elif isinstance(child, Group):
                below = node.children[name] = GroupNode(child.nx_class)
                self.fill(child, below, here)
            elif isinstance(child, Link):
                self._add_link(here, child)
            else:
                self._fill_field(child, node, name, here)

    def _add_link(self, path: str, link: Link) -> None:
        frames = None
        if link.frames:
            try:
                frames = self._lookup.fill_template(link.frames, "NX_INT", None).fitted.value
            except UnfitError as error:
                self._lack(path, error)
                return
        self.links.add(path, link, frames)

    def unkept(self) -> Iterable[str]:
        """The parameters that could not be kept, where the value is another one."""
        return self._lookup.unkept()

    def unnamed(self, definition: Definition) -> GroupNode | None:
        """The parameters that the definition does not name; what has no form in a file is missing."""
        if not self._record.unnamed:
            return None
        group = GroupNode("NXcollection")
        named = definition.placeholders
        for placeholder in self._record.unnamed:
            given = self._record.given.get(placeholder)
            if given is None or placeholder in named:
                continue
            name = _free_name(placeholder, group)
            try:
                fitted = self._lookup.fit_parameter(placeholder)
            except UnfitError as error:
                self.tree.missing[f"{ACCOUNT}/{PARAMETERS}/{name}"] = str(error)
                continue
            attributes = dict(_of_each_scan(fitted.units, given.unit, "", "", given.source))
            node = group.children[name] = FieldNode(fitted.value, attributes)
            node.attributes["timestamp"] = _text(iso(given.time))
            if name != placeholder:
                node.attributes["parameter"] = _text(placeholder)
        return group if group.children else None

    def _fill_field(self, asked: Field, node: GroupNode, name: str, path: str) -> None:
        if asked.mandatory or not self._mandatory.isdisjoint(asked.template.placeholders):
            self.mandatory.add(path)
        try:
            filled = self._lookup.fill(asked)
        except UnfitError as error:
            self._lack(path, error)
            return
        attributes = _provenance(asked, filled)
        self._fill_attributes(asked.attributes, attributes, path)
        node.children[name] = FieldNode(filled.fitted.value, attributes)
        self.tree.values += 1
        self.tree.warnings += [f"{path}: {warning}" for warning in filled.fitted.warnings]

    def _fill_attributes(self, asked: Iterable[Attribute], attributes: dict[str, Value], path: str) -> None:
        for attribute in asked:
            try:
                filled = self._lookup.fill_template(attribute.template, attribute.type, None)
            except UnfitError as error:
                self._lack(f"{path}@{attribute.name}", error)
                continue
            if _size_in_attribute(filled.fitted.value) > _LARGEST_ATTRIBUTE:
                self._lack(f"{path}@{attribute.name}", UnfitError("it is larger than the 64 kB of an HDF5 attribute"))
            elif attribute.name not in _OURS or attribute.name not in attributes:
                attributes[attribute.name] = filled.fitted.value

    def _lack(self, path: str, error: UnfitError) -> None:
        lacking = self.tree.pending if isinstance(error, PendingValueError) else self.tree.missing
        lacking[path] = str(error)

    def complete(self) -> None:
        """Give the entry what makes it one: title and times, where the definition does not ask for them."""
        record, tree = self._record, self.tree
        texts = {
            "title": f"{record.identity.sample} - {record.identity.scan}",
            "start_time": iso(record.start_time),
            "program_name": PROGRAM,
        }
        if record.end_time:
            texts["end_time"] = iso(record.end_time)
        own = {name: FieldNode(_text(text)) for name, text in texts.items()}
        own["program_name"].attributes["version"] = _text(nxscribe.__version__)
        if record.end_time:
            # NXentry has it as a whole number; of seconds it would be 0 for a fast scan.
            milliseconds = round((record.end_time - record.start_time).total_seconds() * 1e3)
            own["duration"] = FieldNode(np.asarray(milliseconds), {"units": _text("ms")})
        for name, node in own.items():
            if name not in {**tree.entry.children, **tree.missing, **tree.pending}:
                node.attributes["source"] = _text(PROGRAM)
                tree.entry.children[name] = node

    def attach(self, link: RawLink) -> None:
        """Put a detector's frames, or why there are none, into its group."""
        self.tree.warnings += link.warnings
        for path, node in link.nodes.items():
            parent, _, name = path.rpartition("/")
            between = "NXinstrument" if parent.startswith("instrument/") else "NXcollection"
            try:
                group = self.tree.entry.require(parent, link.classes.get(parent, "NXcollection"), between)
            except KeyError as error:
                self.tree.missing[path] = f"the definition has something else in its place: {error.args[0]}"
                continue
            if name in group.children:
                self.tree.warnings.append(f"{path}: the definition's own value stands, and the raw data are not linked")
            else:
                group.children[name] = node
                self.tree.missing.pop(path, None)
        for lacking, more in ((self.tree.missing, link.missing), (self.tree.pending, link.pending)):
            for path, reason in more.items():
                lacking[path] = f"{lacking[path]}; {reason}" if path in lacking else reason

    def drop(self, path: str, reason: str) -> None:
        """Take a node out, as missing."""
        parent, _, name = path.rpartition("/")
        group = self.tree.entry.find(parent)
        if isinstance(group, GroupNode) and name in group.children:
            del group.children[name]
            self.tree.missing[path] = reason

    def prune(self, group: Group, node: GroupNode) -> bool:
        """Drop the groups that were to hold something and hold nothing. Says whether this one is such."""
        for name, child in zip(written_names(group), group.children, strict=True):
            below = node.children.get(name)
            if isinstance(child, Group) and isinstance(below, GroupNode) and self.prune(child, below):
                del node.children[name]
        return bool(group.children) and not node.children


def _provenance(asked: Field, filled: Filled) -> dict[str, Value]:
    """Units, description, source, time stamp and quality: what makes the value trustworthy."""
    told = {
        name: np.asarray(detail)
        for name, detail in filled.details.items()
        if not isinstance(detail, list) or len(detail) <= _LONGEST_DETAIL
    }
    told |= _of_each_scan(filled.fitted.units, filled.unit, asked.units, asked.description, filled.source)
    if filled.time:
        told["timestamp"] = _text(iso(filled.time))
    if filled.quality != "VALID":
        told["quality"] = _text(filled.quality.value)
    return told


@lru_cache(maxsize=_MOST_ALIKE)
def _of_each_scan(unit: str, source_unit: str, asked_unit: str, description: str, source: str) -> Mapping[str, Value]:
    """What is the same in each scan, as long as nobody changes the definition, the config or the device."""
    unit = units.written(unit, asked_unit)
    own = (source_unit if units.spelling(source_unit) else asked_unit).strip()
    told = {"units": unit, SOURCE_UNITS: own if unit != own else "", "description": description, "source": source}
    return {name: _text(text) for name, text in told.items() if text}


def _free_name(placeholder: str, group: GroupNode) -> str:
    """A name that NeXus allows, and that no other parameter of the group has."""
    wanted = _NO_NAME.sub("_", placeholder).strip(".")[:_LONGEST_NAME] or "_"
    name, number = wanted, 1
    while name in group.children:
        number += 1
        name = f"{wanted}_{number}"
    return name


def _size_in_attribute(value: Value) -> int:
    return value.size * (_IN_HEAP if is_text(value) else value.itemsize)


def _text(text: str) -> Value:
    return own_texts(text)
