"""Raw TIFF files, uncompressed, of one frame or many: where each frame's bytes lie."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus.nodes import FRAME_RANK
from nxscribe.projections.nexus.raw._contiguous_format import ContiguousFormat, FrameLayout
from nxscribe.projections.nexus.raw.frames import ListedOnlyError, NotYetError, RawError, misread

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_SIGNATURES: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""Of TIFF and BigTIFF, in both byte orders."""
_UNCOMPRESSED: Final = 1
"""Of the tag Compression (TIFF 6.0, section 3)."""


class Tiff(ContiguousFormat):
    """TIFF and BigTIFF files, as tifffile reads them."""

    name = "TIFF"
    suffixes = (".tif", ".tiff")
    media_type = "image/tiff"

    def recognises(self, start: bytes) -> bool:
        """By its magic number."""
        return start.startswith(_SIGNATURES)

    def look(self, path: str, size: int) -> FrameLayout:
        """The layout of a file. Raises RawError, NotYetError for what is not whole."""
        with _opened(path) as file:
            pages = _pages(file)
            if not pages:
                raise NotYetError(f"{path} holds no frames yet")
            ends = [
                start + length
                for page in pages
                for start, length in zip(page.dataoffsets, page.databytecounts, strict=True)
            ]
            if (end := max(ends, default=0)) > size:
                raise NotYetError(f"{path} is truncated: {size} bytes, where its directory says {end}")
            kinds = list(dict.fromkeys((page.shape, page.dtype) for page in pages))
            if len(kinds) > 1:
                told = " and ".join(f"{dtype} of {shape}" for shape, dtype in kinds[:3])
                raise RawError(f"{path} holds pages of different sizes or types: {told}")
            offsets = tuple(_offset(path, page) for page in pages)
            shape, dtype = pages[0].shape, np.dtype(pages[0].dtype)
            length = math.prod(shape) * dtype.itemsize
            if len(pages) == 1:
                offsets = tuple(offsets[0] + index * length for index in range(_stacked(path, file, pages[0])))
            if (end := max(offsets) + length) > size:
                raise NotYetError(f"{path} is truncated: {size} bytes, where its directory says {end}")
            return FrameLayout(offsets, shape, dtype.newbyteorder(file.byteorder).str)

    def frames(self, path: str, indices: Sequence[int]) -> list[Value]:
        """Frames of a file as tifffile reads them. Raises RawError."""
        from tifffile import memmap  # noqa: PLC0415 - slow to import, and only for those who have TIFF files

        with _opened(path) as file:
            pages = _pages(file)
            if len(pages) > 1 or max(indices) == 0:
                return [np.asarray(pages[index].asarray()) for index in indices]
            images = memmap(path, series=0, mode="r").reshape(-1, *pages[0].shape)
            return [np.array(images[index]) for index in indices]


def _pages(file: TiffFile) -> list[TiffPage]:
    """Those of full resolution, each with tags of its own: one for each frame, or one for a stack of them.

    Previews and masks say what they are (NewSubfileType; TIFF 6.0, section 8), or are in directories below.
    """
    pages = [cast("TiffPage", page) for page in file.pages]
    return [page for page in pages if not page.is_reduced and not page.is_mask]


def _stacked(path: str, file: TiffFile, page: TiffPage) -> int:
    """How many frames lie behind the only directory of a file: ImageJ, MetaMorph and tifffile write stacks so, and say
    their number in ways of their own.
    """
    series = file.series[0]
    if series.size == page.size or not page.size:
        return 1
    if series.dataoffset is None or series.size % page.size:
        raise ListedOnlyError(f"{path} is a stack of {series.shape}, whose frames are apart: it can be listed only")
    return int(series.size // page.size)


def _offset(path: str, page: TiffPage) -> int:
    if page.compression != _UNCOMPRESSED:
        raise ListedOnlyError(f"{path} is compressed ({page.compression!s}): it can be listed only")
    if len(page.shape) != FRAME_RANK or page.dtype is None or page.bitspersample != 8 * page.dtype.itemsize:
        raise ListedOnlyError(f"{path} holds {page.shape} of {page.bitspersample} bits: it can be listed only")
    starts, lengths = page.dataoffsets, page.databytecounts
    follow = (
        all(start + length == after for start, length, after in zip(starts, lengths, starts[1:], strict=False))
        and sum(lengths) == page.size * page.dtype.itemsize
    )
    if page.is_tiled or not follow:
        raise ListedOnlyError(f"{path} keeps a frame in pieces that are apart: it can be listed only")
    return int(starts[0])


@contextmanager
def _opened(path: str) -> Iterator[TiffFile]:
    from tifffile import TiffFile  # noqa: PLC0415 - only for those who have TIFF files

    try:
        with TiffFile(path) as file:
            yield file
    except RawError:
        raise
    except Exception as error:
        raise misread(path, error) from error


FORMAT: Final = Tiff()
