"""Raw files of numpy's own format, one frame or a stack of frames each (`numpy.save`; NEP 1, versions 1.0 to 3.0)."""

from __future__ import annotations

import ast
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib.format import descr_to_dtype

from nxscribe.model import Value
from nxscribe.projections.nexus.nodes import FRAME_RANK
from nxscribe.projections.nexus.raw._contiguous_format import ContiguousFormat, FrameLayout
from nxscribe.projections.nexus.raw.frames import ListedOnlyError, NotYetError, RawError, misread, unreadable

_MAGIC: Final = b"\x93NUMPY"
_LENGTHS: Final = {1: "<H", 2: "<I", 3: "<I"}
"""How each version writes the length of its header."""
_MOST_HEADER: Final = 65536
"""Bytes; the header of an array of numbers has 128."""
_NUMBERS: Final = "biufc"
"""numpy's letters for the kinds of numbers that frames can have."""


class Npy(ContiguousFormat):
    """Arrays in C order, of two dimensions (one frame) or three (a stack), of any numeric type."""

    name = "npy"
    suffixes = (".npy",)
    media_type = "application/x-npy"

    def recognises(self, start: bytes) -> bool:
        """By its magic number."""
        return start.startswith(_MAGIC)

    def look(self, path: str, size: int) -> FrameLayout:
        """The layout of a file, by its header. Raises RawError."""
        offset, header = _header(path)
        try:
            dtype, shape = np.dtype(descr_to_dtype(header["descr"])), tuple(map(int, header["shape"]))
            is_fortran = bool(header["fortran_order"])
        except (KeyError, TypeError, ValueError) as error:
            raise RawError(f"{path} has no valid npy header: {error}") from error
        if dtype.hasobject:
            raise ListedOnlyError(
                f"{path} holds Python objects, which only Python can read, by pickle: save it as an array of numbers"
            )
        if dtype.kind not in _NUMBERS or dtype.shape:
            raise ListedOnlyError(f"{path} holds elements of the type {dtype}, where frames are numbers")
        if len(shape) not in {FRAME_RANK, FRAME_RANK + 1}:
            raise ListedOnlyError(
                f"{path} holds an array of {len(shape)} dimensions, {shape}: one frame has 2, a stack of frames 3"
            )
        if is_fortran and min(shape, default=0) > 1:
            raise ListedOnlyError(
                f"{path} is in Fortran order, in which no frame lies as HDF5 has it: save it by "
                "`numpy.save(file, numpy.ascontiguousarray(frames))`"
            )
        count, frame = (shape[0], shape[1:]) if len(shape) > FRAME_RANK else (1, shape)
        length = math.prod(frame) * dtype.itemsize
        if not count:
            raise NotYetError(f"{path} holds no frames yet")
        if (end := offset + count * length) > size:
            raise NotYetError(f"{path} is truncated: {size} bytes, where its header says {end}")
        return FrameLayout(tuple(offset + index * length for index in range(count)), frame, dtype.str)

    def frames(self, path: str, indices: Sequence[int]) -> list[Value]:
        """Frames of a file as numpy reads them. Raises RawError."""
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            stack = array.reshape(-1, *array.shape[-FRAME_RANK:])
            return [np.array(stack[index]) for index in indices]
        except (OSError, ValueError, IndexError) as error:
            raise misread(path, error) from error


def _header(path: str) -> tuple[int, dict[str, Any]]:
    """Where the numbers begin, and what the header says of them. Raises RawError."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(len(_MAGIC) + 2)
            if not start.startswith(_MAGIC) or len(start) < len(_MAGIC) + 2:
                raise NotYetError(f"{path} is not an npy file, or its header is not yet there")
            form = _LENGTHS.get(start[len(_MAGIC)])
            if form is None:
                version = ".".join(map(str, start[len(_MAGIC) :]))
                raise RawError(f"{path} is of version {version} of the npy format, where 1.0 to 3.0 are known")
            (length,) = struct.unpack(form, file.read(struct.calcsize(form)).ljust(struct.calcsize(form), b"\0"))
            if length > _MOST_HEADER:
                raise RawError(f"{path} has an npy header of {length} bytes: it is damaged")
            text = file.read(length)
            if len(text) < length or not text.strip():
                raise NotYetError(f"{path} ends within its header")
            header = ast.literal_eval(text.decode("utf-8" if form == _LENGTHS[3] else "latin-1"))
            return file.tell(), dict(header)
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise RawError(f"{path} has no valid npy header: {error}") from error


FORMAT: Final = Npy()
