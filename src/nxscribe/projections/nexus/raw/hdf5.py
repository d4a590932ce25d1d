"""Raw HDF5 files: an external link to one, virtual datasets over several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import h5py
import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus.nodes import FRAME_RANK, ExternalLinkNode, FrameSource, VirtualNode
from nxscribe.projections.nexus.raw import outside
from nxscribe.projections.nexus.raw.folder import Sizes
from nxscribe.projections.nexus.raw.frames import (
    Frames,
    NotYetError,
    RawError,
    doubt_about,
    never_written,
    unlike_counts,
)
from nxscribe.projections.nexus.raw.hdf5_file import (
    Locks,
    Source,
    check_sources,
    find_frames,
    frames_written,
    opened,
    whole,
)
from nxscribe.projections.nexus.raw.names import Names
from nxscribe.projections.nexus.raw.outside import Block, Stack

_MOST_SOURCES: Final = 500
"""Of a virtual dataset: each source file stays open while it is read, also where it is the source of a source, and past
the open-file limit (1,024 by default) HDF5 gives fill values without an error."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The frames of one file."""

    path: str
    dataset: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    written: int
    """How many of its frames are there, from the first on."""
    short: str
    """Why it may still get more."""
    offsets: tuple[int, ...] = ()
    """Where each frame's bytes begin, if it was asked for and they lie in the file as they are in memory."""

    @property
    def frames(self) -> int:
        return self.shape[0] if len(self.shape) > FRAME_RANK else 1

    @property
    def kind(self) -> str:
        return f"{self.dtype} frames of {self.shape[-FRAME_RANK:]}"

    def source(self, names: Names) -> FrameSource:
        return FrameSource(names.from_container(self.path), self.dataset, self.shape, self.written)


def link(detector: str, sources: Sequence[Source], names: Names) -> Frames:
    """The frames of HDF5 files, up to the first that is not whole. Raises RawError where that is the first of all."""
    many = len(sources) > _MOST_SOURCES
    locks = Locks()
    parts, spoiled = _parts(sources, locks, with_offsets=many, trust_size=many)
    if not parts:
        raise spoiled or RawError("no files")
    if many and not _is_as_thought(parts[-1], sources[len(parts) - 1], locks):
        parts, spoiled = _parts(sources, locks, with_offsets=True, trust_size=False)
    last = parts[-1]
    if last.written < last.frames and spoiled is None:
        spoiled = never_written(last.path, last.written)
    if last.written < last.frames:
        parts, counts = [part for part in parts if part.written], [part.frames for part in parts[:-1]]
    else:
        counts = [part.frames for part in parts]
    if not parts:
        raise spoiled or RawError("no frames")
    total = sum(part.written for part in parts)
    ending = _read(parts[-1], parts[-1].written - 1)
    doubt = doubt_about(parts[-1].path, ending) if total > 1 else ""
    if len(sources) == 1 and spoiled is None:
        node = ExternalLinkNode(names.from_container(last.path), last.dataset, last.shape, last.dtype.str)
        return Frames(node, counts, short=last.short, doubt=doubt)
    samples = {0: _read(parts[0], 0), total - 1: ending}
    if len(parts) <= _MOST_SOURCES:
        return Frames(_virtual(parts, names, samples), counts, spoiled=spoiled, short=last.short, doubt=doubt)
    if all(part.offsets for part in parts):
        blocks = [Block(part.path, offset) for part in parts for offset in part.offsets[: part.written]]
        stack = Stack(blocks, parts[0].shape[-FRAME_RANK:], parts[0].dtype.str, samples)
        return replace(outside.store(detector, stack, names, counts, spoiled), doubt=doubt)
    starts = range(0, len(parts), _MOST_SOURCES)
    nodes = {
        f"data_{number:06d}": _virtual(parts[start : start + _MOST_SOURCES], names, {})
        for number, start in enumerate(starts, 1)
    }
    return Frames(next(iter(nodes.values())), counts, spoiled=spoiled, short=last.short, doubt=doubt, blocks=nodes)


