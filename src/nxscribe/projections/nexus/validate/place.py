"""Where an entry really is, and a walk through all that is really in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import h5py
import numpy as np

from nxscribe.projections.nexus.validate.finding import Check, Finding

Object: TypeAlias = h5py.Group | h5py.Dataset
Link: TypeAlias = h5py.HardLink | h5py.SoftLink | h5py.ExternalLink


@dataclass(frozen=True, slots=True)
class Place:
    """One entry in the file that holds it."""

    master: Path
    """Relative names of raw files start at its folder."""
    file: Path
    name: str
    group: h5py.Group

    def find(self, check: Check, path: str, what: str, why: str = "", remedy: str = "") -> Finding:
        """An error at a path in the file."""
        return Finding(check, str(self.file), path, what, why, remedy)


def links(group: h5py.Group) -> Iterator[tuple[str, Link]]:
    """Every link below a group, with its path in the file. What it leads to is entered only where it is really there.

    Hard links that go round in a ring are followed once.
    """
    seen = {group.id.__hash__()}
    waiting = [group]
    while waiting:
        here = waiting.pop()
        for name in here:
            path = f"{here.name.rstrip('/')}/{name}"
            link = here.get(name, getlink=True)
            yield path, link
            if isinstance(link, h5py.HardLink):
                node = here.get(name)
                if isinstance(node, h5py.Group) and node.id.__hash__() not in seen:
                    seen.add(node.id.__hash__())
                    waiting.append(node)


def objects(group: h5py.Group) -> Iterator[tuple[str, Object]]:
    """The group itself and every group and dataset that really is below it, each once."""
    yield group.name, group
    seen: set[int] = set()
    for path, link in links(group):
        if isinstance(link, h5py.HardLink):
            node = group.file.get(path)
            if isinstance(node, h5py.Group | h5py.Dataset) and node.id.__hash__() not in seen:
                seen.add(node.id.__hash__())
                yield path, node


def candidates(name: str, folder: Path) -> list[Path]:
    """Where HDF5 looks for a file that a file in `folder` names: as it stands, then by its last part beside that file.

    The working directory, where HDF5 looks last, is nobody's business here.
    """
    if Path(name).is_absolute():
        return [Path(name), folder / Path(name).name]
    return [Path(os.path.normpath(folder / name))]


def resolve(name: str, folder: Path) -> Path | None:
    """The first of the candidates that is there."""
    return next((path for path in candidates(name, folder) if path.is_file()), None)


def text(value: object) -> str | None:
    """An attribute's or dataset's text; None where it is no single text."""
    if isinstance(value, h5py.Dataset):
        if value.shape not in {(), (1,)} or h5py.check_string_dtype(value.dtype) is None:
            return None
        value = value[()]
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.flat[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if isinstance(value, str) else None


def texts(value: object) -> list[str]:
    """All texts of an attribute or dataset of texts; none where it holds something else."""
    if isinstance(value, h5py.Dataset):
        if h5py.check_string_dtype(value.dtype) is None:
            return []
        value = value[()]
    parts = [text(part) for part in np.atleast_1d(np.asarray(value, dtype=object)).flat]
    return [part for part in parts if part is not None]


def nx_class(node: object) -> str:
    """The NeXus class of a group; empty where it has none."""
    return (text(node.attrs.get("NX_class")) or "") if isinstance(node, h5py.Group) else ""
