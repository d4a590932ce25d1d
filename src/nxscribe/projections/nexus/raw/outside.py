"""Frames whose bytes lie in files that are no HDF5 files, by HDF5's external storage.

HDF5 takes a relative name in external storage from the *working directory* of whoever reads, unless the variable
HDF5_EXTFILE_PREFIX is `${ORIGIN}`; an absolute name breaks when the folder moves. Virtual datasets do better: a source
file whose absolute path is not there is looked for, by its last part, beside the file that names it. So the frames are
stored twice, by absolute and by relative names, and a virtual dataset chooses:

    entry_0029.h5               instrument/detector01/data     a link to
    frames/entry_0029.h5        frelon                         the virtual dataset, over stored/frelon
      in place, of              /data/…/frames/in_place/{record}/entry_0029.h5, with absolute names
      moved, of                 frames/entry_0029.h5, which is this file itself, with relative names

One of the two is always there, so that nothing ever reads as fill values: a file that is gone is an error. The
record's id in the path makes sure that a moved folder never reads what another scan left in the old place. The entry
itself holds nothing that cannot be read, whoever walks through it. An external link would choose in the same way, but
nexusformat follows those itself and knows no second place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus.nodes import (
    ExternalLinkNode,
    FrameSource,
    Node,
    Segment,
    StoredOutsideNode,
    VirtualNode,
)
from nxscribe.projections.nexus.raw.frames import Frames, RawError, unlike_counts
from nxscribe.projections.nexus.raw.names import Names

_STORED: Final = "stored"
_MOST_SEGMENTS: Final = 2500
"""Of one dataset: HDF5 keeps their list in an object header's message, which holds at most 2,729."""


@dataclass(frozen=True, slots=True)
class Block:
    """Where one frame's bytes begin. They are as many as its shape and type say."""

    path: str
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


def store(detector: str, stack: Stack, names: Names, counts: Sequence[int], spoiled: RawError | None) -> Frames:
    """A detector's frames as a dataset of (frames, *shape). No byte is copied or changed.

    `counts` are those of the files that are shown; `spoiled` is why those after them are not.
    """
    size = math.prod(stack.shape) * np.dtype(stack.dtype).itemsize
    starts = range(0, len(stack.blocks), _MOST_SEGMENTS)
    relative: dict[str, Node] = {}
    absolute: dict[str, Node] = {}
    sources: list[FrameSource] = []
    for start in starts:
        path = f"{_STORED}/{detector}" + (f"_{start}" if len(starts) > 1 else "")
        blocks = stack.blocks[start : start + _MOST_SEGMENTS]
        shape = (len(blocks), *stack.shape)
        samples = {index - start: frame for index, frame in stack.samples.items() if 0 <= index - start < len(blocks)}
        for nodes, called in ((relative, names.from_frames), (absolute, str)):
            segments = tuple(Segment(called(block.path), block.offset, size) for block in blocks)
            nodes[path] = StoredOutsideNode(shape, stack.dtype, segments, samples)
        sources.append(FrameSource(str(names.in_place), f"/{names.entry}/{path}", shape))
    data = VirtualNode(stack.dtype, tuple(sources), unlike_counts(stack.dtype), dict(stack.samples))
    link = ExternalLinkNode(names.from_container(names.frames), f"/{names.entry}/{detector}", data.shape, stack.dtype)
    return Frames(link, counts, {names.in_place: absolute, names.frames: {detector: data, **relative}}, spoiled)
