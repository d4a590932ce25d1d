"""The frames of one raw HDF5 file: their shape, how many are written, where their bytes are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus.nodes import FRAME_RANK, FrameSource
from nxscribe.projections.nexus.raw._frame_datasets import FrameDataset
from nxscribe.projections.nexus.raw._hdf5_file import Locks, opened, whole
from nxscribe.projections.nexus.raw.entry_paths import EntryPaths
from nxscribe.projections.nexus.raw.frames import NotYetError, RawError
from nxscribe.projections.nexus.raw.survey import Survey, survey

_NUMBERS: Final = frozenset("biufc")
"""The kinds of numpy's types that frames have."""


@dataclass(frozen=True, slots=True)
class FileFrames:
    """The frames of one file."""

    path: str
    dataset: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    rank: int
    """Dimensions of one frame: 2 for an image, 1 for a line of a strip detector or an MCA, 3 for the images of several
    channels. Where the dataset has no more than these it is one frame."""
    written: int
    """How many of its frames are shown, from the first on."""
    short: str
    """Why it may still get more."""
    meaning: str = ""
    """NeXus's `@interpretation`: `image`, `spectrum` or nothing."""
    offsets: tuple[int, ...] = ()
    """Where each frame's bytes begin, if it was asked for and they lie in the file as they are in memory."""
    gaps: frozenset[int] = frozenset()
    """Those of the frames shown that are not there."""
    lacking: str = ""
    """Which frames are not there, and why; empty where only the last ones of a dataset that is not virtual are not."""
    remarks: tuple[str, ...] = ()
    """What is to be said of a virtual dataset's sources."""
    grows: bool = False
    """Whether it is a virtual dataset without a limit: HDF5 knows its length only when it is opened by itself."""
    behind: int = 0
    """How many other files a virtual dataset shows frames of."""

    @property
    def is_stack(self) -> bool:
        """Whether the dataset has a dimension for the frames."""
        return len(self.shape) > self.rank

    @property
    def frames(self) -> int:
        """How many it is to have."""
        return self.shape[0] if self.is_stack else 1

    @property
    def frame(self) -> tuple[int, ...]:
        """The shape of one."""
        return self.shape[len(self.shape) - self.rank :]

    @property
    def is_as_shown(self) -> bool:
        """Whether the dataset has no dimension that is not shown: one of a single channel."""
        return len(self.shape) <= self.rank + 1

    @property
    def kind(self) -> str:
        """What all files of a series have in common."""
        return f"{self.dtype} frames of {self.frame}"

    def source(self, names: EntryPaths) -> FrameSource:
        """As a source of a virtual dataset."""
        return FrameSource(
            names.from_container(self.path), self.dataset, self.shape, self.written, self.rank, self.gaps
        )


def look(source: FrameDataset, locks: Locks, *, with_offsets: bool, lines: bool) -> FileFrames:
    """The frames of a file that is there and, as HDF5 checks at opening, not truncated. Raises RawError."""
    short = whole(source.path, locks)
    with opened(source.path) as file:
        frames = file[source.dataset]
        if not frames.size:
            raise NotYetError(f"{source.path} holds no frames yet")
        if frames.dtype.kind not in _NUMBERS:
            kind = "texts" if h5py.check_string_dtype(frames.dtype) else f"elements of the type {frames.dtype}"
            raise RawError(f"{source.path}: {frames.name} holds {kind}, where frames are numbers")
        rank = _rank(source.path, frames, lines=lines)
        seen = survey(frames, Path(source.path), rank)
        part = FileFrames(
            source.path,
            frames.name,
            frames.shape,
            frames.dtype,
            rank,
            seen.before_gap,
            short,
            _meaning(frames),
            tuple(_offsets(frames, rank)) if with_offsets else (),
        )
        if frames.is_virtual:
            return _with_gaps(part, seen, grows=None in frames.maxshape)
        # One that is written from its beginning on has all that is absent at its end, and says so by `written` alone.
        return _with_gaps(part, seen, grows=False) if seen.has_gap else part


def _with_gaps(part: FileFrames, seen: Survey, *, grows: bool) -> FileFrames:
    """A dataset up to its last frame that is there: a virtual one may show the frames of several files in turn.

    Raises NotYetError where none is.
    """
    there = [index for index in range(seen.count) if index not in seen.absent]
    lacking = f"{part.path}: {seen.told}" if seen.absent else ""
    if not there:
        raise NotYetError(lacking)
    remarks = tuple(f"{part.path}: {remark}" for remark in seen.remarks)
    written = seen.count if grows else there[-1] + 1
    gaps = frozenset(index for index in seen.absent if index < written)
    return replace(part, written=written, gaps=gaps, lacking=lacking, remarks=remarks, grows=grows, behind=seen.files)


def _rank(path: str, frames: h5py.Dataset, *, lines: bool) -> int:
    """How many dimensions a frame has. Raises RawError for a dataset that does not contain frames."""
    if 0 < frames.ndim <= FRAME_RANK:
        return int(frames.ndim) - lines
    if all(length == 1 for length in frames.shape[1:-FRAME_RANK]) and frames.ndim:
        return FRAME_RANK
    if frames.ndim == FRAME_RANK + 2:
        return FRAME_RANK + 1
    raise RawError(
        f"{path}: {frames.name} has {frames.ndim} dimensions, {' x '.join(map(str, frames.shape))}, where frames, "
        "channels, rows and columns are known"
    )


def _meaning(frames: h5py.Dataset) -> str:
    value = frames.attrs.get("interpretation", "")
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    return text if text in {"image", "spectrum"} else ""


def _offsets(frames: h5py.Dataset, rank: int) -> Iterator[int]:
    """Where each frame's bytes begin in the file. Nothing where they are compressed, or a chunk is not one frame."""
    is_stack = frames.ndim > rank
    frame = frames.shape[1:] if is_stack else frames.shape
    size = frames.dtype.itemsize * int(np.prod(frame))
    count = frames.shape[0] if is_stack else 1
    if frames.is_virtual or frames.external or frames.id.get_create_plist().get_nfilters():
        return
    if frames.chunks is None:
        if (start := frames.id.get_offset()) is not None:
            yield from range(start, start + count * size, size)
    elif frames.chunks == ((1, *frame) if is_stack else frame):
        origin = (0,) * len(frame)
        for index in range(count):
            yield frames.id.get_chunk_info_by_coord((index, *origin) if is_stack else origin).byte_offset


def read(part: FileFrames, index: int) -> Value:
    """One frame. Raises RawError where it cannot be decoded."""
    with opened(part.path) as file:
        frames = file[part.dataset]
        return np.asarray(frames[index] if part.is_stack else frames[()]).reshape(part.frame)
