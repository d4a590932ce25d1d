"""The mappings of a virtual dataset: the sources of its frames, without reading any frame.

HDF5 knows four forms: fixed mappings, those without a limit (their length is the source's), series of files or datasets
by a number in their names (`%b`), and selections of any shape. (H5Pset_virtual)
"""

from __future__ import annotations

import ctypes
import functools
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import h5py
import numpy as np
import numpy.typing as npt

Indices: TypeAlias = npt.NDArray[np.int64]

_UNLIMITED: Final = 1 << 63
"""From here on a count means none: HDF5's own number for it has all bits set."""
_BLOCK: Final = re.compile(r"%([%b])")
"""What HDF5 replaces in the names of a virtual dataset."""


@dataclass(frozen=True, slots=True)
class Layers:
    """What a selection takes of a dataset, by the index along its first dimension, in the order of taking."""

    indices: Indices
    sizes: Indices
    """Elements at each index."""
    ends: tuple[int, ...]
    """Along each dimension, the first index after the selection."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """One part of a virtual dataset."""

    file: str
    """As HDF5 looks for it; `.` is the file of the virtual dataset itself."""
    dataset: str
    there: Layers
    """In the virtual dataset."""
    source: h5py.h5s.SpaceID
    """What is taken of the source."""


def names_in(dataset: h5py.Dataset) -> Iterator[tuple[str, str]]:
    """The names of all sources of a virtual dataset, file and dataset, without a look at what is taken of them."""
    creation = dataset.id.get_create_plist()
    for index in range(creation.get_virtual_count()):
        file, name = _names(creation, index)
        blocks = 1
        if _is_series(file, name):
            blocks = sum(1 for _ in _blocks(creation.get_virtual_vspace(index), dataset.shape))
        yield from ((in_block(file, block), in_block(name, block)) for block in range(blocks))


def _names(creation: h5py.h5p.PropDCID, index: int) -> tuple[str, str]:
    """The names of the file and the dataset of one source, as they are in the virtual dataset."""
    try:
        return creation.get_virtual_filename(index), creation.get_virtual_dsetname(index)
    except UnicodeDecodeError:
        # h5py 3.16 takes every name for UTF-8; the library gives the bytes.
        return _name(_library().H5Pget_virtual_filename, creation, index), _name(
            _library().H5Pget_virtual_dsetname, creation, index
        )


def _name(get: Callable[..., int], creation: h5py.h5p.PropDCID, index: int) -> str:
    number, place = ctypes.c_int64(creation.id), ctypes.c_size_t(index)
    with h5py._objects.phil:  # noqa: SLF001 - HDF5 is not to be called by two threads at once
        length = get(number, place, None, ctypes.c_size_t(0))
        text = ctypes.create_string_buffer(length + 1)
        get(number, place, text, ctypes.c_size_t(length + 1))
    return os.fsdecode(text.value)


@functools.cache
def _library() -> ctypes.CDLL:
    """The HDF5 library that h5py itself is linked to: symbols are looked for in what a module depends on too."""
    library = ctypes.CDLL(h5py.h5p.__file__)
    for function in (library.H5Pget_virtual_filename, library.H5Pget_virtual_dsetname):
        function.restype = ctypes.c_ssize_t
    return library


def _is_series(file: str, name: str) -> bool:
    """Whether the names of a source stand for those of a series by number."""
    return "%b" in f"{file}\n{name}".replace("%%", "")


def series_in(dataset: h5py.Dataset) -> Iterator[tuple[str, int]]:
    """The series of files by number that a virtual dataset has: the pattern of their names, and how many it shows.

    HDF5 ends the dataset before the first file that is not there.
    """
    creation = dataset.id.get_create_plist()
    for index in range(creation.get_virtual_count()):
        file, name = _names(creation, index)
        if _is_series(file, name):
            yield file, sum(1 for _ in _blocks(creation.get_virtual_vspace(index), dataset.shape))


def mappings(dataset: h5py.Dataset) -> Iterator[Mapping]:
    """All of a virtual dataset as it is now; one for each file of a series."""
    creation = dataset.id.get_create_plist()
    shape = dataset.shape
    for index in range(creation.get_virtual_count()):
        file, name = _names(creation, index)
        there, source = creation.get_virtual_vspace(index), creation.get_virtual_srcspace(index)
        if _is_series(file, name):
            for block, layers in enumerate(_blocks(there, shape)):
                yield Mapping(in_block(file, block), in_block(name, block), layers, source)
        else:
            yield Mapping(in_block(file, 0), in_block(name, 0), layers_of(there, shape), source)


def in_block(name: str, block: int) -> str:
    """The name of a virtual dataset's source for one block of a series. A plain `%` is written `%%`."""
    return _BLOCK.sub(lambda found: "%" if found[1] == "%" else str(block), name)


