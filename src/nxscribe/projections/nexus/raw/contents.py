"""The datasets of an HDF5 file that can be frames, also those behind links, and what NeXus says about each of them."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from nxscribe.projections.nexus._file_resolution import candidates, resolve
from nxscribe.projections.nexus.nodes import FRAME_RANK
from nxscribe.projections.nexus.raw._candidate import FEW_COLUMNS, Candidate, DatasetLocation, Evidence

_MOST_OBJECTS: Final = 5000
"""Groups and links that are looked at in one file. One whose frames are not among them needs the config's word."""
_LONGEST_CHAIN: Final = 10
"""Of `@default`: one that leads round in a ring has an end."""
_NUMBERED: Final = re.compile("(.*?)([0-9]+)")
_DATA: Final = frozenset({"data", "image", "images", "img", "frame", "frames"})
"""What the links of a master to its data files are called, besides their number."""
_NOT_THERE: Final = (KeyError, OSError, RuntimeError, ValueError)
"""What h5py raises for a link that leads nowhere."""


@dataclass(slots=True)
class Contents:
    """All candidates of a file."""

    candidates: list[Candidate] = field(default_factory=list)
    astray: list[Candidate] = field(default_factory=list)
    """Links without evidence that lead nowhere."""
    is_whole: bool = True
    """Whether all of the file was looked at."""
    illegible: int = 0
    """Groups and datasets whose names are not UTF-8: no link in a NeXus file can name them, and they are left aside."""


def contents_of(file: h5py.File) -> Contents:
    """Look through a file, and the files that its links lead to."""
    contents = Contents()
    found: dict[object, Candidate] = {}
    for candidate, identity in _Walk(file, contents).run():
        before = found.get(identity, candidate)
        best, other = (candidate, before) if candidate.evidence < before.evidence else (before, candidate)
        paths = tuple(dict.fromkeys((*best.paths, *other.paths)))
        found[identity] = replace(best, paths=paths, in_detector=best.in_detector or other.in_detector)
    contents.candidates = list(found.values())
    return contents


def names_in(group: h5py.Group) -> Iterator[str]:
    """The names in a group; h5py gives one that is not UTF-8 as bytes."""
    return (name for name in group if isinstance(name, str))


def place_at(file: h5py.File, path: str) -> DatasetLocation:
    """Where the object at a path really lies, whatever links are on the way. Raises what h5py does for none."""
    group, place = file, DatasetLocation(file_of(file), "/")
    for name in filter(None, path.split("/")):
        node = group[name]
        place = place_of(group, place.dataset, name, node)
        group = node
    return place


def place_of(parent: h5py.Group, inside: str, name: str, node: h5py.Group | h5py.Dataset) -> DatasetLocation:
    """Where a node of a group really lies, whatever link leads to it. `inside` is the group's own path in its file.

    HDF5's own name of an object that was reached through several links may be that of none of their files.
    """
    file = file_of(node)
    link = parent.get(name, getlink=True)
    if isinstance(link, h5py.HardLink):
        return DatasetLocation(file, posixpath.join(inside, name))
    path = posixpath.normpath(posixpath.join(inside, link.path)) if isinstance(link, h5py.SoftLink) else link.path
    return DatasetLocation(file, next((known for known in _paths(node, path) if _is_at(node, known)), path))


def _paths(node: h5py.Group | h5py.Dataset, path: str) -> Iterator[str]:
    """What a node may be called in its own file, what costs least first: HDF5 can search the file for it."""
    yield path
    yield node.name or "/"
    found = h5py.h5r.get_name(h5py.h5r.create(node.id, b".", h5py.h5r.OBJECT), node.id)
    yield (found or b"/").decode("utf-8", "surrogateescape")


def _is_at(node: h5py.Group | h5py.Dataset, path: str) -> bool:
    """Whether a path in a node's own file leads to it."""
    try:
        there = h5py.h5o.get_info(node.id, path.encode("utf-8", "surrogateescape"))
    except _NOT_THERE:
        return False
    return bool(there.addr == h5py.h5o.get_info(node.id).addr)


def file_of(node: h5py.Group | h5py.Dataset) -> str:
    """The path of the file that holds a node: `node.file` would open it once more."""
    return os.path.normpath(os.fsdecode(h5py.h5f.get_name(node.id)))


@dataclass(frozen=True, slots=True)
class _WalkedGroup:
    """A group on the way, and what holds for all in it."""

    path: str
    """As it was found; empty for the root."""
    node: h5py.Group
    inside: str
    """Its own path in its file."""
    in_detector: bool = False

    @property
    def nx_class(self) -> str:
        return text_of(self.node.attrs.get("NX_class"))


