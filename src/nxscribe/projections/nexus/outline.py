"""The outline of a file as its reader finds it: names, classes, values in short, links and where they lead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py

_LONGEST = 60
_FEW = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One node."""

    depth: int
    """0 for the node asked for."""
    name: str
    nx_class: str = ""
    """Of a group."""
    value: str = ""
    """Of a dataset: its value where it is short, else its type and shape."""
    units: str = ""
    link: str = ""
    """Where a link leads; empty for what lies here."""


def outline(file: Path, path: str) -> Iterator[Line]:
    """The node at `path` and all below it, links followed for what they show, never into their groups.

    Raises OSError and KeyError as h5py does.
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
    text = str(value.tolist() if hasattr(value, "tolist") else value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
