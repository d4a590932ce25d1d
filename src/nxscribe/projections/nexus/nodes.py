"""The tree of one entry as it will be in the file: every name, value, attribute and link decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from nxscribe.model import Value

FRAME_RANK: Final = 2
"""Dimensions of one frame."""


@dataclass(slots=True, eq=False)
class FieldNode:
    """A dataset with its value in memory."""

    value: Value
    attributes: dict[str, Value] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the value; () for a scalar."""
        return self.value.shape


@dataclass(frozen=True, slots=True)
class SoftLinkNode:
    """A link to another node of the same file."""

    target: str
    """An absolute path in the file, such as `/entry_0029/instrument/detector01/data`."""


@dataclass(frozen=True, slots=True)
class ExternalLinkNode:
    """A link to an object of another HDF5 file."""

    file: str
    """Relative to the folder of the file that holds the link, or absolute."""
    path: str
    shape: tuple[int, ...] | None = None
    """Of the dataset there, where it is known."""
    dtype: str = ""
    """Of its elements in numpy's form, where it is known."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of bytes in a raw file."""

    file: str
    """Relative to the folder of the file that names it, or absolute."""
    offset: int
    size: int


@dataclass(slots=True, eq=False)
class StoredOutsideNode:
    """A dataset whose bytes lie in files that are no HDF5 files: HDF5's external storage."""

    shape: tuple[int, ...]
    dtype: str
    """In numpy's form, byte order included: `>u2`."""
    segments: tuple[Segment, ...]
    """One for each frame."""
    samples: dict[int, Value] = field(default_factory=dict)
    """Frames that are known, by index: the file is not good if it reads otherwise."""
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FrameSource:
    """Where some frames of a virtual dataset come from: those of a dataset, in order."""

    file: str
    """Relative to the folder of the file that names it, or absolute; `.` is that file itself."""
    dataset: str
    shape: tuple[int, ...]
    """Of that dataset: frames, rows, columns; or of two dimensions, for one frame."""
    taken: int | None = None
    """How many of its frames are shown, from the first on; None for all."""

    @property
    def frames(self) -> int:
        """How many frames it gives."""
        if self.taken is not None:
            return self.taken
        return self.shape[0] if len(self.shape) > FRAME_RANK else 1


@dataclass(slots=True, eq=False)
class VirtualNode:
    """A virtual dataset: the frames of several datasets, one after another."""

    dtype: str
    sources: tuple[FrameSource, ...]
    fill: float
    samples: dict[int, Value] = field(default_factory=dict)
    """Frames that are known, by index: the file is not good if it reads otherwise."""
    attributes: dict[str, Value] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Frames, rows, columns."""
        return (sum(source.frames for source in self.sources), *self.sources[0].shape[-FRAME_RANK:])


@dataclass(slots=True, eq=False)
class SelectionNode:
    """Some frames of a dataset, in an order of their own: a virtual dataset."""

    dtype: str
    source: FrameSource
    chosen: tuple[int, ...]
    """Which frames, counted from 0."""
    fill: float
    attributes: dict[str, Value] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """As the source's, with the chosen frames only."""
        return (len(self.chosen), *self.source.shape[1:])


@dataclass(slots=True, eq=False)
class GroupNode:
    """A group; its children in the order in which they are written."""

    nx_class: str
    children: dict[str, Node] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)

    def find(self, path: str) -> Node | None:
        """The node at a path from here, such as `instrument/detector01`; None where there is none."""
        node: Node = self
        for name in filter(None, path.split("/")):
            below = node.children.get(name) if isinstance(node, GroupNode) else None
            if below is None:
                return None
            node = below
        return node

    def require(self, path: str, nx_class: str, between: str = "NXcollection") -> GroupNode:
        """The group at a path from here, made where it is not there.

        Groups made on the way are of class `between`. Raises KeyError where something else has the name.
        """
        node = self
        names = [name for name in path.split("/") if name]
        for depth, name in enumerate(names, 1):
            below = node.children.setdefault(name, GroupNode(nx_class if depth == len(names) else between))
            if not isinstance(below, GroupNode):
                raise KeyError(f"{'/'.join(names[:depth])} is no group")
            node = below
        return node

    def walk(self, path: str = "") -> Iterator[tuple[str, Node]]:
        """Every node below, depth first, with its path from here, without a leading slash."""
        for name, child in self.children.items():
            here = f"{path}/{name}" if path else name
            yield here, child
            if isinstance(child, GroupNode):
                yield from child.walk(here)


Dataset: TypeAlias = FieldNode | ExternalLinkNode | StoredOutsideNode | VirtualNode | SelectionNode
"""What reads as a dataset, wherever it lies."""

Node: TypeAlias = GroupNode | SoftLinkNode | Dataset