def _parts(
    sources: Sequence[Source], locks: Locks, *, with_offsets: bool, trust_size: bool
) -> tuple[list[_Part], RawError | None]:
    """The files up to the first that is not whole, which comes too where some of its frames are there.

    With `trust_size` uncompressed files of one size are taken for alike: what a program writes again and again with
    other pixels lies at the same place. So of 10,000 files few are opened.
    """
    sizes = Sizes([source.path for source in sources])
    known: dict[int, _Part] = {}
    parts: list[_Part] = []
    for source in sources:
        try:
            size = sizes.of(source.path)
            part = known.get(size) if trust_size and not sizes.may_have_holes(source.path) else None
            if part:
                part = replace(part, path=source.path)
            else:
                part = _look(source, locks, parts[0].dataset if parts else "", with_offsets=with_offsets)
                if part.offsets and part.written == part.frames:
                    known.setdefault(size, part)
                    sizes.found_written(source.path)
            if parts and part.kind != parts[0].kind:
                raise RawError(f"{part.path} holds {part.kind}, where the first file holds {parts[0].kind}")
        except RawError as error:
            return parts, error
        parts.append(part)
        if part.written < part.frames:
            break
    return parts, None


def _is_as_thought(part: _Part, source: Source, locks: Locks) -> bool:
    """Whether a file that was taken for like others is so."""
    try:
        seen = _look(source, locks, part.dataset, with_offsets=True)
    except RawError:
        return False
    return (seen.kind, seen.offsets, seen.written) == (part.kind, part.offsets, part.written)


def _virtual(parts: Sequence[_Part], names: Names, samples: dict[int, Value]) -> VirtualNode:
    dtype = parts[0].dtype
    return VirtualNode(dtype.str, tuple(part.source(names) for part in parts), unlike_counts(dtype), samples)


def _look(source: Source, locks: Locks, likely: str, *, with_offsets: bool) -> _Part:
    """The frames of a file that is there and, as HDF5 checks at opening, not truncated. Raises RawError."""
    short = whole(source.path, locks)
    with opened(source.path) as file:
        frames = find_frames(file, source.dataset, likely if not source.dataset else "")
        if not frames.size:
            raise NotYetError(f"{source.path} holds no frames yet")
        if frames.ndim not in {FRAME_RANK, FRAME_RANK + 1}:
            raise RawError(f"{source.path}: {frames.name} has {frames.ndim} dimensions, where frames have two or three")
        check_sources(source.path, frames)
        return _Part(
            source.path,
            frames.name,
            frames.shape,
            frames.dtype,
            frames_written(frames),
            short,
            tuple(_offsets(frames)) if with_offsets else (),
        )


def _offsets(frames: h5py.Dataset) -> Iterator[int]:
    """Where each frame's bytes begin in the file. Nothing where they are compressed, or a chunk is no frame."""
    size = frames.dtype.itemsize * int(np.prod(frames.shape[-FRAME_RANK:]))
    count = frames.shape[0] if frames.ndim > FRAME_RANK else 1
    if frames.is_virtual or frames.external or frames.id.get_create_plist().get_nfilters():
        return
    if frames.chunks is None:
        if (start := frames.id.get_offset()) is not None:
            yield from range(start, start + count * size, size)
    elif frames.chunks == (1, *frames.shape[-FRAME_RANK:])[-frames.ndim :]:
        for index in range(count):
            yield frames.id.get_chunk_info_by_coord((index, 0, 0)[: frames.ndim]).byte_offset


def _read(part: _Part, index: int) -> Value:
    """One frame. Raises RawError where it cannot be decoded."""
    with opened(part.path) as file:
        frames = file[part.dataset]
        return np.asarray(frames[index] if frames.ndim > FRAME_RANK else frames[()])
