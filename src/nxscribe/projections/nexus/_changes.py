"""What another definition makes of a record: fields gained, lost and renamed. Pure: nothing here touches a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nxscribe.definitions import written_names
from nxscribe.model import Definition, Field, Group, Value
from nxscribe.projections.nexus._provenance import ACCOUNT
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode
from nxscribe.projections.nexus.tree import build_tree
from nxscribe.records.record import Record


@dataclass(frozen=True, slots=True)
class Changes:
    """How an entry differs by its definition. All paths start at the entry (`sample/name`)."""

    gained: tuple[str, ...] = ()
    """Fields with a value that were not there."""
    lost: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    """What a field was called and what it is called: the same source fills both."""
    changed: tuple[str, ...] = ()
    """Fields whose value or attributes differ: another unit, type, description, source."""
    unfilled: tuple[str, ...] = ()
    """Fields that the new definition asks for and that this scan never read."""

    def __bool__(self) -> bool:
        return bool(self.gained or self.lost or self.renamed or self.changed or self.unfilled)


def compare(record: Record, before: Definition, after: Definition) -> Changes:
    """What becomes of a record's entry when it is made with `after` instead of `before`, its raw data apart."""
    old_tree, new_tree = build_tree(before, record), build_tree(after, record)
    old, new = dict(_fields(old_tree.entry)), dict(_fields(new_tree.entry))
    lost = [path for path in old if path not in new]
    gained = [path for path in new if path not in old]
    renamed = _renamed(lost, gained, dict(_asked(before.root)), dict(_asked(after.root)))
    moved = {path for pair in renamed for path in pair}
    return Changes(
        gained=tuple(path for path in gained if path not in moved),
        lost=tuple(path for path in lost if path not in moved),
        renamed=renamed,
        changed=tuple(path for path in old if path in new and not _same(old[path], new[path])),
        unfilled=tuple(path for path in new_tree.missing if path not in old_tree.missing and path not in old),
    )


def _fields(entry: GroupNode) -> Iterator[tuple[str, FieldNode]]:
    for path, node in entry.walk():
        if isinstance(node, FieldNode) and not path.startswith(f"{ACCOUNT}/"):
            yield path, node


def _asked(group: Group, path: str = "") -> Iterator[tuple[str, tuple[str, str]]]:
    """What fills each field: its text and its phase."""
    for name, child in zip(written_names(group), group.children, strict=True):
        here = f"{path}/{name}" if path else name
        if isinstance(child, Group):
            yield from _asked(child, here)
        elif isinstance(child, Field) and child.template.placeholders:
            yield here, (child.template.text.strip(), child.record or "")


def _renamed(
    lost: list[str], gained: list[str], before: dict[str, tuple[str, str]], after: dict[str, tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Each lost field with the gained one that the same source fills, in the order of the definitions."""
    free = list(gained)
    pairs = []
    for path in lost:
        there = next((other for other in free if path in before and after.get(other) == before[path]), None)
        if there:
            free.remove(there)
            pairs.append((path, there))
    return tuple(pairs)


def _same(one: FieldNode, other: FieldNode) -> bool:
    names = one.attributes.keys() | other.attributes.keys()
    return _equal(one.value, other.value) and all(
        name in one.attributes and name in other.attributes and _equal(one.attributes[name], other.attributes[name])
        for name in names
    )


def _equal(one: Value, other: Value) -> bool:
    return one.dtype.kind == other.dtype.kind and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
