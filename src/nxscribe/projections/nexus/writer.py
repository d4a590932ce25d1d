"""From nodes to HDF5, by h5py's low-level calls: a third of the time that the high level takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import h5py
import numpy as np

import nxscribe
from nxscribe.model import Value, iso
from nxscribe.projections.nexus.nodes import (
    ExternalLinkNode,
    FieldNode,
    GroupNode,
    Node,
    SelectionNode,
    SoftLinkNode,
    StoredOutsideNode,
    VirtualNode,
)

NEXUS_RELEASE: Final = "v2026.01"

_TEXTS: Final = h5py.string_dtype("utf-8")
_MANY_TEXTS: Final = 100
"""From so many on, texts are compressed: ten thousand names of raw files differ in a few digits."""
_DEFLATE: Final = 4
_MOST_MAPPINGS: Final = 10_000
"""Of a virtual dataset with one for each frame, which nexusformat 2.1 needs: where a mapping holds several, it takes
the first one's shape for the whole's. Each costs 0.1 ms and 25 KB of memory: beyond, there is one for each source."""
_SCALAR: Final = h5py.h5s.create(h5py.h5s.SCALAR)
_LINK_CREATION: Final = h5py.h5p.create(h5py.h5p.LINK_CREATE)
_LINK_CREATION.set_char_encoding(h5py.h5t.CSET_UTF8)


def file_image(name: str, entry_name: str, entry: GroupNode, time: datetime) -> bytes:
    """A whole file with one entry, made in memory: a full disk is then an error of Python's, not a fault of HDF5's."""
    with h5py.File(name, "w", driver="core", backing_store=False) as file:
        write_root(file, name, time)
        set_text(file.id, "default", entry_name)
        write_node(file.id, entry_name, entry)
        return image(file)


def image(file: h5py.File) -> bytes:
    """The bytes of a file that is open in memory."""
    file.flush()
    return bytes(file.id.get_file_image())


def write_root(file: h5py.File, name: str, time: datetime) -> None:
    """The attributes that NeXus asks of a file's root. The name is the file's alone, as folders move."""
    set_text(file.id, "NX_class", "NXroot")
    set_text(file.id, "file_name", name)
    set_text(file.id, "file_time", iso(time))
    set_text(file.id, "creator", "nxscribe")
    set_text(file.id, "creator_version", nxscribe.__version__)
    set_text(file.id, "NeXus_release", NEXUS_RELEASE)
    set_text(file.id, "HDF5_Version", h5py.version.hdf5_version)
    set_text(file.id, "h5py_version", h5py.version.version)


def set_text(node: h5py.h5g.GroupID, name: str, text: str) -> None:
    """Write an attribute, or over the one that is there."""
    key = name.encode()
    if h5py.h5a.exists(node, key):
        # To delete it and make it anew would leave 4 KiB of the file unused each time: a page of HDF5's for texts.
        h5py.h5a.open(node, key).write(_encoded(np.asarray(text)))
    else:
        _write_attributes(node, {name: np.asarray(text)})


def write_node(parent: h5py.h5g.GroupID, name: str, node: Node) -> None:
    """Write a node and all below it under a name that is free."""
    key = name.encode()
    match node:
        case GroupNode():
            group = h5py.h5g.create(parent, key, lcpl=_LINK_CREATION)
            _write_attributes(group, {**node.attributes, "NX_class": np.asarray(node.nx_class)})
            for below, child in node.children.items():
                write_node(group, below, child)
        case FieldNode():
            _write_attributes(_write_value(parent, key, node.value), node.attributes)
        case SoftLinkNode():
            parent.links.create_soft(key, node.target.encode(), lcpl=_LINK_CREATION)
        case ExternalLinkNode():
            parent.links.create_external(key, node.file.encode(), node.path.encode(), lcpl=_LINK_CREATION)
        case StoredOutsideNode():
            _write_attributes(_write_stored_outside(parent, key, node), node.attributes)
        case VirtualNode():
            _write_attributes(_write_virtual(parent, key, node), node.attributes)
        case SelectionNode():
            _write_attributes(_write_selection(parent, key, node), node.attributes)


def _write_value(parent: h5py.h5g.GroupID, key: bytes, value: Value) -> h5py.h5d.DatasetID:
    space = h5py.h5s.create_simple(value.shape) if value.ndim else _SCALAR
    creation = None
    if value.dtype.kind == "U" and value.size >= _MANY_TEXTS:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk(value.shape)
        creation.set_deflate(_DEFLATE)
    data = _encoded(value) if creation is None else _of_one_length(value)
    stored = h5py.h5t.py_create(data.dtype, logical=True)
    dataset = h5py.h5d.create(parent, key, stored, space, creation, lcpl=_LINK_CREATION)
    if value.size:
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, data)
    return dataset


def _write_attributes(node: h5py.h5g.GroupID | h5py.h5d.DatasetID, attributes: Mapping[str, Value]) -> None:
    for name, value in attributes.items():
        data = _encoded(value)
        space = h5py.h5s.create_simple(value.shape) if value.ndim else _SCALAR
        attribute = h5py.h5a.create(node, name.encode(), h5py.h5t.py_create(data.dtype, logical=True), space)
        if value.size:
            attribute.write(data)


def _encoded(value: Value) -> np.ndarray:
    """The array as HDF5 takes it: texts as UTF-8 of variable length, all else as it lies in memory."""
    return np.require(value, _TEXTS if value.dtype.kind == "U" else None, "C")


def _of_one_length(value: Value) -> np.ndarray:
    """Texts as UTF-8 of a fixed length, padded with NULs: HDF5 compresses no others."""
    encoded = np.char.encode(value.astype(np.str_), "utf-8")
    return encoded.astype(h5py.string_dtype("utf-8", max(encoded.itemsize, 1)))


def _write_stored_outside(parent: h5py.h5g.GroupID, key: bytes, node: StoredOutsideNode) -> h5py.h5d.DatasetID:
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    for segment in node.segments:
        creation.set_external(segment.file.encode(), segment.offset, segment.size)
    stored = h5py.h5t.py_create(np.dtype(node.dtype))
    return h5py.h5d.create(parent, key, stored, h5py.h5s.create_simple(node.shape), creation, lcpl=_LINK_CREATION)


def _write_virtual(parent: h5py.h5g.GroupID, key: bytes, node: VirtualNode) -> h5py.h5d.DatasetID:
    dtype = np.dtype(node.dtype)
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_fill_value(np.asarray(node.fill, dtype=dtype))
    shape = node.shape
    space = h5py.h5s.create_simple(shape)
    rest = shape[1:]
    origin = (0,) * len(rest)
    at_once = shape[0] > _MOST_MAPPINGS
    start = 0
    for source in node.sources:
        there = h5py.h5s.create_simple(source.shape)
        step = source.frames if at_once else 1
        for index in range(0, source.frames, step):
            space.select_hyperslab((start + index, *origin), (step, *rest))
            if len(source.shape) == len(shape):
                there.select_hyperslab((index, *origin), (step, *rest))
            creation.set_virtual(space, source.file.encode(), source.dataset.encode(), there)
        start += source.frames
    space.select_all()
    return h5py.h5d.create(parent, key, h5py.h5t.py_create(dtype), space, creation, lcpl=_LINK_CREATION)


def _write_selection(parent: h5py.h5g.GroupID, key: bytes, node: SelectionNode) -> h5py.h5d.DatasetID:
    """One mapping for each frame, as `_write_virtual` has it."""
    dtype = np.dtype(node.dtype)
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_fill_value(np.asarray(node.fill, dtype=dtype))
    space, there = h5py.h5s.create_simple(node.shape), h5py.h5s.create_simple(node.source.shape)
    rest = node.shape[1:]
    origin = (0,) * len(rest)
    for index, chosen in enumerate(node.chosen):
        space.select_hyperslab((index, *origin), (1, *rest))
        there.select_hyperslab((chosen, *origin), (1, *rest))
        creation.set_virtual(space, node.source.file.encode(), node.source.dataset.encode(), there)
    space.select_all()
    return h5py.h5d.create(parent, key, h5py.h5t.py_create(dtype), space, creation, lcpl=_LINK_CREATION)
