"""What a detector's raw files add to the entry: nodes, and what is to be said of them."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nxscribe.projections.nexus._provenance import RECORD_ID
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode, Node, NodeError
from nxscribe.projections.nexus.raw._file_lists import FILES
from nxscribe.projections.nexus.raw.entry_paths import EntryPaths, legible
from nxscribe.projections.nexus.raw.frames import NotYetError, RawError


@dataclass(slots=True)
class RawLink:
    """What one detector adds to the entry."""

    awaited: bool = False
    """Whether the detector may still be writing."""
    group: str = ""
    """The detector's group, as a path from the entry; empty for files that belong to no detector."""
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
    unforeseen: list[str] = field(default_factory=list)
    """Trace backs of errors that nobody foresaw, for the log."""

    @contextlib.contextmanager
    def on_its_own(self) -> Iterator[None]:
        """Whatever goes wrong in the block is this detector's trouble, and nobody else's."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - raw files, and the libraries that read them, can do anything
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Go without frames, for an error that nobody foresaw. Where the files are awaited it may pass."""
        listing, frames = (f"{self.group}/data_file", f"{self.group}/data") if self.group else (FILES, FILES)
        self.nodes = {path: node for path, node in self.nodes.items() if path == listing}
        self.aside, self.frames = {}, ""
        named = isinstance(error, NodeError)  # by itself, in words
        what = str(error) if named else f"{type(error).__name__}: {error}".removesuffix(": ")
        self.lack(frames, NotYetError(what), ": the frames are not linked" if self.group else "")
        self.unforeseen.append("".join(traceback.format_exception(error)))

    def holds(self, path: str) -> bool:
        """Whether a node at a path of the entry, or of a file aside, is of this detector's frames."""
        own = {*self.nodes, *(place for nodes in self.aside.values() for place in nodes)}
        return path in own and path != f"{self.group}/data_file"

    def lack(self, path: str, error: RawError, more: str = "") -> None:
        """Report what is not there, as pending where it may still come and is awaited."""
        lacking = self.pending if self.awaited and isinstance(error, NotYetError) else self.missing
        path = legible(path)
        before = f"{lacking[path]}; " if path in lacking else ""
        lacking[path] = legible(f"{before}{error}{more}")

    def warn(self, path: str, what: str) -> None:
        """Report what is there, but not as it should be."""
        self.warnings.append(legible(f"{path}: {what}"))

    def count(self, group: str, there: int, asked: int | None) -> None:
        """Report another number of frames than was asked for."""
        if asked is None or there == asked:
            return
        what = f"{there} frames are there, where {asked} were to come"
        if there < asked:
            self.lack(f"{group}/data_file", NotYetError(what))
        else:
            self.warn(f"{group}/data_file", what)


def files_aside(links: Iterable[RawLink], names: EntryPaths) -> dict[Path, GroupNode]:
    """The entries of the files that the links of all detectors need, in the order in which they can be written."""
    entries: dict[Path, GroupNode] = {}
    for link in links:
        for path, nodes in link.aside.items():
            entry = entries.setdefault(path, _entry_aside(names))
            for place, node in nodes.items():
                parent, _, name = place.rpartition("/")
                entry.require(parent, "NXcollection").children[name] = node
    return entries


def _entry_aside(names: EntryPaths) -> GroupNode:
    """It has a title and the id of the record, so that the file can be attributed when it is found alone."""
    entry = GroupNode("NXentry")
    entry.children["title"] = FieldNode(np.asarray(f"Raw frames of {names.entry} of {names.master.name}"))
    parent, _, name = RECORD_ID.rpartition("/")
    entry.require(parent, "NXcollection").children[name] = FieldNode(np.asarray(names.record_id))
    return entry
