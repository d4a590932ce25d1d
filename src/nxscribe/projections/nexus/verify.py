"""A file that was written is opened again and compared with what it was to hold, before anybody else sees it."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from nxscribe.errors import Problem, ProjectionError
from nxscribe.model import Value
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


def verify_entry(path: Path, entry_name: str, entry: GroupNode) -> None:
    """Read every dataset and follow every link of an entry. Raises ProjectionError for what differs."""
    if wrong := differences(path, entry_name, entry):
        raise ProjectionError(
            Problem(
                f"{path}: {len(wrong)} parts of {entry_name} read back otherwise than written: {'; '.join(wrong[:5])}",
                "a faulty disk or file system, or an error in HDF5 or in nxscribe",
                "look at the disk and the system's log; the file was not put in place, and the record is safe",
            )
        )


def differences(path: Path, entry_name: str, entry: GroupNode) -> list[str]:
    """What a file has otherwise than it is to be, as `path from the entry: what`. What it has more is left aside.

    Raises OSError for a file that cannot be opened, KeyError for one without the entry.
    """
    with h5py.File(path, "r", locking=False) as file:
        group = file[entry_name]
        return [f"{where}: {what}" for where, node in entry.walk() if (what := _difference(group, where, node))]


def _difference(group: h5py.Group, path: str, node: Node) -> str:
    try:
        match node:
            case GroupNode():
                return "" if isinstance(group[path], h5py.Group) else "is no group"
            case FieldNode():
                return _value_difference(group, path, node.value)
            case SoftLinkNode() | ExternalLinkNode():
                return "" if group[path].id.valid else "leads nowhere"
            case SelectionNode():
                return "" if group[path].shape == node.shape else "has another shape"
            case StoredOutsideNode() | VirtualNode():
                return _frames_difference(group, path, node)
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        return str(error)


def _frames_difference(group: h5py.Group, path: str, node: StoredOutsideNode | VirtualNode) -> str:
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    # Relative names as a moved folder has them: from the file itself, whatever the working directory.
    access.set_efile_prefix(b"${ORIGIN}")
    frames = h5py.Dataset(h5py.h5d.open(group.id, path.encode(), access))
    if frames.shape != node.shape:
        return "has another shape"
    wrong = [index for index, frame in node.samples.items() if not np.array_equal(frames[index], frame, equal_nan=True)]
    return f"frames {wrong} are not those of the raw files" if wrong else ""


def _value_difference(group: h5py.Group, path: str, wanted: Value) -> str:
    """By low-level calls: a file of 150 values is read back in a third of the time."""
    dataset = h5py.h5d.open(group.id, path.encode())
    if dataset.shape != wanted.shape:
        return f"has the shape {dataset.shape} instead of {wanted.shape}"
    read = np.empty(dataset.shape, dataset.dtype)
    if read.size:
        dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, read)
    if wanted.dtype.kind == "U":
        texts = [bytes(text).decode() for text in read.ravel()]
        same = texts == wanted.ravel().tolist()
    else:
        same = read.dtype == wanted.dtype and np.array_equal(read, wanted, equal_nan=wanted.dtype.kind == "f")
    return "" if same else f"{read!r} instead of {wanted!r}"
