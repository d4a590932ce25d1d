"""A file that was written is opened again and compared with what it was to hold, before anybody else sees it."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from nxscribe.errors import Problem, ProjectionError
from nxscribe.model import Value, is_text, texts
from nxscribe.projections.nexus._file_image import FileImage
from nxscribe.projections.nexus._opening import open_to_read
from nxscribe.projections.nexus.nodes import (
    CopiedNode,
    ExternalLinkNode,
    FieldNode,
    GroupNode,
    Node,
    NodeError,
    SelectionNode,
    SoftLinkNode,
    StoredOutsideNode,
    VirtualNode,
)

_SHOWN: Final = (CopiedNode, ExternalLinkNode, SelectionNode, StoredOutsideNode, VirtualNode)
"""What shows frames of other files."""
_PLACE: Final = re.compile("[@:]")
"""Ends a path in what `differences` tells."""
_TOLD: Final = 5
"""Of parts that differ."""


def verify_entry(path: Path, entry_name: str, entry: GroupNode, only: Collection[str] | None = None) -> None:
    """Read every dataset and follow every link of an entry, and read all attributes that nxscribe wrote.

    `only` are the paths of the nodes that are to be looked at, if not all.

    Raises NodeError where nothing but frames in other files differs, and ProjectionError for all else.
    """
    if wrong := differences(path, entry_name, entry, only):
        paths, told = [_PLACE.split(difference)[0] for difference in wrong], "; ".join(wrong[:_TOLD])
        if all(isinstance(entry.find(path), _SHOWN) for path in paths):
            raise NodeError(paths, f"read back otherwise than written: {told}")
        raise _unlike(path, f"{len(wrong)} parts of {entry_name} read back otherwise than written: {told}")


def verify_file(path: Path, image: FileImage, entry_name: str, entry: GroupNode) -> None:
    """See that a file has the bytes of an image, and that HDF5 reads in it what was not read of its form before.

    Raises what `verify_entry` raises.
    """
    if path.read_bytes() != image.data:
        raise _unlike(path, "its bytes are not those that were written")
    if image.unproven is None:
        with open_to_read(path) as file:
            for name, value in image.root.items():
                if what := _attribute_difference(file.id, name, value):
                    raise _unlike(path, f"@{name} of its root reads back otherwise than written: {what}")
    verify_entry(path, entry_name, entry, image.unproven)
    image.prove()


def _unlike(path: Path, what: str) -> ProjectionError:
    return ProjectionError(
        Problem(
            f"{path}: {what}",
            "a faulty disk or file system, or an error in HDF5 or in nxscribe",
            "look at the disk and the system's log; the file was not put in place, and the record is safe",
        )
    )


def differences(path: Path, entry_name: str, entry: GroupNode, only: Collection[str] | None = None) -> list[str]:
    """What a file has otherwise than it is to be, as `path from the entry: what` or `path@attribute: what`.

    What it has more is left aside. `only` are the paths of the nodes that are to be looked at, if not all.

    Raises OSError for a file that cannot be opened, KeyError for one without the entry.
    """
    with open_to_read(path) as file:
        group = file[entry_name]
        nodes = entry.walk() if only is None else ((where, entry.find(where)) for where in sorted(only) if where)
        wrong = _attribute_differences(group, "", entry)
        for where, node in nodes:
            if node is None:
                continue
            if what := _difference(group, where, node):
                wrong.append(f"{where}: {what}")
            elif isinstance(node, FieldNode | GroupNode):
                wrong += _attribute_differences(group, where, node)
        return wrong


def _attribute_differences(entry: h5py.Group, path: str, node: FieldNode | GroupNode) -> list[str]:
    there = h5py.h5o.open(entry.id, path.encode()) if path else entry.id
    # A group has its class from nxscribe, whatever a definition says.
    own = ((name, value) for name, value in node.attributes.items() if name != "NX_class")
    return [f"{path}@{name}: {what}" for name, value in own if (what := _attribute_difference(there, name, value))]


def _attribute_difference(node: h5py.h5g.GroupID | h5py.h5d.DatasetID, name: str, wanted: Value) -> str:
    if not h5py.h5a.exists(node, name.encode()):
        return f"is not there, instead of {wanted.tolist()!r}"
    return _value_difference(h5py.h5a.open(node, name.encode()), wanted)


def _difference(group: h5py.Group, path: str, node: Node) -> str:
    try:
        match node:
            case GroupNode():
                return "" if isinstance(group[path], h5py.Group) else "is not a group"
            case FieldNode():
                return _value_difference(h5py.h5d.open(group.id, path.encode()), node.value)
            case SoftLinkNode() | ExternalLinkNode():
                return _link_difference(group, path, node)
            case SelectionNode():
                return "" if group[path].shape == node.shape else "has another shape"
            case StoredOutsideNode() | CopiedNode() | VirtualNode():
                return _frames_difference(group, path, node)
    except Exception as error:  # noqa: BLE001 - whatever it is, this part does not read as it should
        return f"{type(error).__name__}: {error}"


def _link_difference(group: h5py.Group, path: str, node: SoftLinkNode | ExternalLinkNode) -> str:
    if isinstance(node, SoftLinkNode) or node.is_followed:
        return "" if group[path].id.valid else "leads nowhere"
    link = group.get(path, getlink=True)
    same = isinstance(link, h5py.ExternalLink) and (link.filename, link.path) == (node.file, node.path)
    return "" if same else "leads elsewhere"


def _frames_difference(group: h5py.Group, path: str, node: StoredOutsideNode | CopiedNode | VirtualNode) -> str:
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    # Names of raw files start at the folder of the file itself, whatever the working directory.
    access.set_efile_prefix(b"${ORIGIN}")
    frames = h5py.Dataset(h5py.h5d.open(group.id, path.encode(), access))
    if frames.shape != node.shape:
        return "has another shape"
    wrong = [index for index, frame in node.samples.items() if not np.array_equal(frames[index], frame, equal_nan=True)]
    return f"frames {wrong} are not those of the raw files" if wrong else ""


def _value_difference(stored: h5py.h5d.DatasetID | h5py.h5a.AttrID, wanted: Value) -> str:
    """By low-level calls: a file of 150 values is read back in a third of the time."""
    if stored.shape != wanted.shape:
        return f"has the shape {stored.shape} instead of {wanted.shape}"
    read = np.empty(stored.shape, stored.dtype)
    if read.size and isinstance(stored, h5py.h5d.DatasetID):
        stored.read(h5py.h5s.ALL, h5py.h5s.ALL, read)
    elif read.size:
        stored.read(read)
    if is_text(wanted):
        told = [bytes(text).decode() for text in read.ravel().tolist()]
        same = told == list(map(str, wanted.ravel().tolist()))
        read = read if same else np.reshape(texts(told), read.shape)
    else:
        same = read.dtype == wanted.dtype and np.array_equal(read, wanted, equal_nan=wanted.dtype.kind == "f")
    return "" if same else f"{_shown(read)} instead of {_shown(wanted)}"


def _shown(value: Value) -> str:
    return repr(value) if value.ndim else repr(value.item())
