"""What a detector's raw files add to the entry: nodes, and what is to be said of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nxscribe.projections.nexus.account import RECORD_ID
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode, Node
from nxscribe.projections.nexus.raw.frames import NotYetError, RawError
from nxscribe.projections.nexus.raw.names import Names


@dataclass(slots=True)
class RawLink:
    """What one detector adds to the entry."""

    awaited: bool = False
    """Whether the detector may still be writing."""
    nodes: dict[str, Node] = field(default_factory=dict)
    """By path from the entry."""
    classes: dict[str, str] = field(default_factory=dict)
    """The NeXus class of groups that the definition may not have."""
    missing: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    """What is missing as yet."""
    warnings: list[str] = field(default_factory=list)
    frames: str = ""
    """The path of the frames, if they are linked."""
    aside: dict[Path, dict[str, Node]] = field(default_factory=dict)
    """What goes to files aside, by path in their entry; the first is needed by the next."""

    def lack(self, path: str, error: RawError, more: str = "") -> None:
        """Report what is not there, as pending where it may still come and is awaited."""
        lacking = self.pending if self.awaited and isinstance(error, NotYetError) else self.missing
        before = f"{lacking[path]}; " if path in lacking else ""
        lacking[path] = f"{before}{error}{more}"

    def count(self, group: str, there: int, asked: int | None) -> None:
        """Report another number of frames than was asked for."""
        if asked is None or there == asked:
            return
        what = f"{there} frames are there, where {asked} were to come"
        if there < asked:
            self.lack(f"{group}/data_file", NotYetError(what))
        else:
            self.warnings.append(f"{group}/data_file: {what}")


def files_aside(links: Iterable[RawLink], names: Names) -> dict[Path, GroupNode]:
    """The entries of the files that the links of all detectors need, in the order in which they can be written."""
    entries: dict[Path, GroupNode] = {}
    for link in links:
        for path, nodes in link.aside.items():
            entry = entries.setdefault(path, _entry_aside(names))
            for place, node in nodes.items():
                parent, _, name = place.rpartition("/")
                entry.require(parent, "NXcollection").children[name] = node
    return entries


def _entry_aside(names: Names) -> GroupNode:
    """It says for whom it is, to those who come upon it."""
    entry = GroupNode("NXentry")
    entry.children["title"] = FieldNode(np.asarray(f"Raw frames of {names.entry} of {names.master.name}"))
    parent, _, name = RECORD_ID.rpartition("/")
    entry.require(parent, "NXcollection").children[name] = FieldNode(np.asarray(names.record_id))
    return entry
