"""What a reader plots first: `@default`, `@signal` and `@axes` that name only what is there."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from nxscribe.projections.nexus._hdf5_values import as_text
from nxscribe.projections.nexus._links import follow, leading_to, mark
from nxscribe.projections.nexus._provenance import PROGRAM
from nxscribe.projections.nexus.nodes import Dataset, FieldNode, GroupNode, Node, SoftLinkNode

_SEPARATORS: Final = re.compile(r"[\s,:\[\]]+")
_INDEX: Final = re.compile(r"\d+")


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
        for group in groups.values():
            if _is_plot(group):
                self._give_title(group)
        for path, group in groups.items():
            if (default := _text(group, "default")) and not self._leads_to_plot(group):
                del group.attributes["default"]
                self._missing[f"{path}@default"] = f"{default} is not a plot and does not lead to one"
        if "default" not in self._entry.attributes:
            self._lead_to(next((path for path, group in groups.items() if _is_plot(group)), ""))

    def frame(self, detector: str, name: str = "frames") -> None:
        """Make a plot of a detector's frames (`instrument/detector01/data`) where the entry has no other."""
        frames = self._entry.find(detector)
        if frames is None or "default" in self._entry.attributes or name in self._entry.children:
            return
        original = f"{self._root}/{detector}"
        plot = GroupNode("NXdata", {"data": leading_to(frames, original)})
        mark(frames, original)
        plot.attributes["signal"] = np.asarray("data")
        self._give_title(plot)
        self._entry.children[name] = plot
        self._lead_to(name)

    def _give_title(self, group: GroupNode) -> None:
        """The entry's title for a plot that has none: nexusformat 2.1 cannot plot it through a master's link else."""
        title = self._entry.children.get("title")
        if "title" not in group.children and isinstance(title, FieldNode):
            group.children["title"] = FieldNode(title.value, {"source": np.asarray(PROGRAM)})

    def _settle_signal(self, path: str, group: GroupNode) -> None:
        name = _text(group, "signal")
        signal = self._dataset(group, name)
        if signal is None:
            del group.attributes["signal"]
            self._missing[f"{path}@signal"] = f"{name} is not in the group"
            for about_axes in [other for other in group.attributes if other == "axes" or other.endswith("_indices")]:
                del group.attributes[about_axes]
        elif "axes" in group.attributes:
            self._settle_axes(path, group, signal.shape)

    def _settle_axes(self, path: str, group: GroupNode, shape: tuple[int, ...] | None) -> None:
        """Keep the axes that are there and as long as the signal's dimension, if its shape is known.

        `.` stands for none, and there is one for each dimension: readers count them.
        """
        asked = [axis for text in group.attributes["axes"].flat for axis in _SEPARATORS.split(str(text)) if axis]
        rank = len(asked) if shape is None else len(shape)
        if len(asked) > rank > 0:
            # A definition for three axes, and a scan over fewer: those of one position are not scanned.
            asked = [axis for axis in asked if not self._is_single(group, axis)]
        axes = ["."] * rank
        for dimension, axis in enumerate(asked):
            given = as_text(group.attributes.pop(f"{axis}_indices", np.asarray(dimension)))
            along = [int(index) for index in _INDEX.findall(given)]
            if axis == ".":
                continue
            doubt = self._doubt(group, axis, along, shape) if dimension < rank else "is beyond the signal's dimensions"
            if doubt:
                self._missing[f"{path}@axes"] = f"{axis} {doubt}"
                continue
            axes[dimension] = axis
            group.attributes[f"{axis}_indices"] = np.asarray(along if len(along) > 1 else along[0])
        if set(axes) <= {"."}:
            del group.attributes["axes"]
        else:
            group.attributes["axes"] = np.asarray(axes)

    def _is_single(self, group: GroupNode, axis: str) -> bool:
        dataset = self._dataset(group, axis)
        return dataset is None or dataset.shape in {(), (1,)}

    def _doubt(self, group: GroupNode, axis: str, along: list[int], shape: tuple[int, ...] | None) -> str:
        """Why an axis cannot be one of a signal of this shape; empty where it can."""
        dataset = self._dataset(group, axis)
        if dataset is None:
            return "is not in the group"
        if shape is None or dataset.shape is None:
            return ""
        if len(dataset.shape) != len(along) or any(dimension >= len(shape) for dimension in along):
            return f"has the shape {dataset.shape}, which does not fit the signal's, {shape}"
        for length, dimension in zip(dataset.shape, along, strict=True):
            if length not in {shape[dimension], shape[dimension] + 1}:
                return f"has {length} values, which is not as many as the signal's dimension {dimension} has"
        return ""

    def _dataset(self, group: GroupNode, name: str) -> Dataset | None:
        """The dataset of that name, through links."""
        node: Node | None = group.children.get(name)
        if isinstance(node, SoftLinkNode):
            end = follow(self._entry, self._root, node.target.removeprefix(self._root))
            node = end[1] if end else None
        return None if isinstance(node, GroupNode | SoftLinkNode) else node

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
