"""Values that were measured one after another, laid out as the mesh over which they were.

A field whose attribute `shape` names the lengths, the slow axis first, gets them. Lengths of 1 are left out: a scan
over one axis is a line, whatever the definition allows for.
"""

from __future__ import annotations

import math
from typing import Final

from nxscribe.projections.nexus.nodes import FieldNode, GroupNode

SHAPE: Final = "shape"


def settle_shapes(entry: GroupNode, warnings: list[str]) -> None:
    """Lay out the values that say how, where there are as many. The attribute itself is not written.

    A broken-off scan has fewer: its values stay as they came.
    """
    for path, node in entry.walk():
        if not isinstance(node, FieldNode) or SHAPE not in node.attributes:
            continue
        text = str(node.attributes.pop(SHAPE))
        try:
            shape = [length for length in map(int, text.split()) if length != 1]
        except ValueError:
            warnings.append(f"{path}: {text!r} is not a shape: left as it came")
            continue
        if math.prod(shape) == node.value.size:
            node.value = node.value.reshape(shape or [1])
        else:
            warnings.append(f"{path}: {node.value.size} values do not fill a mesh of {text}: left as they came")
