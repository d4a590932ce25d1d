"""Raw TIFF files, uncompressed, of one frame or many: where each frame's bytes lie."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus.nodes import FRAME_RANK
from nxscribe.projections.nexus.raw.blocks import Layout
from nxscribe.projections.nexus.raw.frames import ListedOnlyError, NotYetError, RawError

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_UNCOMPRESSED: Final = 1
"""Of the tag Compression (TIFF 6.0, section 3)."""


def look(path: str, size: int) -> Layout:
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
        kinds = {(page.shape, page.dtype) for page in pages}
        if len(kinds) > 1:
            raise RawError(f"{path} holds frames of different sizes or types")
        offsets = tuple(_offset(path, page) for page in pages)
        shape, dtype = pages[0].shape, np.dtype(pages[0].dtype)
        length = math.prod(shape) * dtype.itemsize
        if file.is_imagej and len(pages) == 1:
            # ImageJ writes one directory for a stack beyond 4 GB, and the number of images into its description.
            count = int((file.imagej_metadata or {}).get("images", 1))
            offsets = tuple(offsets[0] + index * length for index in range(count))
        if (end := max(offsets) + length) > size:
            raise NotYetError(f"{path} is truncated: {size} bytes, where its directory says {end}")
        return Layout(offsets, shape, dtype.newbyteorder(file.byteorder).str)


def frames(path: str, indices: Sequence[int]) -> list[Value]:
    """Frames of a file as tifffile reads them. Raises RawError."""
    with _opened(path) as file:
        if len(file.pages) > 1 or max(indices) == 0:
            return [np.asarray(file.pages[index].asarray()) for index in indices]
        images = file.asarray()
        return [np.asarray(images[index]) for index in indices]


def _pages(file: TiffFile) -> list[TiffPage]:
    """One for each frame, but for the stacks of ImageJ. Each has tags of its own."""
    return [cast("TiffPage", page) for page in file.pages]


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
    try:
        from tifffile import TiffFile  # noqa: PLC0415 - an extra, and only for those who have TIFF files
    except ImportError as error:
        raise RawError("TIFF files need tifffile: install nxscribe[raw]") from error
    try:
        with TiffFile(path) as file:
            yield file
    except RawError:
        raise
    except Exception as error:
        raise NotYetError(f"{path} cannot be read: {error}") from error
