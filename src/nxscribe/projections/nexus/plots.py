"""What a reader plots first: `@default`, `@signal` and `@axes` that name only what is there."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from nxscribe.projections.nexus.links import follow, leading_to
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode, Node, SoftLinkNode

_SEPARATORS: Final = re.compile(r"[\s,:\[\]]+")


class Plots:
    """The NXdata groups of one entry."""

    def __init__(self, entry: GroupNode, root: str, missing: dict[str, str]) -> None:
        """`root` is the entry's path in the file; what has to be dropped is noted in `missing`."""
        self._entry = entry
        self._root = root
        self._missing = missing

    def settle(self) -> None:
        """Drop what names nothing, and lead `@default` from the entry to a plot if there is any."""
        groups = {"": self._entry} | {path: node for path, node in self._entry.walk() if isinstance(node, GroupNode)}
        for path, group in groups.items():
            if "signal" in group.attributes:
                self._settle_signal(path, group)
        for path, group in groups.items():
            if (default := _text(group, "default")) and not self._leads_to_plot(group):
                del group.attributes["default"]
                self._missing[f"{path}@default"] = f"{default} is no plot, and leads to none"
        if "default" not in self._entry.attributes:
            self._lead_to(next((path for path, group in groups.items() if _is_plot(group)), ""))

    def frame(self, detector: str, name: str = "frames") -> None:
        """Make a plot of a detector's frames (`instrument/detector01/data`) where the entry has no other."""
        frames = self._entry.find(detector)
        if frames is None or "default" in self._entry.attributes or name in self._entry.children:
            return
        plot = GroupNode("NXdata", {"data": leading_to(frames, f"{self._root}/{detector}")})
        plot.attributes["signal"] = np.asarray("data")
        self._entry.children[name] = plot
        self._lead_to(name)

    def _settle_signal(self, path: str, group: GroupNode) -> None:
        signal = _text(group, "signal")
        if self._shape(group, signal) is None:
            self._drop(path, group, "signal", f"{signal} is not in the group")
            for name in [name for name in group.attributes if name == "axes" or name.endswith("_indices")]:
                del group.attributes[name]
        elif "axes" in group.attributes:
            self._settle_axes(path, group, self._shape(group, signal) or ())

    def _settle_axes(self, path: str, group: GroupNode, shape: tuple[int, ...]) -> None:
        """Keep the axes that are there and as long as the signal's dimension.

        `.` stands for none, and there is one for each dimension: readers count them.
        """
        asked = [axis for text in group.attributes["axes"].flat for axis in _SEPARATORS.split(str(text)) if axis]
        axes = []
        for dimension, axis in enumerate([*asked, *["."] * (len(shape) - len(asked))]):
            given = group.attributes.get(f"{axis}_indices")
            along = [int(index) for index in np.ravel(given)] if given is not None else [dimension]
            doubt = "" if axis == "." else self._doubt(group, axis, along, shape)
            if doubt:
                self._missing[f"{path}@axes"] = f"{axis} {doubt}"
                group.attributes.pop(f"{axis}_indices", None)
            elif axis != ".":
                group.attributes[f"{axis}_indices"] = np.asarray(along if len(along) > 1 else along[0])
            axes.append("." if doubt else axis)
        if set(axes) <= {"."}:
            del group.attributes["axes"]
        else:
            group.attributes["axes"] = np.asarray(axes)

    def _doubt(self, group: GroupNode, axis: str, along: list[int], shape: tuple[int, ...]) -> str:
        own = self._shape(group, axis)
        if own is None:
            return "is not in the group"
        if not shape or not own:
            return ""
        for length, dimension in zip(own, along, strict=False):
            if dimension >= len(shape) or length not in {shape[dimension], shape[dimension] + 1}:
                return f"has {length} values, which is not as many as the signal's dimension {dimension} has"
        return ""

    def _drop(self, path: str, group: GroupNode, name: str, reason: str) -> None:
        del group.attributes[name]
        self._missing[f"{path}@{name}"] = reason

    def _shape(self, group: GroupNode, name: str) -> tuple[int, ...] | None:
        """A dataset's shape, () where it is not known; None where there is no dataset of that name."""
        node: Node | None = group.children.get(name)
        if isinstance(node, SoftLinkNode):
            end = follow(self._entry, self._root, node.target.removeprefix(self._root))
            node = end[1] if end else None
        if node is None or isinstance(node, GroupNode | SoftLinkNode):
            return None
        return node.value.shape if isinstance(node, FieldNode) else node.shape

    def _leads_to_plot(self, group: GroupNode) -> bool:
        below = group.children.get(_text(group, "default"))
        return isinstance(below, GroupNode) and (_is_plot(below) or self._leads_to_plot(below))

    def _lead_to(self, path: str) -> None:
        """Set `@default` on each group of the way to a plot."""
        group = self._entry
        for name in filter(None, path.split("/")):
            group.attributes["default"] = np.asarray(name)
            below = group.children[name]
            if isinstance(below, GroupNode):
                group = below


def _is_plot(group: GroupNode) -> bool:
    return group.nx_class == "NXdata" and "signal" in group.attributes


def _text(group: GroupNode, attribute: str) -> str:
    return str(group.attributes[attribute]) if attribute in group.attributes else ""
