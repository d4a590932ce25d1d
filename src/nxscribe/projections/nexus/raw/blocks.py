"""Frames of formats that store them as they are: what the file of every such format has in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus.raw import outside
from nxscribe.projections.nexus.raw.folder import Sizes
from nxscribe.projections.nexus.raw.frames import Frames, NotYetError, RawError, doubt_about, never_written
from nxscribe.projections.nexus.raw.holes import holes_of
from nxscribe.projections.nexus.raw.names import Names
from nxscribe.projections.nexus.raw.outside import Block, Stack


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the frames lie in a file, and what they are."""

    offsets: tuple[int, ...]
    shape: tuple[int, ...]
    """Of one frame."""
    dtype: str
    """In numpy's form, byte order included: `>u2`."""


class Format(Protocol):
    """A format whose frames lie in the file as they are in memory, or in the other byte order."""

    def look(self, path: str, size: int) -> Layout:
        """The layout of a file of `size` bytes, by its headers. Raises RawError, NotYetError for what is not whole."""

    def frames(self, path: str, indices: Sequence[int]) -> list[Value]:
        """Frames of a file, by index, as the format's own library reads them. Raises RawError."""


class _CutShortError(NotYetError):
    """A file of which only the first frames were written."""

    def __init__(self, path: str, layout: Layout) -> None:
        """`layout` has those frames."""
        super().__init__(str(never_written(path, len(layout.offsets))))
        self.layout = layout


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen of a series of files."""

    layouts: list[Layout]
    """Of the files that have frames to show; the last may have fewer than its headers say."""
    spoiled: RawError | None = None
    """What is wrong with the first file that is not whole."""

    @property
    def whole(self) -> int:
        """How many of the layouts are those of whole files."""
        return len(self.layouts) - (isinstance(self.spoiled, _CutShortError))


def link(file_format: Format, detector: str, paths: Sequence[str], names: Names) -> Frames:
    """The frames of all files up to the first that is not whole. Raises RawError where that is the first of all."""
    sizes = Sizes(paths)
    look = _look_at(file_format, paths, sizes, trust_size=True)
    if not look.layouts:
        raise look.spoiled or RawError("no files")
    if look.whole > 1 and not _is_as_thought(file_format, paths[look.whole - 1], sizes, look.layouts[look.whole - 1]):
        look = _look_at(file_format, paths, sizes, trust_size=False)
    layouts = look.layouts
    blocks = [Block(path, offset) for path, layout in zip(paths, layouts, strict=False) for offset in layout.offsets]
    last, ends = paths[len(layouts) - 1], [0, len(layouts[-1].offsets) - 1]
    one, other = (
        file_format.frames(last, ends)
        if len(layouts) == 1
        else (*file_format.frames(paths[0], ends[:1]), *file_format.frames(last, ends[1:]))
    )
    stack = Stack(blocks, layouts[0].shape, layouts[0].dtype, {0: one, len(blocks) - 1: other})
    counts = [len(layout.offsets) for layout in layouts[: look.whole]]
    doubt = doubt_about(last, other) if len(blocks) > 1 else ""
    return replace(outside.store(detector, stack, names, counts, look.spoiled), doubt=doubt)


def _look_at(file_format: Format, paths: Sequence[str], sizes: Sizes, *, trust_size: bool) -> _Look:
    """The layouts of the files up to the first that is not whole, and what is wrong with that.

    Files of one size share their layout, if that is to be trusted: a header that was longer, or frames that were
    larger, would show in the size. So of 10,000 files few are opened.
    """
    known: dict[int, Layout] = {}
    layouts: list[Layout] = []
    for path in paths:
        try:
            size = sizes.of(path)
            layout = known.get(size) if trust_size else None
            if layout is None:
                layout = known[size] = _layout(file_format, path, size)
                _check_same(path, layout, (layouts or [layout])[0])
                _check_written(path, layout)
                sizes.found_written(path)
            elif sizes.may_have_holes(path):
                _check_written(path, layout)
        except _CutShortError as error:
            return _Look([*layouts, error.layout], error)
        except RawError as error:
            return _Look(layouts, error)
        layouts.append(layout)
    return _Look(layouts)


def _is_as_thought(file_format: Format, path: str, sizes: Sizes, layout: Layout) -> bool:
    """Whether a file that was taken for like others is so."""
    try:
        _check_written(path, layout)
        return _layout(file_format, path, sizes.of(path)) == layout
    except RawError:
        return False


def _layout(file_format: Format, path: str, size: int) -> Layout:
    """The layout of a file of `size` bytes, by its headers. Raises RawError."""
    if not size:
        raise NotYetError(f"{path} is empty")
    return file_format.look(path, size)


def _check_written(path: str, layout: Layout) -> None:
    length = math.prod(layout.shape) * np.dtype(layout.dtype).itemsize
    there = holes_of(path).first_frame(layout.offsets, length)
    if there == 0:
        raise never_written(path, 0)
    if there:
        raise _CutShortError(path, replace(layout, offsets=layout.offsets[:there]))


def _check_same(path: str, layout: Layout, first: Layout) -> None:
    if (layout.shape, layout.dtype) != (first.shape, first.dtype):
        kinds = [f"{one.dtype} frames of {one.shape}" for one in (layout, first)]
        raise RawError(f"{path} holds {kinds[0]}, where the first file holds {kinds[1]}")
