"""Raw EDF files, uncompressed, of one frame or many: where each frame's bytes lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus.nodes import FRAME_RANK
from nxscribe.projections.nexus.raw import outside
from nxscribe.projections.nexus.raw.frames import Frames, RawError, size_of
from nxscribe.projections.nexus.raw.names import Names
from nxscribe.projections.nexus.raw.outside import Block, Stack

if TYPE_CHECKING:
    from fabio.edfimage import EdfFrame, EdfImage

_ORDERS: Final = {"<": "<", ">": ">", "|": "="}


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the frames lie in a file, and what they are."""

    offsets: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: str


def link(detector: str, paths: Sequence[Path], names: Names) -> Frames:
    """The frames of EDF files, up to the first that is not whole. Raises RawError where that is the first of all."""
    whole, spoiled = _layouts(paths, trust_size=True)
    if not whole:
        raise RawError(spoiled)
    last = paths[len(whole) - 1]
    if _look(last, size_of(last)) != whole[-1]:
        whole, spoiled = _layouts(paths, trust_size=False)
    blocks = [Block(path, offset) for path, layout in zip(paths, whole, strict=False) for offset in layout.offsets]
    samples = {0: _frame(blocks[0]), len(blocks) - 1: _frame(blocks[-1])}
    stack = Stack(blocks, whole[0].shape, whole[0].dtype, samples)
    return outside.store(detector, stack, names, len(whole), spoiled)


def _layouts(paths: Sequence[Path], *, trust_size: bool) -> tuple[list[_Layout], str]:
    """The layouts of the files up to the first that is not whole, and what is wrong with that.

    Files of one size share their layout, if that is to be trusted: a header that was longer, or frames that were
    larger, would show in the size. So of 10,000 files few are opened.
    """
    known: dict[int, _Layout] = {}
    whole: list[_Layout] = []
    for path in paths:
        try:
            size = size_of(path)
            layout = known.get(size) if trust_size else None
            if layout is None:
                layout = known[size] = _look(path, size)
            _check_same(path, layout, (whole or [layout])[0])
        except RawError as error:
            return whole, str(error)
        whole.append(layout)
    return whole, ""


def _look(path: Path, size: int) -> _Layout:
    with _opened(path) as image:
        frames = [image.get_frame(index) for index in range(image.nframes)]
        for frame in frames:
            _check(path, frame, size)
        kinds = {(frame.shape, _dtype(frame)) for frame in frames}
        if len(kinds) > 1:
            raise RawError(f"{path} holds frames of different sizes or types")
        shape, dtype = kinds.pop()
        return _Layout(tuple(frame.start for frame in frames), shape, dtype)


def _check(path: Path, frame: EdfFrame, file_size: int) -> None:
    compression = str(frame.header.get("Compression", "none")).lower()
    if not compression.startswith("no"):
        raise RawError(f"{path} is compressed ({compression}): it can be listed only")
    if "EDF_BinaryFileName" in frame.header:
        raise RawError(f"{path} keeps its data in another file: it can be listed only")
    if len(frame.shape) != FRAME_RANK:
        raise RawError(f"{path} holds a block of {len(frame.shape)} dimensions: it can be listed only")
    if frame.start + frame.size > file_size:
        raise RawError(f"{path} is truncated: {file_size} bytes, where its header says {frame.start + frame.size}")


def _check_same(path: Path, layout: _Layout, first: _Layout) -> None:
    if (layout.shape, layout.dtype) != (first.shape, first.dtype):
        kinds = [f"{one.dtype} frames of {one.shape}" for one in (layout, first)]
        raise RawError(f"{path} holds {kinds[0]}, where the first file holds {kinds[1]}")


def _frame(block: Block) -> Value:
    with _opened(block.path) as image:
        for index in range(image.nframes):
            frame = image.get_frame(index)
            if frame.start == block.offset:
                return np.asarray(frame.data)
    raise RawError(f"{block.path} changed while it was looked at")


def _dtype(frame: EdfFrame) -> str:
    return str(np.dtype(frame.dtype).newbyteorder(_ORDERS[frame.byteorder]).str)


def _opened(path: Path) -> EdfImage:
    try:
        from fabio.edfimage import EdfImage  # noqa: PLC0415 - an extra, and only for those who have EDF files
    except ImportError as error:
        raise RawError("EDF files need fabio: install nxscribe[raw]") from error
    try:
        return EdfImage().read(str(path))
    except Exception as error:
        raise RawError(f"{path} cannot be read: {error}") from error
