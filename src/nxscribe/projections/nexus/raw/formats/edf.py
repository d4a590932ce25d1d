"""Raw EDF files, uncompressed, of one frame or many: where each frame's bytes lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus.nodes import FRAME_RANK
from nxscribe.projections.nexus.raw._contiguous_format import ContiguousFormat, FrameLayout
from nxscribe.projections.nexus.raw.frames import ListedOnlyError, NotYetError, RawError, misread, unreadable

if TYPE_CHECKING:
    from fabio.edfimage import EdfFrame, EdfImage

_IMAGES: Final = frozenset({"", "psd"})
"""What EDF_DataBlockID ends with for images, and if there is no such header."""
_HEADER: Final = 4096
"""Bytes behind the last block that are looked at."""
_ORDERS: Final = {"<": "<", ">": ">", "|": "="}


class Edf(ContiguousFormat):
    """ESRF data files, as fabio reads them."""

    name = "EDF"
    suffixes = (".edf", ".ehf")
    media_type = "image/x-edf"

    def recognises(self, start: bytes) -> bool:
        """A header in braces that has a dimension: other text formats begin with a brace too."""
        return start.lstrip().startswith(b"{") and b"dim_1" in start.lower()

    def look(self, path: str, size: int) -> FrameLayout:
        """The layout of a file, as far as it is whole. Raises RawError, NotYetError for one that has no whole frame."""
        with _opened(path) as image:
            images, others = _images(path, image)
            whole: list[EdfFrame] = []
            cut = ""
            for frame in images:
                try:
                    _check(path, frame, size)
                except _TruncatedError as error:
                    if not whole:
                        raise
                    cut = str(error)
                    break
                whole.append(frame)
            if not cut and image.incomplete_file:
                cut = _tail(path, max(frame.start + frame.blobsize for frame in [*images, *others]))
            kinds = {(frame.shape, _dtype(path, frame)) for frame in whole}
            if len(kinds) > 1:
                raise RawError(f"{path} holds frames of different sizes or types")
            shape, dtype = kinds.pop()
            remark = f"blocks that are not images, such as {_block(others[0])}, are not shown" if others else ""
            return FrameLayout(tuple(frame.start for frame in whole), shape, dtype, cut, remark)

    def frames(self, path: str, indices: Sequence[int]) -> list[Value]:
        """Frames of a file as fabio reads them. Raises RawError."""
        with _opened(path) as image:
            images, _ = _images(path, image)
            if max(indices) >= len(images):
                raise NotYetError(f"{path} changed while it was looked at")
            return [np.asarray(images[index].data) for index in indices]


class _TruncatedError(NotYetError):
    """A frame goes beyond the end of its file."""


def _images(path: str, image: EdfImage) -> tuple[list[EdfFrame], list[EdfFrame]]:
    """The blocks that are images, and the others, such as their variances: `2.Image.Error` beside `2.Image.Psd`."""
    every = [image.get_frame(index) for index in range(image.nframes)]
    others = [frame for frame in every if _block(frame).rpartition(".")[2].lower() not in _IMAGES]
    images = [frame for frame in every if frame not in others]
    if not images:
        raise ListedOnlyError(f"{path} holds no image, but blocks such as {_block(others[0])}: it can be listed only")
    return images, others


def _block(frame: EdfFrame) -> str:
    """What a block is called: its number, its class, and what it holds."""
    return str(frame.header.get("EDF_DataBlockID", ""))


def _tail(path: str, end: int) -> str:
    """Why a file that has more bytes than those of its blocks, which end there, is to have another frame."""
    try:
        with Path(path).open("rb") as file:
            file.seek(end)
            rest = file.read(_HEADER)
    except OSError as error:
        raise unreadable(path, error) from error
    return f"{path} ends within the header of a frame" if b"{" in rest else ""


def _check(path: str, frame: EdfFrame, file_size: int) -> None:
    compression = str(frame.header.get("Compression", "none")).lower()
    is_compressed = not compression.startswith("no")
    end = frame.start + (frame.blobsize if is_compressed else frame.size)
    if is_compressed and end > file_size:
        raise _TruncatedError(f"{path} is truncated: {file_size} bytes, where its header says {end}")
    if is_compressed:
        raise ListedOnlyError(f"{path} is compressed ({compression}): it can be listed only")
    if "EDF_BinaryFileName" in frame.header:
        raise ListedOnlyError(f"{path} keeps its data in another file: it can be listed only")
    if len(frame.shape) != FRAME_RANK:
        raise ListedOnlyError(f"{path} holds a block of {len(frame.shape)} dimensions: it can be listed only")
    if frame.blobsize < frame.size:
        # fabio reads as far as Size says, and gives zeros after it; HDF5 reads on.
        what = f"Size = {frame.blobsize} bytes for pixels that take {frame.size} bytes"
        raise RawError(f"{path}: its header says {what}")
    if end > file_size:
        raise _TruncatedError(f"{path} is truncated: {file_size} bytes, where its header says {end}")


def _dtype(path: str, frame: EdfFrame) -> str:
    """In numpy's form. Raises RawError where the header does not tell it: fabio would guess."""
    said = {key.lower(): str(value) for key, value in frame.header.items()}
    if "datatype" not in said:
        raise RawError(f"{path}: its header has no DataType")
    if frame.dtype.itemsize > 1 and not any(order in said.get("byteorder", "") for order in ("Low", "High")):
        what = f"ByteOrder = {said.get('byteorder', '')}"
        raise RawError(f"{path}: its header says {what}, where LowByteFirst or HighByteFirst is known")
    return str(np.dtype(frame.dtype).newbyteorder(_ORDERS.get(frame.byteorder, "=")).str)


def _opened(path: str) -> EdfImage:
    from fabio.edfimage import EdfImage  # noqa: PLC0415 - slow to import, and only for those who have EDF files

    try:
        return EdfImage().read(path)
    except KeyError as error:
        # fabio looks a header's keys and values up as they are.
        known = f"no {error.args[0]}, or a value that is not known"
        if str(error.args[0]).upper() == "BYTEORDER":
            known = "no ByteOrder"
        elif str(error.args[0]).upper() != error.args[0]:
            known = f"DataType = {error.args[0]}, which is not known (its letters' case counts)"
        raise RawError(
            f"{path}: its header has {known}: the order or the type of its numbers cannot be told"
        ) from error
    except Exception as error:
        raise misread(path, error) from error


FORMAT: Final = Edf()
