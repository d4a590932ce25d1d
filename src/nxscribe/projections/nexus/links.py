"""The definition's links: written where they lead somewhere, reported where they dangle."""

from __future__ import annotations

import numpy as np

from nxscribe.model import Link, Value
from nxscribe.projections.nexus.nodes import ExternalLinkNode, GroupNode, Node, SoftLinkNode
from nxscribe.projections.nexus.selection import select
from nxscribe.projections.nexus.values import UnfitError


class Links:
    """The links that a definition asks for, by their own path from the entry."""

    def __init__(self) -> None:
        self._asked: dict[str, str] = {}
        self._frames: dict[str, Value] = {}

    def add(self, path: str, link: Link, frames: Value | None = None) -> None:
        """Note a link, to be placed when the tree stands. `frames` are those of its target to show, if not all."""
        self._asked[path] = link.target.strip("/")
        if frames is not None:
            self._frames[path] = frames

    def place(self, entry: GroupNode, root: str, missing: dict[str, str], pending: dict[str, str]) -> None:
        """Put the links into the tree of the entry at `root` (`/entry_0029`). What dangles goes to `missing`.

        Links may lead to links, in any order; a ring of them leads nowhere.
        """
        waiting = dict(self._asked)
        while found := {
            path: end
            for path, target in waiting.items()
            if (end := follow(entry, root, target)) and not _is_hollow(end[1])
        }:
            for path, (original, node) in found.items():
                parent, _, name = path.rpartition("/")
                group = entry.find(parent)
                if isinstance(group, GroupNode) and path in self._frames:
                    try:
                        group.children[name] = self._selected(path, node, f"{root}/{original}")
                    except UnfitError as error:
                        missing[path] = str(error)
                elif isinstance(group, GroupNode):
                    group.children[name] = leading_to(node, f"{root}/{waiting[path]}")
                    _mark(node, f"{root}/{original}")
                del waiting[path]
        for path, target in waiting.items():
            lacking = pending if any(_is_within(asked, target) for asked in pending) else missing
            lacking[path] = f"the link's target {target} is not in the entry"

    def _selected(self, path: str, node: Node, place: str) -> Node:
        if isinstance(node, GroupNode | SoftLinkNode):
            raise UnfitError(f"{place} is no dataset, of which frames could be chosen")
        return select(node, place, self._frames[path])


def follow(entry: GroupNode, root: str, path: str) -> tuple[str, Node] | None:
    """What is at a path from the entry, through soft links, with its own path; None where there is nothing."""
    own, node = "", entry  # type: tuple[str, Node]
    for name in path.strip("/").split("/"):
        if not isinstance(node, GroupNode) or name not in node.children:
            return None
        own, node = f"{own}/{name}".strip("/"), node.children[name]
        if isinstance(node, SoftLinkNode):
            # Links are placed only where they lead somewhere, so that this ends.
            end = follow(entry, root, node.target.removeprefix(root))
            if end is None:
                return None
            own, node = end
    return own, node


def _is_hollow(node: Node) -> bool:
    """Whether it is a group with nothing in it, which will not be written."""
    return isinstance(node, GroupNode) and all(map(_is_hollow, node.children.values()))


def _is_within(path: str, group: str) -> bool:
    return path == group or path.startswith(f"{group}/")


def leading_to(node: Node, target: str) -> Node:
    """A link to `node`, which is at `target` in the file.

    An external link is repeated: nexusformat 2.1 gets lost in a link to a link to a file.
    """
    return node if isinstance(node, ExternalLinkNode) else SoftLinkNode(target)


def _mark(node: Node, path: str) -> None:
    """Write NeXus's `target` on what a link leads to: the absolute path of the original.

    An external link has no attributes of its own, and its target is another's file: it is not marked.
    """
    if not isinstance(node, ExternalLinkNode | SoftLinkNode):
        node.attributes["target"] = np.asarray(path)
