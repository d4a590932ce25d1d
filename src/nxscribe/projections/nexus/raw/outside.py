"""Frames whose bytes lie in files that are no HDF5 files, by HDF5's external storage.

HDF5 takes a relative name in external storage from the *working directory* of whoever reads, unless the variable
HDF5_EXTFILE_PREFIX is `${ORIGIN}`; an absolute name breaks when the folder moves. External links do better: one to an
absolute path that is not there falls back to a file of the same name beside the file that holds the link. So the
detector's `data` is a link to absolute names as long as the folder is where it was written, and leads to relative ones
in the entry itself where it is not:

    instrument/detector01/data -> /data/…/in_place/{record}/entry_0029.h5 : /entry_0029/nxscribe/frames/frelon
                      or, moved:  …/entry_0029.h5                         : /entry_0029/nxscribe/frames/frelon

The record's id in the path makes sure that a moved folder never reads what another scan left in the old place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus.account import ACCOUNT
from nxscribe.projections.nexus.nodes import (
    ExternalLinkNode,
    FrameSource,
    Node,
    Segment,
    StoredOutsideNode,
    VirtualNode,
)
from nxscribe.projections.nexus.raw.frames import Frames
from nxscribe.projections.nexus.raw.names import Names

_MOST_SEGMENTS: Final = 2500
"""Of one dataset: HDF5 keeps their list in an object header's message, which holds at most 2,729."""


@dataclass(frozen=True, slots=True)
class Block:
    """Where one frame's bytes begin. They are as many as its shape and type say."""

    path: Path
    offset: int


@dataclass(frozen=True, slots=True)
class Stack:
    """Frames of one shape and type, in order."""

    blocks: Sequence[Block]
    shape: tuple[int, ...]
    """Of one frame."""
    dtype: str
    """With the byte order that the files have: `>u2`."""
    samples: Mapping[int, Value]
    """Some frames as the format's own library reads them, by index: what HDF5 reads must equal them."""


def store(detector: str, stack: Stack, names: Names, files: int, spoiled: str) -> Frames:
    """A detector's frames as a dataset of (frames, *shape). No byte is copied or changed.

    `files` are shown; `spoiled` is why those after them are not.
    """
    path = f"{ACCOUNT}/frames/{detector}"
    link = ExternalLinkNode(str(names.in_place), f"/{names.entry}/{path}", (len(stack.blocks), *stack.shape))
    relative = _nodes(path, stack, names.entry, names.from_container)
    absolute = _nodes(path, stack, names.entry, str)
    return Frames(link, files, relative, absolute, spoiled)


def _nodes(path: str, stack: Stack, entry: str, name: Callable[[Path], str]) -> dict[str, Node]:
    size = int(np.prod(stack.shape)) * np.dtype(stack.dtype).itemsize
    nodes: dict[str, Node] = {}
    sources: list[FrameSource] = []
    starts = range(0, len(stack.blocks), _MOST_SEGMENTS)
    for start in starts:
        blocks = stack.blocks[start : start + _MOST_SEGMENTS]
        shape = (len(blocks), *stack.shape)
        there = f"{path}_{start}" if len(starts) > 1 else path
        nodes[there] = StoredOutsideNode(
            shape,
            stack.dtype,
            tuple(Segment(name(block.path), block.offset, size) for block in blocks),
            {index - start: frame for index, frame in stack.samples.items() if 0 <= index - start < len(blocks)},
        )
        sources += [FrameSource(".", f"/{entry}/{there}", shape, index) for index in range(len(blocks))]
    if len(starts) > 1:
        nodes[path] = VirtualNode((len(stack.blocks), *stack.shape), stack.dtype, tuple(sources), fill=0)
    return nodes