class _Walk:
    """One walk through a file, breadth first. Each group is entered once, however many links lead to it."""

    def __init__(self, file: h5py.File, contents: Contents) -> None:
        self._contents = contents
        self._default = _default_plot(file)
        self._waiting = [_WalkedGroup("", file, "/")]
        self._entered: set[object] = set()
        self._left = _MOST_OBJECTS

    def run(self) -> Iterator[tuple[Candidate, object]]:
        """Each candidate, with what tells whether it is another's own dataset."""
        while self._waiting:
            group = self._waiting.pop(0)
            identity = _identity(group.node)
            if identity not in self._entered:
                self._entered.add(identity)
                yield from self._group(group, is_default=identity == self._default)

    def _group(self, group: _WalkedGroup, *, is_default: bool) -> Iterator[tuple[Candidate, object]]:
        nx_class = group.nx_class
        signals = _signals(group.node, nx_class)
        in_detector = group.in_detector or nx_class == "NXdetector"
        names = set(names_in(group.node))
        self._contents.illegible += len(group.node) - len(names)
        for stack, candidate in _numbered(group.path, group.node, nx_class):
            names -= stack
            yield candidate, candidate.places
        for name in sorted(names):
            self._left -= 1
            if self._left < 0:
                self._contents.is_whole = False
                return
            evidence = Evidence.NOTHING
            if name in signals:
                evidence = Evidence.DEFAULT if is_default else Evidence.SIGNAL
            elif name == "data" and nx_class == "NXdetector":
                evidence = Evidence.DETECTOR
            yield from self._object(group, name, evidence, in_detector=in_detector)

    def _object(
        self, group: _WalkedGroup, name: str, evidence: Evidence, *, in_detector: bool
    ) -> Iterator[tuple[Candidate, object]]:
        path = f"{group.path}/{name}"
        try:
            node = group.node[name]
            place = place_of(group.node, group.inside, name, node)
        except _NOT_THERE as error:
            lost = _lost(path, group.node, evidence, error)
            if evidence is Evidence.NOTHING:
                self._contents.astray.append(lost)
            else:
                yield lost, path
            return
        if isinstance(node, h5py.Group):
            self._waiting.append(_WalkedGroup(path, node, place.dataset, in_detector))
        elif _is_numbers(node):
            kind = node.dtype.kind
            yield Candidate((path,), evidence, (place,), node.shape, kind, "", in_detector), _identity(node)


def _numbered(path: str, group: h5py.Group, nx_class: str) -> Iterator[tuple[frozenset[str], Candidate]]:
    """A master's links to its data files, such as `data_000001`, `data_000002`: as one candidate, in their order."""
    stacks: dict[str, list[tuple[int, str]]] = {}
    for name in names_in(group):
        if found := _NUMBERED.fullmatch(name):
            stacks.setdefault(found[1], []).append((int(found[2]), name))
    for base, numbered in stacks.items():
        names = [name for _, name in sorted(numbered)]
        links = [group.get(name, getlink=True) for name in names]
        is_data = base.strip("_-. ").lower() in _DATA
        if not all(isinstance(link, h5py.ExternalLink) for link in links):
            continue
        if not is_data and (len(links) == 1 or len({link.path for link in links}) > 1):
            continue
        there = _first(group, names)
        if there is None or _is_numbers(there):
            evidence = Evidence.SIGNAL if is_data or nx_class == "NXdata" else Evidence.NOTHING
            places = tuple(DatasetLocation(_beside(group, link.filename), link.path) for link in links)
            shape, kind = ((), "") if there is None else (there.shape, there.dtype.kind)
            yield frozenset(names), Candidate((f"{path}/{names[0]}",), evidence, places, shape, kind)


def _first(group: h5py.Group, names: list[str]) -> h5py.Dataset | h5py.Group | None:
    """The first of several that is there; None where none is."""
    for name in names:
        try:
            return group[name]
        except _NOT_THERE:
            continue
    return None


def _is_numbers(node: object) -> bool:
    return isinstance(node, h5py.Dataset) and node.ndim >= FRAME_RANK and node.dtype.kind in FEW_COLUMNS


def _lost(path: str, group: h5py.Group, evidence: Evidence, error: Exception) -> Candidate:
    """What is behind a link that leads nowhere."""
    link = group.get(path.rpartition("/")[2], getlink=True)
    if isinstance(link, h5py.ExternalLink):
        file = _beside(group, link.filename)
        return Candidate(
            (path,), evidence, (DatasetLocation(file, link.path),), gone=f"{link.path} of {file} is not there"
        )
    target = link.path if isinstance(link, h5py.SoftLink) else str(error)
    return Candidate((path,), evidence, (), gone=f"{target} is not there")


def _beside(group: h5py.Group, name: str) -> str:
    """A file that a link in a group names."""
    own = Path(file_of(group))
    return str(resolve(name, own) or candidates(name, own)[0])


def _default_plot(file: h5py.File) -> object:
    """The identity of the group that the chain of `@default` ends at; None where there is no chain."""
    node = file
    for _ in range(_LONGEST_CHAIN):
        name = text_of(node.attrs.get("default"))
        if not name:
            break
        try:
            below = node[name]
        except _NOT_THERE:
            return None
        if not isinstance(below, h5py.Group):
            break
        node = below
    return _identity(node) if node.name != "/" else None


def _signals(group: h5py.Group, nx_class: str) -> frozenset[str]:
    """The names of an NXdata's signals: by its own attribute, by that of a field (before 2014), by the usual name."""
    if nx_class != "NXdata":
        return frozenset()
    if name := text_of(group.attrs.get("signal")):
        return frozenset({name})
    own = (name for name in names_in(group) if isinstance(group.get(name, getlink=True), h5py.HardLink))
    marked = {name for name in own if text_of(group[name].attrs.get("signal")) == "1"}
    return frozenset(marked or {"data"})


def text_of(value: object) -> str:
    """An attribute, which some programs write as an array of one text."""
    one = value.flat[0] if isinstance(value, np.ndarray) and value.size else value
    return one.decode("utf-8", "replace") if isinstance(one, bytes) else "" if one is None else str(one)


def _identity(node: h5py.Group | h5py.Dataset) -> object:
    """What two ways to one object have in common: HDF5 numbers a file anew each time that it opens it."""
    return file_of(node), h5py.h5o.get_info(node.id).addr
