"""From a record and its definition to the tree of the entry. Pure: nothing here touches a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from nxscribe.definitions import written_names
from nxscribe.model import Attribute, Definition, Field, Group, Link, Value, iso, units
from nxscribe.projections.nexus.account import ACCOUNT, account
from nxscribe.projections.nexus.claims import settle_claims
from nxscribe.projections.nexus.links import Links
from nxscribe.projections.nexus.lookup import Filled, Lookup, NotYetError
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode
from nxscribe.projections.nexus.plots import Plots
from nxscribe.projections.nexus.raw import RawLink
from nxscribe.projections.nexus.shapes import settle_shapes
from nxscribe.projections.nexus.values import UnfitError
from nxscribe.records.record import Record

_OURS: Final = frozenset({"NX_class", "units", "description", "source", "timestamp", "quality", "target"})
"""Attributes that nxscribe itself writes: a definition's of the same name gives way, except where ours is absent."""
_LONGEST_DETAIL: Final = 1000
"""Elements of a list beside a value. An HDF5 attribute holds 64 kB."""


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


def build_tree(definition: Definition, record: Record, raw: Iterable[RawLink] = ()) -> Tree:
    """The entry that a record makes with a definition."""
    builder = _Builder(record)
    tree = builder.tree
    builder.fill(definition.root, tree.entry, "")
    builder.complete()
    links = tuple(raw)
    for link in links:
        builder.attach(link)
    root = f"/{record.entry}"
    builder.links.place(tree.entry, root, tree.missing, tree.pending)
    settle_shapes(tree.entry, tree.warnings)
    settle_claims(tree.entry, root, tree.missing, tree.pending)
    builder.prune(definition.root, tree.entry)
    plots = Plots(tree.entry, root, tree.missing)
    plots.settle()
    for link in links:
        if link.frames:
            plots.frame(link.frames)
    tree.entry.children[ACCOUNT] = account(record, tree.missing, tree.pending, tree.warnings)
    return tree


class _Builder:
    def __init__(self, record: Record) -> None:
        self._record = record
        self._lookup = Lookup(record)
        self.tree = Tree(GroupNode("NXentry"))
        self.links = Links()

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

    def _fill_field(self, asked: Field, node: GroupNode, name: str, path: str) -> None:
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
            if attribute.name not in _OURS or attribute.name not in attributes:
                attributes[attribute.name] = filled.fitted.value

    def _lack(self, path: str, error: UnfitError) -> None:
        lacking = self.tree.pending if isinstance(error, NotYetError) else self.tree.missing
        lacking[path] = str(error)

    def complete(self) -> None:
        """Give the entry what makes it one: title and times, where the definition does not ask for them."""
        record, tree = self._record, self.tree
        texts = {"title": f"{record.identity.sample} - {record.identity.scan}", "start_time": iso(record.start_time)}
        if record.end_time:
            texts["end_time"] = iso(record.end_time)
        for name, text in texts.items():
            if name not in {**tree.entry.children, **tree.missing, **tree.pending}:
                tree.entry.children[name] = FieldNode(_text(text), {"source": _text("nxscribe")})

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

    def prune(self, group: Group, node: GroupNode) -> bool:
        """Drop the groups that were to hold something and hold nothing. Says whether this one is such."""
        for name, child in zip(written_names(group), group.children, strict=True):
            below = node.children.get(name)
            if isinstance(child, Group) and isinstance(below, GroupNode) and self.prune(child, below):
                del node.children[name]
        return bool(group.children) and not node.children


def _provenance(asked: Field, filled: Filled) -> dict[str, Value]:
    """Units, description, source, time stamp and quality: what makes the value trustworthy."""
    attributes: dict[str, str] = {"units": filled.fitted.units or units.spelling(asked.units)}
    attributes["description"] = asked.description
    attributes["source"] = filled.source
    attributes["timestamp"] = iso(filled.time) if filled.time else ""
    attributes["quality"] = "" if filled.quality == "VALID" else filled.quality.value
    told = {name: _text(text) for name, text in attributes.items() if text}
    details = {
        name: np.asarray(detail)
        for name, detail in filled.details.items()
        if not isinstance(detail, list) or len(detail) <= _LONGEST_DETAIL
    }
    return details | told


def _text(text: str) -> Value:
    return np.asarray(text)
