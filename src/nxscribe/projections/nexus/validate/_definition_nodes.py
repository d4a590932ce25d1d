"""Compares each field, link and group of an entry with the definition from which the entry was made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import h5py
import numpy as np

from nxscribe.model import Definition, Field, Group, Link, Phase, units
from nxscribe.model.nexus_types import kind
from nxscribe.projections.nexus._conditional_fields import NEEDS
from nxscribe.projections.nexus._hdf5_values import UnfitError, parse
from nxscribe.projections.nexus._shapes import OF_LAYOUT, SHAPE
from nxscribe.projections.nexus.validate._entry_context import EntryContext, Object, nx_class, text
from nxscribe.projections.nexus.validate._finding import Check, Finding

_NUMERIC: Final = frozenset({"integer", "float", "number"})
_TEXTS: Final = frozenset({"NX_CHAR", "CHAR"})


def check_nodes(place: EntryContext, definition: Definition, told: set[str]) -> Iterator[Finding]:
    """The differences between an entry and its definition. `told` has the missing paths that the entry itself lists."""
    is_over = "end_time" in place.group
    for path, node in definition.root.walk():
        where = f"{place.group.name}{path}"
        if isinstance(node, Group):
            yield from _class(place, where, node)
        if isinstance(node, Link) and path.strip("/") not in told:
            yield from _link(place, where, node)
        if not isinstance(node, Field):
            continue
        found = place.group.get(path.strip("/"))
        if found is None:
            if node.mandatory and (is_over or node.record is not Phase.FINAL):
                yield place.find(
                    Check.ACCOUNT, where, "the definition calls it mandatory, and it is not there",
                    "its source gave no value, or it was removed since", "look at the source in the config",
                )  # fmt: skip
            elif path.strip("/") not in told:
                yield place.find(
                    Check.ACCOUNT, where, "the definition asks for it, and it is neither there nor said to be missing",
                    "it was removed or renamed since the entry was made", "make the entry again: nxscribe regenerate",
                )  # fmt: skip
            continue
        yield from _field(place, where, node, found)
        yield from _attributes(place, where, node, found, told)


def _field(place: EntryContext, where: str, node: Field, found: Object) -> Iterator[Finding]:
    """What is there of a field, against what the definition says of it."""
    if node.type in _TEXTS and not node.template.placeholders and text(found) != _literal(node):
        yield place.find(
            Check.ACCOUNT, where, f"it is {text(found)!r}, where the definition says {_literal(node)!r}",
            "it was changed since the entry was made", "make the entry again: nxscribe regenerate",
        )  # fmt: skip
    if isinstance(found, h5py.Dataset) and (what := _of_another_kind(node, found) or _of_another_value(node, found)):
        yield place.find(
            Check.ACCOUNT, where, what, "it was changed since the entry was made",
            "make the entry again: nxscribe regenerate",
        )  # fmt: skip
    if node.mandatory and text(found) == "":
        yield place.find(
            Check.ACCOUNT, where, "the definition calls it mandatory, and it is empty",
            "the source gave an empty text", "look at the source in the config",
        )  # fmt: skip
    yield from _unit(place, where, node, found)


def _of_another_kind(node: Field, found: h5py.Dataset) -> str:
    """That a text stands for a number, or the reverse, in words; empty where not."""
    is_text = h5py.check_string_dtype(found.dtype) is not None
    if kind(node.type) in _NUMERIC and is_text:
        return f"it is a text, where the definition asks for {node.type}"
    if kind(node.type) in ("text", "time") and not is_text:
        return f"it is of the type {found.dtype}, where the definition asks for {node.type}"
    return ""


def _of_another_value(node: Field, found: h5py.Dataset) -> str:
    """That a number of the definition itself is another one, in words; empty where not."""
    unit = text(found.attrs.get("units")) or ""
    is_fixed = kind(node.type) in _NUMERIC and node.template.text and not node.template.placeholders
    if not is_fixed or unit != units.written(node.units):
        return ""
    try:
        fixed = np.asarray(parse(_literal(node), node.type), np.float64)
        if np.array_equal(fixed, np.asarray(found[()], np.float64), equal_nan=True):
            return ""
    except (UnfitError, ValueError, OSError):
        return ""  # a finding of its own, where it is one
    return f"it is not {_literal(node)}, as the definition says"


def _attributes(place: EntryContext, where: str, node: Field, found: Object, told: set[str]) -> Iterator[Finding]:
    """The fixed attributes of a field are there, but for that which says when the field itself is written."""
    path = where.removeprefix(f"{place.group.name}/")
    of_layout = OF_LAYOUT if any(one.name == SHAPE for one in node.attributes) else frozenset()
    for attribute in node.attributes:
        is_fixed = attribute.name != NEEDS and attribute.name not in of_layout and not attribute.template.placeholders
        if is_fixed and attribute.name not in found.attrs and f"{path}@{attribute.name}" not in told:
            yield place.find(
                Check.ACCOUNT, f"{where}@{attribute.name}", "the definition gives it, and it is not there",
                "it was removed since the entry was made", "make the entry again: nxscribe regenerate",
            )  # fmt: skip


def _unit(place: EntryContext, where: str, node: Field, found: Object) -> Iterator[Finding]:
    unit = text(found.attrs.get("units")) or ""
    if node.units and not unit and "units" not in found.attrs and _is_number(found):
        yield place.find(
            Check.UNITS, f"{where}@units", f"it is missing, where the definition asks for {node.units!r}",
            "it was removed since the entry was made", "make the entry again: nxscribe regenerate",
        )  # fmt: skip
    if not units.fits(unit, node.unit_category):
        yield place.find(
            Check.UNITS, f"{where}@units", f"{unit!r} is not a unit of {node.unit_category}, as the definition has it",
            "the source speaks of something else", "look at the source in the config",
        )  # fmt: skip
    elif node.units and units.convertible(unit, node.units) and units.written(unit) != units.written(node.units):
        yield place.find(
            Check.UNITS, f"{where}@units", f"{unit!r}, where the definition has {node.units!r}",
            "it was changed since the entry was made", "make the entry again: nxscribe regenerate",
        )  # fmt: skip
    elif node.units and not node.unit_category and unit and not units.convertible(unit, node.units):
        yield place.find(
            Check.UNITS, f"{where}@units", f"{unit!r}, where the definition asks for {node.units!r}",
            "the source speaks of something else", "look at the source in the config",
        )  # fmt: skip


def _class(place: EntryContext, where: str, node: Group) -> Iterator[Finding]:
    found = place.group.file.get(where)
    if isinstance(found, h5py.Group) and nx_class(found) != node.nx_class:
        yield place.find(
            Check.ACCOUNT, f"{where}@NX_class",
            f"it is {nx_class(found) or 'missing'}, where the definition says {node.nx_class}",
            "it was changed since the entry was made", "make the entry again: nxscribe regenerate",
        )  # fmt: skip


def _link(place: EntryContext, where: str, node: Link) -> Iterator[Finding]:
    """A link of the definition is there and leads to its target, where that is there."""
    target = f"{place.group.name}{node.target}"
    try:
        wanted, found = place.group.file.get(target), place.group.file.get(where)
    except (OSError, KeyError, RuntimeError):
        return  # a finding about the link, or about what it leads to
    if wanted is None or (found is None and place.group.file.get(where, getlink=True) is not None):
        return
    what = ""
    if found is None:
        what = f"the definition asks for a link to {node.target}, and it is neither there nor said to be missing"
    elif node.frames is None and found != wanted:
        what = f"it is not {node.target}, to which the definition has a link here"
    if what:
        yield place.find(
            Check.LINKS, where, what, "it was changed since the entry was made",
            "make the entry again: nxscribe regenerate",
        )  # fmt: skip


def _is_number(found: object) -> bool:
    return isinstance(found, h5py.Dataset) and found.dtype.kind in "iuf"


def _literal(field: Field) -> str:
    return field.template.fill({})
