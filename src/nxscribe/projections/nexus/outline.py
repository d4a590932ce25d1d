"""An outline of a file as a reader sees it: names, classes, short values, and links with their targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from nxscribe.model.value_format import shown

_FEW = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One node."""

    depth: int
    """The level of the node; 0 for the node at the given path."""
    name: str
    nx_class: str = ""
    """The class of a group."""
    value: str = ""
    """The value of a dataset if it is short, otherwise its type and shape."""
    units: str = ""
    link: str = ""
    """The target of a link; empty for all other nodes."""


def outline(file: Path, path: str) -> Iterator[Line]:
    """The node at `path` and all nodes below it. For a link, its target is shown, but not the contents of a group.

    Raises OSError and KeyError like h5py.
    """
    with h5py.File(file, "r") as opened:
        name = path.rstrip("/").rpartition("/")[2] or file.name
        yield from _lines(opened[path], name, "", 0)


def _lines(node: h5py.Group | h5py.Dataset, name: str, link: str, depth: int) -> Iterator[Line]:
    if isinstance(node, h5py.Dataset):
        yield Line(depth, name, value=_short(node), units=_text(node.attrs.get("units", "")), link=link)
        return
    yield Line(depth, name, nx_class=_text(node.attrs.get("NX_class", "")), link=link)
    if link:
        return
    for child in node:
        found = node.get(child, getlink=True)
        leads = _leads(found)
        try:
            below = node[child]
        except (KeyError, OSError) as error:
            yield Line(depth + 1, child, value=f"not readable: {error}", link=leads)
            continue
        yield from _lines(below, child, leads, depth + 1)


def _leads(link: object) -> str:
    if isinstance(link, h5py.ExternalLink):
        return f"{link.filename}:{link.path}"
    return str(link.path) if isinstance(link, h5py.SoftLink) else ""


def _short(dataset: h5py.Dataset) -> str:
    if dataset.external or dataset.is_virtual or dataset.size is None or dataset.size > _FEW:
        return f"{dataset.dtype} {' x '.join(map(str, dataset.shape))}"
    value = dataset.asstr()[()] if h5py.check_string_dtype(dataset.dtype) else dataset[()]
    return shown(np.asarray(value), _text(dataset.attrs.get("format", "")))


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
