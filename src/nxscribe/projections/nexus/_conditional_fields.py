"""Claims that an entry makes of itself, and what it must hold to make them.

A field whose attribute `needs` names paths from the entry is written where all of them are there. The claim of an
application definition is such: a broken-off tomography without the kinds of its frames is not an NXtomo, and says so.
"""

from __future__ import annotations

from typing import Final

from nxscribe.projections.nexus._links import follow
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode

NEEDS: Final = "needs"


def settle_claims(entry: GroupNode, root: str, missing: dict[str, str], pending: dict[str, str]) -> None:
    """Drop the fields whose needs are not met, with the reason. The attribute itself is not written.

    What needs only what is still to come is still to come itself.
    """
    for path, node in list(entry.walk()):
        if not isinstance(node, FieldNode) or NEEDS not in node.attributes:
            continue
        needs = str(node.attributes.pop(NEEDS)).split()
        lacking = [need for need in needs if follow(entry, root, need) is None]
        if not lacking:
            continue
        parent, _, name = path.rpartition("/")
        group = entry.find(parent)
        if isinstance(group, GroupNode):
            del group.children[name]
            # nabu and nxtomo look for the claim in an attribute of the entry.
            group.attributes.pop(name, None)
        is_to_come = any(need.strip("/") in pending for need in lacking)
        (pending if is_to_come else missing)[path] = f"{node.value} is not claimed without {', '.join(lacking)}"
