"""The tree of one entry as it will be in the file, with the final names, values, attributes and links."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from nxscribe.model import Value

FRAME_RANK: Final = 2
"""The number of dimensions of one frame."""


@dataclass(slots=True, eq=False)
class FieldNode:
    """A dataset with its value in memory."""

    value: Value
    attributes: dict[str, Value] = field(default_factory=dict)
    are_alike: bool = False
    """Whether it is a list of similar texts, such as names of raw files, which compression makes much smaller."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value; () for a scalar."""
        return self.value.shape


@dataclass(frozen=True, slots=True)
class SoftLinkNode:
    """A link to another node of the same file."""

    target: str
    """The absolute path of the target in the file, such as `/entry_0029/instrument/detector01/data`."""


@dataclass(frozen=True, slots=True)
class ExternalLinkNode:
    """A link to an object of another HDF5 file."""

    file: str
    """The path of the other file, relative to the folder of the file that contains the link, or absolute."""
    path: str
    shape: tuple[int, ...] | None = None
    """The shape of the target, if it is a dataset and its shape is known."""
    dtype: str = ""
    """The numpy type of its elements, if it is known."""
    is_followed: bool = True
    """Whether the link is followed when the file is verified. Another program may be writing to its own file, which
    cannot be read at every moment."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A contiguous block of bytes in a raw file."""

    file: str
    """The path of the raw file, relative to the folder of the file that names it, or absolute."""
    offset: int
    size: int


@dataclass(slots=True, eq=False)
class StoredOutsideNode:
    """A dataset whose bytes are in other files, by HDF5's external storage."""

    shape: tuple[int, ...]
    dtype: str
    """The numpy type of the elements, with the byte order: `>u2`."""
    segments: tuple[Segment, ...]
    """One block for each frame."""
    samples: dict[int, Value] = field(default_factory=dict)
    """Some frames, by index, for the check of the file: it must give the same frames when it is read back."""
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class CopiedNode:
    """A dataset of frames whose bytes are copied from raw files without a change."""

    shape: tuple[int, ...]
    dtype: str
    """The numpy type of the elements, with the byte order: `>u2`."""
    segments: tuple[Segment, ...]
    """One block for each frame. The names of the files are absolute."""
    samples: dict[int, Value] = field(default_factory=dict)
    """Some frames, by index, for the check of the file: it must give the same frames when it is read back."""
    attributes: dict[str, Value] = field(default_factory=dict)
    """The attributes. They are not written, because links lead to the dataset of another file."""


@dataclass(frozen=True, slots=True)
class FrameSource:
    """A source of frames of a virtual dataset: the frames of another dataset, in their order."""

    file: str
    """The path of its file, relative to the folder of the file that names it, or absolute; `.` is that file itself."""
    dataset: str
    shape: tuple[int, ...]
    """The shape of that dataset: first the number of frames, unless it is one frame, and last the dimensions of a
    frame. Dimensions of length 1 can be between them, for example if a detector has a single channel."""
    taken: int | None = None
    """How many of its frames are shown, beginning with the first; None for all."""
    rank: int = FRAME_RANK
    """The number of dimensions of one frame."""
    gaps: frozenset[int] = frozenset()
    """The numbers of shown frames that do not exist. A reader gets the fill value for them."""

    @property
    def frames(self) -> int:
        """How many frames the source has."""
        if self.taken is not None:
            return self.taken
        return self.shape[0] if self.is_stack else 1

    @property
    def is_stack(self) -> bool:
        """Whether it has a dimension for the frames."""
        return len(self.shape) > self.rank

    @property
    def frame(self) -> tuple[int, ...]:
        """The shape of one frame."""
        return self.shape[len(self.shape) - self.rank :]


@dataclass(slots=True, eq=False)
class VirtualNode:
    """A virtual dataset: the frames of several datasets, one after another."""

    dtype: str
    sources: tuple[FrameSource, ...]
    fill: Value
    """The value that a reader gets for data that does not exist: one element of that type."""
    samples: dict[int, Value] = field(default_factory=dict)
    """Some frames, by index, for the check of the file: it must give the same frames when it is read back."""
    attributes: dict[str, Value] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of frames, of rows and of columns."""
        return (sum(source.frames for source in self.sources), *self.sources[0].frame)


@dataclass(slots=True, eq=False)
class SelectionNode:
    """Some frames of a dataset, in any order, as a virtual dataset."""

    dtype: str
    source: FrameSource
    chosen: tuple[int, ...]
    """The numbers of the frames, counted from 0."""
    fill: Value
    """The value that a reader gets for data that does not exist: one element of that type."""
    attributes: dict[str, Value] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the source, with the number of chosen frames."""
        return (len(self.chosen), *self.source.shape[1:])


@dataclass(slots=True, eq=False)
class GroupNode:
    """A group, with its children in the order in which they are written."""

    nx_class: str
    children: dict[str, Node] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)

    def find(self, path: str) -> Node | None:
        """The node at a path from this group, such as `instrument/detector01`; None if there is none."""
        node: Node = self
        for name in filter(None, path.split("/")):
            below = node.children.get(name) if isinstance(node, GroupNode) else None
            if below is None:
                return None
            node = below
        return node

    def require(self, path: str, nx_class: str, between: str = "NXcollection") -> GroupNode:
        """The group at a path from this group. It is made if it does not exist.

        Groups that are made on the way get the class `between`. Raises KeyError if another node has the name.
        """
        node = self
        names = [name for name in path.split("/") if name]
        for depth, name in enumerate(names, 1):
            below = node.children.setdefault(name, GroupNode(nx_class if depth == len(names) else between))
            if not isinstance(below, GroupNode):
                raise KeyError(f"{'/'.join(names[:depth])} is not a group")
            node = below
        return node

    def walk(self, path: str = "") -> Iterator[tuple[str, Node]]:
        """Every node below, depth first, with its path from this group, without a leading slash."""
        for name, child in self.children.items():
            here = f"{path}/{name}" if path else name
            yield here, child
            if isinstance(child, GroupNode):
                yield from child.walk(here)


class NodeError(Exception):
    """Nodes cannot be written, or are not read back as they should be. The text is the reason."""

    def __init__(self, paths: Sequence[str], reason: str) -> None:
        """`paths` are the paths of the nodes from the entry."""
        super().__init__(reason)
        self.paths = tuple(paths)


Dataset: TypeAlias = FieldNode | ExternalLinkNode | StoredOutsideNode | CopiedNode | VirtualNode | SelectionNode
"""Every node that a reader sees as a dataset."""

Node: TypeAlias = GroupNode | SoftLinkNode | Dataset