def layers_of(space: h5py.h5s.SpaceID, shape: Sequence[int]) -> Layers:
    """What a selection takes of a dataset; one without a limit ends with the dataset's shape."""
    kind = space.get_select_type()
    if kind == h5py.h5s.SEL_ALL:
        # A file keeps no shape with it.
        return _product(np.arange(shape[0]) if shape else None, [(length, length) for length in shape[1:]])
    if kind == h5py.h5s.SEL_HYPERSLABS and space.is_regular_hyperslab():
        first, *rest = zip(*space.get_regular_hyperslab(), shape, strict=True)
        return _product(_along(*first), [_extent(*axis) for axis in rest])
    if kind == h5py.h5s.SEL_HYPERSLABS:
        return _of_blocks(np.asarray(space.get_select_hyper_blocklist(), np.int64))
    if kind == h5py.h5s.SEL_POINTS:
        points = np.asarray(space.get_select_elem_pointlist(), np.int64)
        return _of_blocks(np.stack([points, points], axis=1))
    return Layers(np.empty(0, np.int64), np.empty(0, np.int64), (0,) * len(space.shape))


def _blocks(space: h5py.h5s.SpaceID, shape: Sequence[int]) -> Iterator[Layers]:
    """Block after block of a selection that has no limit in one dimension, as far as the dataset goes."""
    axes = list(zip(*space.get_regular_hyperslab(), shape, strict=True))
    number = next(number for number, axis in enumerate(axes) if axis[2] >= _UNLIMITED)
    start, stride, _, block, length = axes[number]
    fixed = [_along(*axis) for axis in axes]
    for first in range(start, length, stride):
        fixed[number] = np.arange(first, min(first + block, length))
        yield _product(fixed[0], [_ends(axis) for axis in fixed[1:]])


def _along(start: int, stride: int, count: int, block: int, length: int) -> Indices:
    """The indices that a hyperslab takes along one dimension."""
    if block >= _UNLIMITED:
        return np.arange(start, length)
    if count == 1:
        return np.arange(start, start + block)
    starts = np.arange(start, length, stride) if count >= _UNLIMITED else start + stride * np.arange(count)
    taken = (starts[:, None] + np.arange(block)).ravel()
    return taken[taken < length] if count >= _UNLIMITED else taken


def _extent(start: int, stride: int, count: int, block: int, length: int) -> tuple[int, int]:
    """How many indices those are, and the one after the last."""
    if max(count, block) >= _UNLIMITED:
        return _ends(_along(start, stride, count, block, length))
    return count * block, start + stride * (count - 1) + block if count * block else 0


def _ends(axis: Indices) -> tuple[int, int]:
    return len(axis), int(axis[-1]) + 1 if len(axis) else 0


def _product(first: Indices | None, rest: Sequence[tuple[int, int]]) -> Layers:
    """All combinations of indices; of the dimensions after the first their number and end are enough."""
    if first is None:
        return Layers(np.zeros(1, np.int64), np.ones(1, np.int64), ())
    across = math.prod(number for number, _ in rest)
    return Layers(first, np.full(len(first), across), (_ends(first)[1], *(end for _, end in rest)))


def _of_blocks(blocks: Indices) -> Layers:
    """Of blocks given by their first and last corner."""
    sizes: dict[int, int] = {}
    for first, last in blocks:
        across = math.prod((last[1:] - first[1:] + 1).tolist())
        for index in range(int(first[0]), int(last[0]) + 1):
            sizes[index] = sizes.get(index, 0) + across
    indices = sorted(sizes)
    ends = tuple((blocks[:, 1].max(axis=0) + 1).tolist())
    return Layers(np.asarray(indices, np.int64), np.asarray([sizes[index] for index in indices], np.int64), ends)
