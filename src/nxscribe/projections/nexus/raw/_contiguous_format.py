"""The base class of formats that store frames without compression, as they are in memory."""

from __future__ import annotations

import contextlib
import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus.raw import _external_storage as external_storage
from nxscribe.projections.nexus.raw._choice import Sought
from nxscribe.projections.nexus.raw._external_storage import Block, Stack
from nxscribe.projections.nexus.raw._folder import Sizes
from nxscribe.projections.nexus.raw._holes import holes_of
from nxscribe.projections.nexus.raw._raw_format import DetectorSeries, RawFormat
from nxscribe.projections.nexus.raw.entry_paths import EntryPaths
from nxscribe.projections.nexus.raw.frames import (
    Frames,
    ListedOnlyError,
    NotYetError,
    RawError,
    doubt_about,
    never_written,
)

_MANY: Final = 100
"""If there are more files, those of equal size are assumed to have the same layout."""
_SAMPLED: Final = 8
"""How many of the files with an assumed layout are checked, evenly distributed."""


@dataclass(frozen=True, slots=True)
class FrameLayout:
    """The positions, the shape and the type of the frames in a file."""

    offsets: tuple[int, ...]
    shape: tuple[int, ...]
    """The shape of one frame."""
    dtype: str
    """The numpy type, with the byte order: `>u2`."""
    cut: str = ""
    """Why the file should contain more, if it ends within a frame or a header; otherwise empty."""
    remark: str = ""
    """What the file contains in addition and is not shown; empty if there is nothing."""


class ContiguousFormat(RawFormat):
    """A format whose frames are in the file as they are in memory, in either byte order.

    Their bytes are copied, or HDF5 reads them from the raw file. A subclass gives their positions.
    """

    @abstractmethod
    def look(self, path: str, size: int) -> FrameLayout:
        """Read the layout of a file of `size` bytes from its headers.

        Raises RawError, NotYetError if no frame is complete, and ListedOnlyError if frames are stored in another way.
        """

    @abstractmethod
    def frames(self, path: str, indices: Sequence[int]) -> list[Value]:
        """Frames of a file, by index, as the library of the format reads them. Raises RawError."""

    def check(self, path: str, size: int) -> None:
        """Check by its layout that a file is complete."""
        with contextlib.suppress(ListedOnlyError):  # it is whole
            self.look(path, size)

    def series(self, paths: Sequence[str], sought: Sought) -> DetectorSeries:  # noqa: ARG002 - the protocol has more than this format needs
        """The named files: files of such a format do not link to others."""
        return _ContiguousSeries(self, tuple(paths))


@dataclass(frozen=True, slots=True)
class _ContiguousSeries:
    file_format: ContiguousFormat
    files: tuple[str, ...]

    def link(self, detector: str, names: EntryPaths, asked: int | None) -> Frames:  # noqa: ARG002 - the protocol has more than this format needs
        return link(self.file_format, detector, self.files, names)


class _CutShortError(NotYetError):
    """A file of which only the first frames were written."""

    def __init__(self, layout: FrameLayout, why: str) -> None:
        """`layout` has those frames."""
        super().__init__(why)
        self.layout = layout


@dataclass(frozen=True, slots=True)
class _SeriesLook:
    """What was seen of a series of files."""

    layouts: list[FrameLayout]
    """Of the files that have frames to show; the last may have fewer than its headers say."""
    spoiled: RawError | None = None
    """What is wrong with the first file that is not whole."""

    @property
    def whole(self) -> int:
        """How many of the layouts are those of whole files."""
        return len(self.layouts) - (isinstance(self.spoiled, _CutShortError))


def link(file_format: ContiguousFormat, detector: str, paths: Sequence[str], names: EntryPaths) -> Frames:
    """The frames of all files up to the first that is not whole. Raises RawError where that is the first of all."""
    sizes = Sizes(paths)
    look = _look_at(file_format, paths, sizes, trust_size=len(paths) > _MANY)
    if not look.layouts:
        raise look.spoiled or RawError("no files")
    if len(paths) > _MANY and not _are_as_thought(file_format, paths, sizes, look):
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
    remarks = tuple(filter(None, (layouts[0].remark,)))
    return replace(external_storage.store(detector, stack, names, counts, look.spoiled), doubt=doubt, remarks=remarks)


def _look_at(file_format: ContiguousFormat, paths: Sequence[str], sizes: Sizes, *, trust_size: bool) -> _SeriesLook:
    """The layouts of the files up to the first that is not whole, and what is wrong with that.

    Files of one size share their layout, if that is to be trusted: a header that was longer, or frames that were
    larger, would show in the size. So of 10,000 files few are opened; another type or byte order would not show.
    """
    known: dict[int, FrameLayout] = {}
    layouts: list[FrameLayout] = []
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
            return _SeriesLook([*layouts, error.layout], error)
        except RawError as error:
            return _SeriesLook(layouts, error)
        layouts.append(layout)
    return _SeriesLook(layouts)


def _are_as_thought(file_format: ContiguousFormat, paths: Sequence[str], sizes: Sizes, look: _SeriesLook) -> bool:
    """Whether files that were taken for like others are so, as far as a sample tells: the last is in it."""
    if not look.whole:
        return True
    sample = {look.whole - 1 - index for index in range(0, look.whole, max(look.whole // _SAMPLED, 1))}
    try:
        for index in sample:
            _check_written(paths[index], look.layouts[index])
            if _layout(file_format, paths[index], sizes.of(paths[index])) != look.layouts[index]:
                return False
    except RawError:
        return False
    return True


def _layout(file_format: ContiguousFormat, path: str, size: int) -> FrameLayout:
    """The layout of a file of `size` bytes, by its headers. Raises RawError."""
    if not size:
        raise NotYetError(f"{path} is empty")
    layout = file_format.look(path, size)
    if min(layout.shape, default=1) < 1 or min(layout.offsets, default=0) < 0:
        raise RawError(f"{path}: its header says frames of {layout.shape}, which cannot be")
    if layout.cut:
        _check_written(path, layout)
        raise _CutShortError(layout, layout.cut)
    return layout


def _check_written(path: str, layout: FrameLayout) -> None:
    length = math.prod(layout.shape) * np.dtype(layout.dtype).itemsize
    there = holes_of(path).first_frame(layout.offsets, length)
    if there == 0:
        raise never_written(path, 0)
    if there:
        raise _CutShortError(replace(layout, offsets=layout.offsets[:there]), str(never_written(path, there)))


def _check_same(path: str, layout: FrameLayout, first: FrameLayout) -> None:
    if (layout.shape, layout.dtype) != (first.shape, first.dtype):
        kinds = [f"{one.dtype} frames of {one.shape}" for one in (layout, first)]
        raise RawError(f"{path} holds {kinds[0]}, where the first file holds {kinds[1]}")
