"""From nodes to HDF5, by h5py's low-level calls: a third of the time that the high level takes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, TypeAlias

import h5py
import numpy as np

import nxscribe
from nxscribe.model import Value, is_text, iso
from nxscribe.projections.nexus.nodes import (
    CopiedNode,
    ExternalLinkNode,
    FieldNode,
    FrameSource,
    GroupNode,
    Node,
    NodeError,
    SelectionNode,
    SoftLinkNode,
    StoredOutsideNode,
    VirtualNode,
)

NEXUS_RELEASE: Final = "v2026.01"

_TEXTS: Final = h5py.string_dtype("utf-8")
_MANY_TEXTS: Final = 100
"""From so many on, texts that are alike are compressed: ten thousand names of raw files differ in a few digits."""
_MOST_PADDING: Final = 8
"""How many times its size a list of texts may have when each is as long as the longest. HDF5 compresses no others."""
_DEFLATE: Final = 4
_MOST_MAPPINGS: Final = 10_000
"""Of a virtual dataset with one for each frame, which nexusformat 2.1 needs: where a mapping holds several, it takes
the first one's shape for the whole's. Each costs 0.1 ms and 25 KB of memory: beyond, there is one for each source."""
_GROWTH: Final = 1 << 16
"""Bytes by which a file in memory grows."""
_SCALAR: Final = h5py.h5s.create(h5py.h5s.SCALAR)
_LINK_CREATION: Final = h5py.h5p.create(h5py.h5p.LINK_CREATE)
_LINK_CREATION.set_char_encoding(h5py.h5t.CSET_UTF8)

_Located: TypeAlias = h5py.h5g.GroupID | h5py.h5d.DatasetID | h5py.h5f.FileID


@contextlib.contextmanager
def in_memory(data: bytes = b"") -> Iterator[h5py.h5f.FileID]:
    """A file in memory, open for writing: a new one, or one of these bytes. `image` gives what it has become."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fapl_core(_GROWTH, backing_store=False)
    access.set_libver_bounds(h5py.h5f.LIBVER_EARLIEST, h5py.h5f.LIBVER_LATEST)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    if data:
        access.set_file_image(data)
        file = h5py.h5f.open(b"memory", h5py.h5f.ACC_RDWR, access)
    else:
        file = h5py.h5f.create(b"memory", h5py.h5f.ACC_TRUNC, fapl=access)
    try:
        yield file
    finally:
        file.close()


def image(file: h5py.h5f.FileID) -> bytes:
    """The bytes of a file that is open in memory."""
    h5py.h5f.flush(file)
    return bytes(file.get_file_image())


def root_attributes(name: str, time: datetime) -> dict[str, Value]:
    """What NeXus asks of a file's root. The name is the file's alone, as folders move."""
    told = {
        "NX_class": "NXroot",
        "file_name": name,
        "file_time": iso(time),
        "creator": "nxscribe",
        "creator_version": nxscribe.__version__,
        "NeXus_release": NEXUS_RELEASE,
        "HDF5_Version": h5py.version.hdf5_version,
        "h5py_version": h5py.version.version,
    }
    return {attribute: np.asarray(text) for attribute, text in told.items()}


def set_text(node: _Located, name: str, text: str) -> None:
    """Write an attribute, or over the one that is there."""
    key = name.encode()
    if h5py.h5a.exists(node, key):
        # To delete it and make it anew would leave 4 KiB of the file unused each time: a page of HDF5's for texts.
        write_over(h5py.h5a.open(node, key), np.asarray(text))
    else:
        write_attributes(node, {name: np.asarray(text)})


def write_node(parent: h5py.h5g.GroupID | h5py.h5f.FileID, name: str, node: Node) -> None:
    """Write a node and all below it under a name that is free. Raises NodeError for frames that HDF5 does not take."""
    key = name.encode()
    match node:
        case GroupNode():
            group = h5py.h5g.create(parent, key, lcpl=_LINK_CREATION)
            write_attributes(group, {**node.attributes, "NX_class": np.asarray(node.nx_class)})
            for below, child in node.children.items():
                write_node(group, below, child)
        case FieldNode():
            write_attributes(_write_value(parent, key, node), node.attributes)
        case SoftLinkNode():
            parent.links.create_soft(key, node.target.encode(), lcpl=_LINK_CREATION)
        case ExternalLinkNode():
            parent.links.create_external(key, os.fsencode(node.file), _dataset_name(node.path), lcpl=_LINK_CREATION)
        case CopiedNode():
            pass  # its bytes take no memory: `copy_frames` writes it
        case StoredOutsideNode() | VirtualNode() | SelectionNode():
            try:
                write_attributes(_write_frames(parent, key, node), node.attributes)
            except Exception as error:
                # What raw files are called and hold is not ours to choose, and nobody has seen all of it.
                _, _, path = f"{h5py.h5i.get_name(parent).decode()}/{name}".lstrip("/").partition("/")
                raise NodeError([path], f"{type(error).__name__}: {error}") from error


def _write_frames(
    parent: h5py.h5g.GroupID, key: bytes, node: StoredOutsideNode | VirtualNode | SelectionNode
) -> h5py.h5d.DatasetID:
    match node:
        case StoredOutsideNode():
            return _write_stored_outside(parent, key, node)
        case VirtualNode():
            return _write_virtual(parent, key, node)
        case SelectionNode():
            return _write_selection(parent, key, node)


