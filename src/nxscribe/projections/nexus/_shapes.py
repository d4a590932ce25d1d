"""Values that were measured one after another, laid out as the mesh over which they were.

A field whose attribute `shape` names the lengths, the slow axis first, gets them. Lengths of 1 are left out: a scan
over one axis is a line, whatever the definition allows for. `axis_id` and `axis_kind` tell in which order the points
were measured, and `positions` names the fields with the measured positions of each axis, by which that is checked. What
is in doubt stays a list: a wrong picture is worse than none.
"""

from __future__ import annotations

import math
from typing import Final

from nxscribe.model import Value
from nxscribe.projections.nexus._mesh_layout import OrderError, mesh_of
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode

SHAPE: Final = "shape"
IDS: Final = "axis_id"
KINDS: Final = "axis_kind"
POSITIONS: Final = "positions"
OF_LAYOUT: Final = frozenset({SHAPE, IDS, KINDS, POSITIONS})
"""The attributes that are not written. Without `shape`, the others are attributes like any other."""


def settle_shapes(entry: GroupNode, warnings: list[str]) -> None:
    """Lay out the values that say how, where there are as many. The attributes themselves are not written.

    A broken-off scan has fewer: its values stay as they came.
    """
    for path, node in entry.walk():
        if not isinstance(node, FieldNode) or SHAPE not in node.attributes:
            continue
        text, ids, kinds, places = (str(node.attributes.pop(name, "")) for name in (SHAPE, IDS, KINDS, POSITIONS))
        try:
            lengths = [int(length) for length in text.split()]
        except ValueError:
            lengths = [-1]
        if min(lengths, default=0) < 0:
            warnings.append(f"{path}: {text!r} is not a shape: left as it came")
            continue
        if math.prod(lengths) != node.value.size:
            warnings.append(f"{path}: {node.value.size} values do not fill a mesh of {text}: left as they came")
            continue
        try:
            mesh = mesh_of(lengths, ids, kinds)
        except OrderError as error:
            warnings.append(f"{path}: {error}: left as they came")
            continue
        measured = [_value(entry, place) for place in places.split()]
        is_known = len(measured) == len(lengths)
        along = [one for one, length in zip(measured, lengths, strict=True) if length != 1] if is_known else []
        if doubt := mesh.doubt(along):
            remedy = f"left as they came; tell {IDS} and {KINDS} of each axis"
            warnings.append(f"{path}: {doubt} than the mesh: {remedy}")
            continue
        node.value = mesh.lay_out(node.value) if mesh.shape and node.value.size else node.value.reshape(mesh.shape or 1)


def _value(entry: GroupNode, place: str) -> Value | None:
    node = entry.find(place)
    return node.value if isinstance(node, FieldNode) else None
