"""Frames of raw files that HDF5 cannot link to, copied byte by byte into a file of its own kind."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from nxscribe.projections.nexus._opening import open_to_read
from nxscribe.projections.nexus.nodes import (
    CopiedNode,
    GroupNode,
    NodeError,
    Segment,
    StoredOutsideNode,
    VirtualNode,
)

_AT_ONCE: Final = 1 << 23
"""Bytes that are read at once."""
_STATE: Final = "copied_state"
"""Tells of a copy from which bytes of which files it was made, and how old these were."""


def is_copied(path: Path, entry_name: str, entry: GroupNode) -> bool:
    """Whether a file has the frames of an entry already, copied from raw files that were not written since.

    An entry is made several times while raw files are awaited: what is large need not be copied each time.
    """
    nodes = dict(entry.walk())
    copies = {where: node for where, node in nodes.items() if isinstance(node, CopiedNode)}
    if not copies or any(isinstance(node, StoredOutsideNode | VirtualNode) for node in nodes.values()):
        return False
    try:
        with open_to_read(path) as file:
            there = file[entry_name]
            return all(there[where].attrs[_STATE] == _state(node) for where, node in copies.items())
    except (OSError, KeyError):
        return False


def is_copy(frames: h5py.Dataset) -> bool:
    """Whether a dataset holds the bytes of raw files itself."""
    return _STATE in frames.attrs and not (frames.is_virtual or frames.external)


def _state(node: CopiedNode) -> str:
    digest = hashlib.sha256(f"{node.shape} {node.dtype}".encode())
    for segment in node.segments:
        status = os.stat(segment.file)  # noqa: PTH116 - texts throughout
        digest.update(b"\0%s\0" % os.fsencode(segment.file))
        digest.update(f"{segment.offset} {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()


def copy_frames(path: Path, entry_name: str, entry: GroupNode) -> bool:
    """Add the datasets of an entry whose bytes are copied to a file that has all else of it.

    HDF5 only makes room for them, and the bytes go to their place without it: a full disk is then an error of
    Python's, no fault of HDF5's, and no frame is held in memory. Says whether there are such datasets.

    Raises OSError, and NodeError for what is wrong with a raw file.
    """
    nodes = [(where, node) for where, node in entry.walk() if isinstance(node, CopiedNode)]
    if not nodes:
        return False
    with h5py.File(path, "r+", locking=False) as file:
        starts = [_room_for(file[entry_name], where, node) for where, node in nodes]
    target = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        for start, (where, node) in zip(starts, nodes, strict=True):
            place = start
            for segment in node.segments:
                for block in _read(where, segment):
                    place += _write(target, block, place)
    finally:
        os.close(target)
    return True


def _room_for(entry: h5py.Group, where: str, node: CopiedNode) -> int:
    """What `_make_room` does. Raises NodeError for whatever cannot be made of these frames."""
    try:
        return _make_room(entry, where, node)
    except (TypeError, ValueError, OverflowError) as error:
        raise NodeError([where], f"a dataset of {node.shape} {node.dtype} cannot be made: {error}") from error


def _make_room(entry: h5py.Group, where: str, node: CopiedNode) -> int:
    """Make the dataset, with no bytes in it, and give where they are to begin in the file."""
    try:
        # Before they are read: what is written meanwhile is copied again the next time.
        state = _state(node)
    except OSError as error:
        raise NodeError([where], f"{error.filename} cannot be copied: {error.strerror}") from error
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(h5py.h5d.CONTIGUOUS)
    creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    creation.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    parent, _, name = where.rpartition("/")
    group = entry.require_group(parent) if parent else entry
    stored = h5py.h5t.py_create(np.dtype(node.dtype))
    dataset = h5py.h5d.create(group.id, name.encode(), stored, h5py.h5s.create_simple(node.shape), creation)
    h5py.Dataset(dataset).attrs[_STATE] = state
    return int(dataset.get_offset())


def _read(where: str, segment: Segment) -> Iterator[bytes]:
    """The bytes of one frame. Raises NodeError."""
    try:
        with open(segment.file, "rb", buffering=0) as source:  # noqa: PTH123 - texts throughout
            left = segment.size
            while left:
                block = os.pread(source.fileno(), min(_AT_ONCE, left), segment.offset + segment.size - left)
                if not block:
                    raise NodeError([where], f"{segment.file} became shorter while its frames were copied")
                left -= len(block)
                yield block
    except OSError as error:
        raise NodeError([where], f"{segment.file} cannot be copied: {error.strerror}") from error


def _write(target: int, block: bytes, place: int) -> int:
    """Write all of a block, and give its length. Raises OSError."""
    done = 0
    while done < len(block):
        done += os.pwrite(target, block[done:], place + done)
    return done
