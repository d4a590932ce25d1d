"""Raw EDF files, uncompressed, of one frame or many: where each frame's bytes lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus.nodes import FRAME_RANK
from nxscribe.projections.nexus.raw.blocks import Layout
from nxscribe.projections.nexus.raw.frames import ListedOnlyError, NotYetError, RawError

if TYPE_CHECKING:
    from fabio.edfimage import EdfFrame, EdfImage

_ORDERS: Final = {"<": "<", ">": ">", "|": "="}


def look(path: str, size: int) -> Layout:
    """The layout of a file. Raises RawError, NotYetError for what is not whole."""
    with _opened(path) as image:
        frames = [image.get_frame(index) for index in range(image.nframes)]
        for frame in frames:
            _check(path, frame, size)
        kinds = {(frame.shape, _dtype(frame)) for frame in frames}
        if len(kinds) > 1:
            raise RawError(f"{path} holds frames of different sizes or types")
        shape, dtype = kinds.pop()
        return Layout(tuple(frame.start for frame in frames), shape, dtype)


def frames(path: str, indices: Sequence[int]) -> list[Value]:
    """Frames of a file as fabio reads them. Raises RawError."""
    with _opened(path) as image:
        if max(indices) >= image.nframes:
            raise NotYetError(f"{path} changed while it was looked at")
        return [np.asarray(image.get_frame(index).data) for index in indices]


def _check(path: str, frame: EdfFrame, file_size: int) -> None:
    compression = str(frame.header.get("Compression", "none")).lower()
    is_compressed = not compression.startswith("no")
    end = frame.start + (frame.blobsize if is_compressed else frame.size)
    if is_compressed and end > file_size:
        raise NotYetError(f"{path} is truncated: {file_size} bytes, where its header says {end}")
    if is_compressed:
        raise ListedOnlyError(f"{path} is compressed ({compression}): it can be listed only")
    if "EDF_BinaryFileName" in frame.header:
        raise ListedOnlyError(f"{path} keeps its data in another file: it can be listed only")
    if len(frame.shape) != FRAME_RANK:
        raise ListedOnlyError(f"{path} holds a block of {len(frame.shape)} dimensions: it can be listed only")
    if end > file_size:
        raise NotYetError(f"{path} is truncated: {file_size} bytes, where its header says {end}")


def _dtype(frame: EdfFrame) -> str:
    return str(np.dtype(frame.dtype).newbyteorder(_ORDERS[frame.byteorder]).str)


def _opened(path: str) -> EdfImage:
    try:
        from fabio.edfimage import EdfImage  # noqa: PLC0415 - an extra, and only for those who have EDF files
    except ImportError as error:
        raise RawError("EDF files need fabio: install nxscribe[raw]") from error
    try:
        return EdfImage().read(path)
    except Exception as error:
        raise NotYetError(f"{path} cannot be read: {error}") from error
