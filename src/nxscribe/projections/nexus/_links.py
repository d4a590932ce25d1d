"""The definition's links: written where they lead somewhere, reported where they dangle."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nxscribe.model import Link, Value
from nxscribe.projections.nexus._hdf5_values import UnfitError
from nxscribe.projections.nexus._selection import select
from nxscribe.projections.nexus.nodes import ExternalLinkNode, GroupNode, Node, SoftLinkNode


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

        Links may lead to links, in any order; a ring of them leads nowhere. Each is written to lead to the original
        itself: HDF5 follows 16 links in a row, and no more (H5Pset_nlinks).
        """
        waiting = dict(self._asked)
        within: dict[str, list[str]] = {}
        for path in waiting:
            within.setdefault(path.rpartition("/")[0], []).append(path)
        is_going_on = True
        while is_going_on:
            is_going_on = False
            tried: set[str] = set()
            for first in tuple(waiting):
                ahead = [first]
                while ahead:
                    path = ahead[-1]
                    if path not in waiting:
                        ahead.pop()
                        continue
                    original, node = _trace(entry, root, waiting[path])
                    if node is not None and not _is_hollow(node):
                        self._put(path, (original, node), entry, root, missing)
                        del waiting[path]
                        is_going_on = True
                    elif path in tried:
                        ahead.pop()
                    else:
                        tried.add(path)
                        # What it waits for comes first: a chain is placed from its end.
                        ahead += [
                            one for one in _waited_for(original, node, within) if one in waiting and one not in tried
                        ]
        to_come = {group for path in pending for group in _groups_of(path)}
        for path, target in waiting.items():
            lacking = pending if target in to_come else missing
            lacking[path] = f"the link's target {target} is not in the entry"

    def _put(self, path: str, found: tuple[str, Node], entry: GroupNode, root: str, missing: dict[str, str]) -> None:
        original, node = found
        parent, _, name = path.rpartition("/")
        group = entry.find(parent)
        if not isinstance(group, GroupNode):
            return
        if path in self._frames:
            try:
                group.children[name] = self._selected(path, node, f"{root}/{original}")
            except UnfitError as error:
                missing[path] = str(error)
        else:
            group.children[name] = leading_to(node, f"{root}/{original}")
            mark(node, f"{root}/{original}")

    def _selected(self, path: str, node: Node, place: str) -> Node:
        if isinstance(node, GroupNode | SoftLinkNode):
            raise UnfitError(f"{place} is not a dataset, of which frames could be chosen")
        return select(node, place, self._frames[path])


def follow(entry: GroupNode, root: str, path: str) -> tuple[str, Node] | None:
    """What is at a path from the entry, through soft links, with its own path; None where there is nothing."""
    own, node = _trace(entry, root, path)
    return None if node is None else (own, node)


def _trace(entry: GroupNode, root: str, path: str) -> tuple[str, Node | None]:
    """The same; where there is nothing, the path of what is not there."""
    own, node = "", entry  # type: tuple[str, Node]
    for name in path.strip("/").split("/"):
        here = f"{own}/{name}".strip("/")
        if not isinstance(node, GroupNode) or name not in node.children:
            return here, None
        own, node = here, node.children[name]
        if isinstance(node, SoftLinkNode):
            # Links are placed only where they lead to what is not a link, so that this ends.
            own, end = _trace(entry, root, node.target.removeprefix(root))
            if end is None:
                return own, None
            node = end
    return own, node


def _waited_for(path: str, node: Node | None, within: dict[str, list[str]]) -> list[str]:
    """The links that could bring what is not there: one at this path itself, or those in a group that is empty."""
    if not isinstance(node, GroupNode):
        return [path]
    groups = [path, *(f"{path}/{below}" for below, one in node.walk() if isinstance(one, GroupNode))]
    return [link for group in groups for link in within.get(group, ())]


def _groups_of(path: str) -> Iterator[str]:
    """A path, and that of each group around it."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _is_hollow(node: Node) -> bool:
    """Whether it is a group with nothing in it, which will not be written."""
    return isinstance(node, GroupNode) and all(map(_is_hollow, node.children.values()))


def leading_to(node: Node, target: str) -> Node:
    """A link to `node`, which is at `target` in the file.

    An external link is repeated: nexusformat 2.1 gets lost in a link to a link to a file.
    """
    return node if isinstance(node, ExternalLinkNode) else SoftLinkNode(target)


def mark(node: Node, path: str) -> None:
    """Write NeXus's `target` on what a link leads to: the absolute path of the original.

    An external link has no attributes of its own, and its target is another's file: it is not marked.
    """
    if not isinstance(node, ExternalLinkNode | SoftLinkNode):
        node.attributes["target"] = np.asarray(path)
