"""Raw HDF5 files: an external link to one, virtual datasets over several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus.nodes import FRAME_RANK, ExternalLinkNode, VirtualNode
from nxscribe.projections.nexus.raw import _external_storage as external_storage
from nxscribe.projections.nexus.raw._external_storage import Block, Stack
from nxscribe.projections.nexus.raw._folder import Sizes
from nxscribe.projections.nexus.raw._frame_datasets import FrameDataset, FrameDatasets
from nxscribe.projections.nexus.raw._hdf5_file import Locks
from nxscribe.projections.nexus.raw._hdf5_frames import FileFrames, look, read
from nxscribe.projections.nexus.raw.entry_paths import EntryPaths
from nxscribe.projections.nexus.raw.frames import (
    Frames,
    NotYetError,
    RawError,
    doubt_about,
    never_written,
    unlike_counts,
)

_MOST_SOURCES: Final = 500
"""Of a virtual dataset: each source file stays open while it is read, also where it is the source of a source, and past
the open-file limit (1,024 by default) HDF5 gives fill values without an error."""


class _UnlikeError(RawError):
    """A file holds other frames than the first."""


def link(detector: str, found: FrameDatasets, names: EntryPaths, asked: int | None = None) -> Frames:
    """The frames of HDF5 files, up to the first that is not whole. Raises RawError where that is the first of all.

    `asked` is how many were to come, if that is known: it tells lines from images.
    """
    if found.trouble:
        raise found.trouble
    sources = found.all
    parts, spoiled, remark = _parts_of(sources, asked)
    if not parts:
        raise spoiled or RawError("no files")
    last = parts[-1]
    if last.written < last.frames and spoiled is None:
        spoiled = NotYetError(last.lacking) if last.lacking else never_written(last.path, last.written)
    if last.written < last.frames:
        parts, counts = [part for part in parts if part.written], [part.frames for part in parts[:-1]]
    else:
        counts = [part.frames for part in parts]
    if not parts:
        raise spoiled or RawError("no frames")
    gaps = tuple(NotYetError(part.lacking) for part in parts if part.gaps and part.written == part.frames)
    of_parts = dict.fromkeys(told for part in parts for told in part.remarks)
    remarks = tuple(filter(None, (*found.remarks, remark, _channels(parts[0]), _many_files(parts), *of_parts)))
    return replace(_linked(detector, parts, names, counts, spoiled), gaps=gaps, remarks=remarks)


def _linked(
    detector: str, parts: Sequence[FileFrames], names: EntryPaths, counts: Sequence[int], spoiled: RawError | None
) -> Frames:
    """The nodes that show the frames of `parts`."""
    first, last = parts[0], parts[-1]
    begin = next(index for index in range(first.written) if index not in first.gaps)
    total = sum(part.written for part in parts)
    ending = read(last, last.written - 1)
    doubt = doubt_about(last.path, ending) if total > 1 else ""
    if len(parts) == 1 and spoiled is None and last.is_as_shown and (last.grows or not last.gaps):
        node = ExternalLinkNode(names.from_container(last.path), last.dataset, last.shape, last.dtype.str)
        return Frames(node, counts, total, short=last.short, doubt=doubt)
    samples = {begin: read(first, begin), total - 1: ending}
    if len(parts) <= _MOST_SOURCES:
        shown = _virtual(parts, names, samples)
        return Frames(shown, counts, total, spoiled=spoiled, short=last.short, doubt=doubt)
    if all(part.offsets and not part.gaps for part in parts):
        blocks = [Block(part.path, offset) for part in parts for offset in part.offsets[: part.written]]
        stack = Stack(blocks, first.frame, first.dtype.str, samples)
        stored = external_storage.store(detector, stack, names, counts, spoiled)
        return replace(stored, doubt=doubt)
    starts = range(0, len(parts), _MOST_SOURCES)
    nodes = {
        f"data_{number:06d}": _virtual(parts[start : start + _MOST_SOURCES], names, {})
        for number, start in enumerate(starts, 1)
    }
    shown = next(iter(nodes.values()))
    return Frames(shown, counts, total, spoiled=spoiled, short=last.short, doubt=doubt, blocks=nodes)


def _parts_of(sources: Sequence[FrameDataset], asked: int | None) -> tuple[list[FileFrames], RawError | None, str]:
    """The files up to the first that is not whole, what is wrong with that, and what to say of how they were taken."""
    many = len(sources) > _MOST_SOURCES
    locks = Locks()
    parts, spoiled = _parts(sources, locks, with_offsets=many, trust_size=many)
    if parts and len(parts[0].shape) <= FRAME_RANK and not _are_images(parts, spoiled, len(sources), asked):
        lines, after = _parts(sources, locks, with_offsets=many, lines=True)
        if _are_lines(lines, len(sources), asked):
            return lines, after, _why_lines(lines, spoiled, asked)
    if parts and many and not _is_as_thought(parts[-1], sources[len(parts) - 1], locks):
        parts, spoiled = _parts(sources, locks, with_offsets=True)
    return parts, spoiled, ""


def _are_images(parts: Sequence[FileFrames], spoiled: RawError | None, files: int, asked: int | None) -> bool:
    """Whether datasets of two dimensions are surely one image each, and not each a line for each of several points."""
    if parts[0].meaning:
        return parts[0].meaning != "spectrum"
    if asked is None:
        return not isinstance(spoiled, _UnlikeError)
    return asked == files


def _are_lines(parts: Sequence[FileFrames], files: int, asked: int | None) -> bool:
    """Whether datasets of two dimensions, which may be images too, are better taken for lines."""
    if not parts or parts[0].meaning == "spectrum":
        return bool(parts)
    total = sum(part.frames for part in parts)
    if len({part.shape[0] for part in parts}) > 1:
        return asked is None or total <= asked
    return asked is not None and (total == asked or (files == 1 and total < asked))


def _why_lines(parts: Sequence[FileFrames], spoiled: RawError | None, asked: int | None) -> str:
    """What to say of that; empty where it is sure."""
    lines = sum(part.frames for part in parts)
    if parts[0].meaning or asked == lines or not isinstance(spoiled, _UnlikeError):
        return ""
    return (
        f"the files differ in length, and are taken for {lines} lines of {parts[0].frame[-1]} channels, not for images"
    )


def _channels(first: FileFrames) -> str:
    """What is to be said of frames of more than one image."""
    if first.rank <= FRAME_RANK:
        return ""
    return (
        f"each frame has {first.frame[0]} channels: the dimensions of {first.dataset} are taken for frames, channels, "
        "rows and columns"
    )


def _many_files(parts: Sequence[FileFrames]) -> str:
    """What is to be said of raw files that show the frames of very many others."""
    behind = sum(part.behind for part in parts)
    if behind <= _MOST_SOURCES:
        return ""
    return (
        f"the raw files show frames of {behind} others: a program that reads more of them at once than it may have "
        "files open (`ulimit -n`) gets fill values without an error"
    )


def _parts(
    sources: Sequence[FrameDataset], locks: Locks, *, with_offsets: bool, trust_size: bool = False, lines: bool = False
) -> tuple[list[FileFrames], RawError | None]:
    """The files up to the first that is not whole, which comes too where some of its frames are there.

    With `trust_size` uncompressed files of one size are taken for alike: what a program writes again and again with
    other pixels lies at the same place. So of 10,000 files few are opened. With `lines` the first dimension of all
    datasets is that of the frames.
    """
    sizes = Sizes([source.path for source in sources])
    known: dict[int, FileFrames] = {}
    parts: list[FileFrames] = []
    for source in sources:
        try:
            if source.trouble:
                raise source.trouble
            size = sizes.of(source.path)
            part = known.get(size) if trust_size and not sizes.may_have_holes(source.path) else None
            if part:
                part = replace(part, path=source.path)
            else:
                part = look(source, locks, with_offsets=with_offsets, lines=lines)
                if part.offsets and part.written == part.frames:
                    known.setdefault(size, part)
                    sizes.found_written(source.path)
            if parts and part.kind != parts[0].kind:
                raise _UnlikeError(f"{part.path} holds {part.kind}, where the first file holds {parts[0].kind}")
        except RawError as error:
            return parts, error
        parts.append(part)
        if part.written < part.frames:
            break
    return parts, None


def _is_as_thought(part: FileFrames, source: FrameDataset, locks: Locks) -> bool:
    """Whether a file that was taken for like others is so."""
    try:
        seen = look(source, locks, with_offsets=True, lines=False)
    except RawError:
        return False
    return (seen.kind, seen.offsets, seen.written) == (part.kind, part.offsets, part.written)


def _virtual(parts: Sequence[FileFrames], names: EntryPaths, samples: dict[int, Value]) -> VirtualNode:
    dtype = parts[0].dtype
    node = VirtualNode(dtype.str, tuple(part.source(names) for part in parts), unlike_counts(dtype), samples)
    if parts[0].rank < FRAME_RANK:
        node.attributes["interpretation"] = np.asarray("spectrum")
    return node