def _write_value(parent: h5py.h5g.GroupID, key: bytes, node: FieldNode) -> h5py.h5d.DatasetID:
    value = node.value
    space = h5py.h5s.create_simple(value.shape) if value.ndim else _SCALAR
    creation = None
    data = _of_one_length(value) if node.are_alike and value.size >= _MANY_TEXTS else None
    if data is None:
        data = _encoded(value)
    else:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk(value.shape)
        creation.set_deflate(_DEFLATE)
    stored = h5py.h5t.py_create(data.dtype, logical=True)
    dataset = h5py.h5d.create(parent, key, stored, space, creation, lcpl=_LINK_CREATION)
    if value.size:
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, data)
    return dataset


def write_over(there: h5py.h5d.DatasetID | h5py.h5a.AttrID, value: Value) -> None:
    """Write a value of the same type and shape in the place of the one that is there."""
    if not value.size:
        return
    if isinstance(there, h5py.h5d.DatasetID):
        there.write(h5py.h5s.ALL, h5py.h5s.ALL, _encoded(value))
    else:
        there.write(_encoded(value))


def write_attributes(node: _Located, attributes: Mapping[str, Value]) -> None:
    """Write attributes that are not there yet."""
    for name, value in attributes.items():
        data = _encoded(value)
        space = h5py.h5s.create_simple(value.shape) if value.ndim else _SCALAR
        attribute = h5py.h5a.create(node, name.encode(), h5py.h5t.py_create(data.dtype, logical=True), space)
        if value.size:
            attribute.write(data)


def _encoded(value: Value) -> np.ndarray:
    """The array as HDF5 takes it: texts as UTF-8 of variable length, all else as it lies in memory."""
    return np.require(value, _TEXTS if is_text(value) else None, "C")


def _of_one_length(value: Value) -> np.ndarray | None:
    """Texts as UTF-8 of a fixed length, padded with NULs; None where one of them is far longer than the others."""
    encoded = [text.encode() for text in value.ravel().tolist()]
    longest = max(map(len, encoded))
    if longest * len(encoded) > _MOST_PADDING * sum(map(len, encoded)):
        return None
    return np.asarray(encoded, h5py.string_dtype("utf-8", max(longest, 1))).reshape(value.shape)


def _write_stored_outside(parent: h5py.h5g.GroupID, key: bytes, node: StoredOutsideNode) -> h5py.h5d.DatasetID:
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    for segment in node.segments:
        creation.set_external(os.fsencode(segment.file), segment.offset, segment.size)
    stored = h5py.h5t.py_create(np.dtype(node.dtype))
    return h5py.h5d.create(parent, key, stored, h5py.h5s.create_simple(node.shape), creation, lcpl=_LINK_CREATION)


def _write_virtual(parent: h5py.h5g.GroupID, key: bytes, node: VirtualNode) -> h5py.h5d.DatasetID:
    dtype = np.dtype(node.dtype)
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_fill_value(node.fill)
    shape = node.shape
    space = h5py.h5s.create_simple(shape)
    rest = shape[1:]
    origin = (0,) * len(rest)
    at_once = shape[0] > _MOST_MAPPINGS
    start = 0
    for source in node.sources:
        there = h5py.h5s.create_simple(source.shape)
        for index, count in _runs(source) if at_once else ((index, 1) for index in _shown(source)):
            space.select_hyperslab((start + index, *origin), (count, *rest))
            if source.is_stack:
                there.select_hyperslab((index, *(0,) * (len(source.shape) - 1)), (count, *source.shape[1:]))
            creation.set_virtual(space, *_in_virtual(source), there)
        start += source.frames
    space.select_all()
    return h5py.h5d.create(parent, key, h5py.h5t.py_create(dtype), space, creation, lcpl=_LINK_CREATION)


def _in_virtual(source: FrameSource) -> tuple[bytes, bytes]:
    """The names of a source's file and dataset as a virtual dataset has them.

    HDF5 takes them for patterns in printf's form, in which a plain `%` is `%%` (H5Pset_virtual). In external links and
    external storage it does not.
    """
    file, dataset = os.fsencode(source.file), _dataset_name(source.dataset)
    return file.replace(b"%", b"%%"), dataset.replace(b"%", b"%%")


def _dataset_name(path: str) -> bytes:
    """A path inside a file; bytes that are not UTF-8 are there as Python has them."""
    return path.encode("utf-8", "surrogateescape")


def _shown(source: FrameSource) -> Iterator[int]:
    """The frames of a source that are there."""
    return (index for index in range(source.frames) if index not in source.gaps)


def _runs(source: FrameSource) -> Iterator[tuple[int, int]]:
    """The same as runs without a gap: where each begins, and how many they are."""
    start = 0
    for end in (*sorted(source.gaps), source.frames):
        if end > start:
            yield start, end - start
        start = end + 1


def _write_selection(parent: h5py.h5g.GroupID, key: bytes, node: SelectionNode) -> h5py.h5d.DatasetID:
    """One mapping for each frame, as `_write_virtual` has it."""
    dtype = np.dtype(node.dtype)
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_fill_value(node.fill)
    space, there = h5py.h5s.create_simple(node.shape), h5py.h5s.create_simple(node.source.shape)
    rest = node.shape[1:]
    origin = (0,) * len(rest)
    for index, chosen in enumerate(node.chosen):
        space.select_hyperslab((index, *origin), (1, *rest))
        there.select_hyperslab((chosen, *origin), (1, *rest))
        creation.set_virtual(space, *_in_virtual(node.source), there)
    space.select_all()
    return h5py.h5d.create(parent, key, h5py.h5t.py_create(dtype), space, creation, lcpl=_LINK_CREATION)
