"""A small copy of an entry for external validators.

They open files for writing, or with a lock, and follow links to raw files in different ways. Therefore they never get
the file itself: they get all groups, attributes, links and small values of the entry. Frames have only their shape and
type, wherever they are stored, and occupy no space. If several links lead to one object of another file, the first one
becomes the object, and the others become NeXus links to it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import h5py
import numpy as np

_LARGE: Final = 1 << 20
"""In bytes. A larger dataset is copied without its values, because no validator looks at so many values."""
_DEEPEST: Final = 50
"""The deepest level of groups, because links between files can form a cycle."""
_SKIPPED: Final = (OSError, KeyError, RuntimeError, ValueError)
"""The exceptions for a broken link or a damaged object, which is left out. The checks of nxscribe report it."""


def write_stand_in(entry: h5py.Group, path: Path) -> None:
    """Write a copy of an entry to a new file, at the same path as in its own file. `path` must not exist."""
    with h5py.File(path, "x") as file:
        _copy_attributes(entry.file["/"], file["/"])
        _StandIn(file).group(entry, file.create_group(entry.name))


class _StandIn:
    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._copied: dict[object, str] = {}
        """Where the entry's own objects are: several hard links may lead to one. An object of another file that is kept
        here would keep that file open."""
        self._linked: dict[tuple[str, str], str] = {}
        """Where the objects of other files are, by file and path."""

    def group(self, old: h5py.Group, new: h5py.Group, *, is_outside: bool = False, depth: int = 0) -> None:
        """Copy the content of a group. `is_outside`: it is in another file, where soft links have other targets."""
        if not is_outside:
            self._copied[old.id] = new.name
        _copy_attributes(old, new)
        for name in sorted(old, key=lambda name: _is_plot(old, name)):
            link = old.get(name, getlink=True)
            if isinstance(link, h5py.SoftLink) and not is_outside:
                new[name] = h5py.SoftLink(link.path)
                continue
            try:
                child = old[name]
            except _SKIPPED:
                continue
            if isinstance(link, h5py.ExternalLink) and isinstance(child, h5py.Group):
                continue  # the entry of another program, which is judged where it is
            if isinstance(link, h5py.ExternalLink):
                self._outside(child, link, new, name, depth)
            elif known := self._copied.get(child.id):
                new[name] = self._file[known]
            else:
                self._object(child, new, name, is_outside=is_outside, depth=depth)

    def _outside(
        self, child: h5py.Group | h5py.Dataset, link: h5py.ExternalLink, new: h5py.Group, name: str, depth: int
    ) -> None:
        if known := self._linked.get((link.filename, link.path)):
            new[name] = h5py.SoftLink(known)
            self._file[known].attrs["target"] = known
            return
        self._linked[link.filename, link.path] = f"{new.name}/{name}"
        self._object(child, new, name, is_outside=True, depth=depth)

    def _object(
        self, child: h5py.Group | h5py.Dataset, new: h5py.Group, name: str, *, is_outside: bool, depth: int
    ) -> None:
        if isinstance(child, h5py.Dataset):
            self._dataset(child, new, name)
            if not is_outside:
                self._copied[child.id] = f"{new.name}/{name}"
        elif isinstance(child, h5py.Group) and depth < _DEEPEST:
            self.group(child, new.create_group(name), is_outside=is_outside, depth=depth + 1)

    def _dataset(self, old: h5py.Dataset, new: h5py.Group, name: str) -> None:
        size = int(np.prod(old.shape or (), dtype=np.int64)) * old.dtype.itemsize
        if old.shape is None or (size <= _LARGE and not old.is_virtual and not old.external):
            try:
                h5py.h5o.copy(old.id, b".", new.id, name.encode())
            except _SKIPPED:
                new.pop(name, None)
            else:
                return
        space = h5py.h5s.create_simple(old.shape, old.id.get_space().get_simple_extent_dims(maxdims=True))
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        if old.shape != old.maxshape:
            creation.set_chunk(tuple(max(length, 1) for length in old.chunks or old.shape))
        dataset = h5py.h5d.create(new.id, name.encode(), old.id.get_type(), space, creation)
        _copy_attributes(old, h5py.Dataset(dataset))


def _is_plot(group: h5py.Group, name: str) -> bool:
    """Whether it is an NXdata. It comes after what it shows, so that the link is there, and not at the detector."""
    is_here = isinstance(group.get(name, getlink=True), h5py.HardLink)
    return is_here and group[name].attrs.get("NX_class") == "NXdata"


def _copy_attributes(old: h5py.Group | h5py.Dataset, new: h5py.Group | h5py.Dataset) -> None:
    """As they are stored, texts of fixed and of variable length among them."""
    for name in old.attrs:
        attribute = old.attrs.get_id(name)
        space = attribute.get_space()
        copy = h5py.h5a.create(new.id, name.encode(), attribute.get_type(), space)
        if space.get_simple_extent_type() != h5py.h5s.NULL:
            values = np.empty(attribute.shape, attribute.dtype)
            attribute.read(values)
            copy.write(values)
