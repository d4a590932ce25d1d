"""Frames whose bytes lie in files that are not HDF5 files, or in more HDF5 files than can be open at once.

HDF5's external storage can name such bytes, but no name in it means "beside this file": HDF5 takes a relative name from
the *working directory* of whoever reads, unless the variable HDF5_EXTFILE_PREFIX is `${ORIGIN}`, and an absolute name
leads a copy of the folder to the frames of the original. So up to a limit the frames are copied:

    entry_0029.h5                    instrument/detector01/data     a link to
    frames/{record}/entry_0029.h5    frelon                         the frames themselves, byte by byte

Beyond the limit `frelon` has external storage with relative names, and readers need the variable. Without it they get
an error: neither zeros nor the frames of another folder. The entry itself holds nothing that cannot be read, whoever
walks through it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus.nodes import (
    CopiedNode,
    ExternalLinkNode,
    FrameSource,
    Node,
    Segment,
    StoredOutsideNode,
    VirtualNode,
)
from nxscribe.projections.nexus.raw.entry_paths import EntryPaths
from nxscribe.projections.nexus.raw.frames import Frames, RawError, unlike_counts

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


def store(detector: str, stack: Stack, names: EntryPaths, counts: Sequence[int], spoiled: RawError | None) -> Frames:
    """A detector's frames as a dataset of (frames, *shape). No raw file is changed.

    `counts` are those of the files that are shown; `spoiled` is why those after them are not.
    """
    size = math.prod(stack.shape) * np.dtype(stack.dtype).itemsize
    shape = (len(stack.blocks), *stack.shape)
    if size * len(stack.blocks) <= names.copied_bytes:
        segments = tuple(Segment(block.path, block.offset, size) for block in stack.blocks)
        aside: dict[str, Node] = {detector: CopiedNode(shape, stack.dtype, segments, dict(stack.samples))}
    else:
        aside = _stored(detector, stack, names, size)
    link = ExternalLinkNode(names.from_container(names.frames), f"/{names.entry}/{detector}", shape, stack.dtype)
    return Frames(link, counts, len(stack.blocks), {names.frames: aside}, spoiled)


def _stored(detector: str, stack: Stack, names: EntryPaths, size: int) -> dict[str, Node]:
    """The frames by external storage: in one dataset, or in as many as it takes, with one over all of them."""
    starts = range(0, len(stack.blocks), _MOST_SEGMENTS)
    nodes: dict[str, Node] = {}
    sources: list[FrameSource] = []
    for start in starts:
        path = f"{_STORED}/{detector}_{start}" if len(starts) > 1 else detector
        blocks = stack.blocks[start : start + _MOST_SEGMENTS]
        shape = (len(blocks), *stack.shape)
        samples = {index - start: frame for index, frame in stack.samples.items() if 0 <= index - start < len(blocks)}
        segments = tuple(Segment(names.from_frames(block.path), block.offset, size) for block in blocks)
        nodes[path] = StoredOutsideNode(shape, stack.dtype, segments, samples)
        sources.append(FrameSource(".", f"/{names.entry}/{path}", shape, rank=len(stack.shape)))
    if len(starts) > 1:
        # The samples are looked at in the parts: HDF5 does not hand on to them where their files' names start.
        nodes[detector] = VirtualNode(stack.dtype, tuple(sources), unlike_counts(stack.dtype))
    return nodes
