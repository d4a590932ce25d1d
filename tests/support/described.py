"""What a program sees of an HDF5 file, as plain data: for the comparison of files that two builds wrote."""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py
import numpy as np


def described(path: Path, entry: str) -> dict[str, list[object]]:
    """Every object of an entry by its path, external links followed.

    Of a group the kind of link that leads to it; of a dataset also dtype, shape and value; of each its attributes.
    Large values are given by their SHA-256.
    """
    found: dict[str, list[object]] = {}
    with h5py.File(path) as file:
        _describe(file, entry, found)
    return found


def _describe(group: h5py.Group, name: str, found: dict[str, list[object]], above: str = "") -> None:
    path = f"{above}/{name}"
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.SoftLink):
        found[path] = ["soft link", link.path]
        return
    kind = "external link" if isinstance(link, h5py.ExternalLink) else "hard link"
    thing = group[name]
    attributes = {key: _value(np.asarray(value)) for key, value in sorted(thing.attrs.items())}
    if isinstance(thing, h5py.Dataset):
        found[path] = [kind, _value(np.asarray(thing[()])), attributes]
        return
    found[path] = [kind, attributes]
    for child in thing:
        _describe(thing, child, found, path)


def _value(value: np.ndarray) -> list[object]:
    """The dtype (of texts: `text`), the shape, and the value."""
    if value.dtype.kind in "OSU":
        texts = [item.decode() if isinstance(item, bytes) else str(item) for item in value.ravel().tolist()]
        return ["text", list(value.shape), texts]
    shown: object = value.ravel().tolist() if value.size <= 100 else hashlib.sha256(value.tobytes()).hexdigest()
    return [value.dtype.str, list(value.shape), shown]
