"""The file that contains an entry, and iterators over the objects that the entry itself contains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from weakref import WeakKeyDictionary

import h5py
import numpy as np

from nxscribe.projections.files import ENTRIES
from nxscribe.projections.nexus._file_resolution import candidates, resolve
from nxscribe.projections.nexus.raw.entry_paths import on_disk
from nxscribe.projections.nexus.validate._finding import Check, Finding

Object: TypeAlias = h5py.Group | h5py.Dataset
Link: TypeAlias = h5py.HardLink | h5py.SoftLink | h5py.ExternalLink


@dataclass(frozen=True, slots=True)
class EntryContext:
    """One entry in the file that contains it."""

    master: Path
    """The path of the master file. Relative names of raw files start at its folder."""
    file: Path
    name: str
    group: h5py.Group

    def listed(self, name: str) -> Path:
        """The path of a raw file, from its name in a list of raw files. The file may be missing."""
        return Path(on_disk(str(resolve(name, self.master) or candidates(name, self.master)[0])))

    def find(self, check: Check, path: str, what: str, why: str = "", remedy: str = "") -> Finding:
        """Make a finding (an error) for a path in the file."""
        return Finding(check, str(self.file), path, what, why, remedy)


def listed_names(place: EntryContext) -> Iterator[str]:
    """The names of all raw files that an entry lists, as they are written there."""
    for path, node in objects(place.group):
        if isinstance(node, h5py.Dataset) and is_list(path, node, place):
            yield from texts(node)


def is_list(path: str, node: h5py.Dataset, place: EntryContext) -> bool:
    """Whether a dataset is a list of raw files: `measurement/files`, and `file_name` of a detector's NXnote."""
    if path == f"{place.group.name}/measurement/files":
        return True
    parent, _, name = path.rpartition("/")
    above = place.group.file[parent.rpartition("/")[0] or "/"]
    return name == "file_name" and nx_class(node.parent) == "NXnote" and nx_class(above) == "NXdetector"


def master_of(file: Path) -> Path:
    """The master file of the file of an entry, from the place of that file. Any other file is its own master."""
    for path in (file, file.resolve()):
        if path.parent.name.endswith(ENTRIES):
            return path.parent.with_name(f"{path.parent.name.removesuffix(ENTRIES)}.h5")
    return file


def links(group: h5py.Group) -> Iterator[tuple[str, Link]]:
    """Every link below a group, with its path in the file. Only hard links to groups are followed.

    A cycle of hard links is followed once.
    """
    return ((path, link) for path, link, _ in _walk(group))


def objects(group: h5py.Group) -> Iterator[tuple[str, Object]]:
    """The group itself and every group and dataset that hard links below it lead to, each once."""
    yield group.name, group
    seen: set[int] = set()
    for path, _, node in _walk(group):
        if node is not None and node.id.__hash__() not in seen:
            seen.add(node.id.__hash__())
            yield path, node


_walks: WeakKeyDictionary[h5py.Group, list[tuple[str, Link, Object | None]]] = WeakKeyDictionary()
"""What was found below groups that are in use: a dozen checks walk through each entry, of which nothing changes."""


def _walk(group: h5py.Group) -> Iterable[tuple[str, Link, Object | None]]:
    """Every link below a group, and the object for a hard link."""
    if group not in _walks:
        _walks[group] = list(_found(group))
    return _walks[group]


def _found(group: h5py.Group) -> Iterator[tuple[str, Link, Object | None]]:
    seen = {group.id.__hash__()}
    waiting = [group]
    while waiting:
        here = waiting.pop()
        above = here.name.rstrip("/")
        for name in here:
            link = here.get(name, getlink=True)
            node = here.get(name) if isinstance(link, h5py.HardLink) else None
            yield f"{above}/{name}", link, node if isinstance(node, h5py.Group | h5py.Dataset) else None
            if isinstance(node, h5py.Group) and node.id.__hash__() not in seen:
                seen.add(node.id.__hash__())
                waiting.append(node)


def text(value: object) -> str | None:
    """The text of an attribute or a scalar dataset; None if it is not a single text."""
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
    """All texts of an attribute or a dataset; none if its type is not text."""
    if isinstance(value, h5py.Dataset):
        if h5py.check_string_dtype(value.dtype) is None:
            return []
        value = value[()]
    parts = [text(part) for part in np.atleast_1d(np.asarray(value, dtype=object)).flat]
    return [part for part in parts if part is not None]


def nx_class(node: object) -> str:
    """The NeXus class of a group; empty if it has none."""
    return (text(node.attrs.get("NX_class")) or "") if isinstance(node, h5py.Group) else ""
