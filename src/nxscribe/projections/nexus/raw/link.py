"""A scan's raw files as nodes of its entry, whatever their format."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from nxscribe.model import NO_DETECTOR, RawSeries, detector_group
from nxscribe.projections.nexus.account import RECORD_ID
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode, Node
from nxscribe.projections.nexus.raw import blocks, edf, hdf5, listed, tiff
from nxscribe.projections.nexus.raw.frames import Frames, ListedOnlyError, NotYetError, RawError
from nxscribe.projections.nexus.raw.hdf5_file import sources
from nxscribe.projections.nexus.raw.names import Names

_HDF5: Final = frozenset({".h5", ".hdf5", ".nxs", ".nx", ".cxi", ".hdf"})
_EDF: Final = frozenset({".edf"})
_TIFF: Final = frozenset({".tif", ".tiff"})
_ONE_FRAME_A_FILE: Final = frozenset({".cbf"})
_UNKNOWN: Final[Mapping[str, int]] = MappingProxyType({})
_MEDIA_TYPES: Final = {
    **dict.fromkeys(_HDF5, "application/x-hdf5"),
    **dict.fromkeys(_TIFF, "image/tiff"),
    ".edf": "image/x-edf",
    ".cbf": "image/x-cbf",
    ".gz": "application/gzip",
}
FILES: Final = "measurement/files"
"""The list of all raw files of a scan."""
_TOLD: Final = 20
"""Of a detector's files that are not whole, so many are told one by one."""


@dataclass(slots=True)
class RawLink:
    """What one detector adds to the entry."""

    nodes: dict[str, Node] = field(default_factory=dict)
    """By path from the entry."""
    classes: dict[str, str] = field(default_factory=dict)
    """The NeXus class of groups that the definition may not have."""
    missing: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    """What is missing as yet: its detector may still be writing it."""
    warnings: list[str] = field(default_factory=list)
    frames: str = ""
    """The path of the frames, if they are linked."""
    aside: dict[Path, dict[str, Node]] = field(default_factory=dict)
    """What goes to files aside, by path in their entry; the first is needed by the next."""

    def lack(self, path: str, error: RawError, more: str, *, awaited: bool) -> None:
        """Report what is not there, as pending where it may still come and is awaited."""
        lacking = self.pending if awaited and isinstance(error, NotYetError) else self.missing
        before = f"{lacking[path]}; " if path in lacking else ""
        lacking[path] = f"{before}{error}{more}"

    def count(self, group: str, there: int, asked: int | None, *, awaited: bool) -> None:
        """Report another number of frames than was asked for."""
        if asked is None or there == asked:
            return
        what = f"{there} frames are there, where {asked} were to come"
        if there < asked:
            self.lack(f"{group}/data_file", NotYetError(what), "", awaited=awaited)
        else:
            self.warnings.append(f"{group}/data_file: {what}")


def link_raw(
    raw: Sequence[RawSeries],
    groups: Mapping[str, str],
    names: Names,
    *,
    asked: Mapping[str, int] = _UNKNOWN,
    awaited: bool = False,
) -> list[RawLink]:
    """The links to all raw files of a scan: one for each detector, and the list of all files in `measurement/files`.

    `groups` gives each detector's group as a path from the entry, `asked` how many frames it was to give, where that is
    known. `awaited` says that detectors may still be writing.
    """
    links, files = [], []
    for detector in asked.keys() - {series.detector for series in raw}:
        links.append(RawLink())
        links[-1].count(detector_group(detector, groups), 0, asked[detector], awaited=awaited)
    if not raw:
        return links
    for detector in dict.fromkeys(series.detector for series in raw):
        own = [one for one in raw if one.detector == detector]
        if detector == NO_DETECTOR:
            link, listed_files = _look_at_others(own, names, awaited=awaited)
        else:
            group = detector_group(detector, groups)
            link, listed_files = _link_detector(detector, group, own, names, asked.get(detector), awaited=awaited)
        links.append(link)
        files += listed_files
    everything = RawLink({FILES: _file_list(files)}, {"measurement": "NXcollection"})
    return [*links, everything]


def files_aside(links: Iterable[RawLink], names: Names) -> dict[Path, GroupNode]:
    """The entries of the files that the links of all detectors need, in the order in which they can be written."""
    entries: dict[Path, GroupNode] = {}
    for link in links:
        for path, nodes in link.aside.items():
            entry = entries.setdefault(path, _entry_aside(names))
            for place, node in nodes.items():
                parent, _, name = place.rpartition("/")
                entry.require(parent, "NXcollection").children[name] = node
    return entries


def _entry_aside(names: Names) -> GroupNode:
    """It says for whom it is, to those who come upon it."""
    entry = GroupNode("NXentry")
    entry.children["title"] = FieldNode(np.asarray(f"Raw frames of {names.entry} of {names.master.name}"))
    parent, _, name = RECORD_ID.rpartition("/")
    entry.require(parent, "NXcollection").children[name] = FieldNode(np.asarray(names.record_id))
    return entry


def _link_detector(
    detector: str, group: str, raw: Sequence[RawSeries], names: Names, asked: int | None, *, awaited: bool
) -> tuple[RawLink, list[str]]:
    """What the detector adds, and the names of all its files: those that a master of its own leads to among them."""
    paths = [path for series in raw for path in _paths(series)]
    kinds = {os.path.splitext(path)[1].lower() for path in paths}  # noqa: PTH122 - texts throughout
    parts = sources(paths, raw[0].dataset) if kinds <= _HDF5 else ()
    known = set(paths)
    every = [*paths, *(part.path for part in parts if part.path not in known)]
    link = RawLink(classes={group: "NXdetector"})
    called = [names.from_master(path) for path in every]
    link.nodes[f"{group}/data_file"] = _note(called, kinds)
    _tell_outside(link, f"{group}/data_file", called)
    data, inside = f"{group}/data", f"{group}/data_file"
    try:
        if kinds <= _HDF5:
            shown, frames = [part.path for part in parts], hdf5.link(detector, parts, names)
        elif kinds <= _EDF or kinds <= _TIFF:
            shown, frames = paths, blocks.link(edf if kinds <= _EDF else tiff, detector, paths, names)
        else:
            raise ListedOnlyError(f"raw files of the kind {', '.join(sorted(kinds))} can be listed only")
    except ListedOnlyError as error:
        # Nothing is wrong with them, as far as can be seen: no more can be had of them through HDF5.
        link.warnings.append(f"{data}: {error}")
        whole = _look_at_listed(link, inside, paths, awaited=awaited)
        if kinds <= _ONE_FRAME_A_FILE:
            link.count(group, whole, asked, awaited=awaited)
        return link, called
    except RawError as error:
        link.lack(data, error, ": the frames are not linked", awaited=awaited)
        return link, called
    _attach(link, data, frames)
    link.count(group, frames.shown, asked, awaited=awaited)
    if frames.doubt:
        link.warnings.append(f"{data}: {frames.doubt}")
    if (odd := frames.uneven) is not None:
        link.warnings.append(
            f"{inside}/{os.path.basename(shown[odd])}: {frames.counts[odd]} frames, where the first file has "  # noqa: PTH119
            f"{frames.counts[0]}: it may be short, and the frames after it be out of step"
        )
    if frames.spoiled:
        after = len(shown) - frames.files - 1
        what = "it" if not after else f"it and the {after} after it"
        path = f"{inside}/{os.path.basename(shown[frames.files])}"  # noqa: PTH119
        link.lack(path, frames.spoiled, f": {what} are not linked", awaited=awaited)
    elif frames.short and awaited:
        link.pending[f"{inside}/{os.path.basename(shown[-1])}"] = frames.short  # noqa: PTH119
    return link, called


def _look_at_others(raw: Sequence[RawSeries], names: Names, *, awaited: bool) -> tuple[RawLink, list[str]]:
    """Files that the control system named, and that are no detector's of the config."""
    link = RawLink()
    paths = [path for series in raw for path in _paths(series)]
    called = [names.from_master(path) for path in paths]
    _tell_outside(link, FILES, called)
    _look_at_listed(link, FILES, paths, awaited=awaited)
    return link, called


def _tell_outside(link: RawLink, where: str, called: Sequence[str]) -> None:
    if outside := [name for name in called if name.startswith("/")]:
        link.warnings.append(
            f"{where}: {len(outside)} raw files are outside the experiment's folder and are named by their "
            f"absolute paths, {outside[0]} first: they do not move with it"
        )


def _attach(link: RawLink, data: str, frames: Frames) -> None:
    link.aside = frames.aside
    if not frames.blocks:
        link.nodes[data] = frames.node
        link.frames = data
        return
    group = data.rpartition("/")[0]
    link.nodes |= {f"{group}/{name}": node for name, node in frames.blocks.items()}
    first, last = (f"{group}/{name}" for name in (next(iter(frames.blocks)), list(frames.blocks)[-1]))
    link.frames = first
    link.warnings.append(
        f"{data}: compressed frames in {frames.files} files: one dataset over more than 500 could read as fill values, "
        f"so they are linked in blocks, {first} to {last}"
    )


def _look_at_listed(link: RawLink, inside: str, paths: Sequence[str], *, awaited: bool) -> int:
    """Report the files that are not whole. Gives how many are."""
    spoiled = listed.spoiled(paths)
    for path, error in list(spoiled.items())[:_TOLD]:
        link.lack(f"{inside}/{os.path.basename(path)}", error, "", awaited=awaited)  # noqa: PTH119
    if more := list(spoiled.values())[_TOLD:]:
        late = [error for error in more if isinstance(error, NotYetError)]
        link.lack(inside, (late or more)[0], f", and {len(more) - 1} more are not whole", awaited=awaited)
    return len(paths) - len(spoiled)


def _paths(series: RawSeries) -> Iterable[str]:
    directory = os.path.normpath(series.directory)
    return (f"{directory}/{name}" for name in series)


def _file_list(files: Sequence[str]) -> FieldNode:
    attributes = {"description": np.asarray("Raw files of the scan; relative names start at the master file's folder")}
    return FieldNode(np.asarray(files), attributes)


def _note(files: Sequence[str], kinds: set[str]) -> GroupNode:
    """NeXus's place for a detector's files: NXdetector/data_file, an NXnote."""
    children: dict[str, Node] = {"file_name": _file_list(files)}
    if media_type := _MEDIA_TYPES.get(min(kinds)):
        children["type"] = FieldNode(np.asarray(media_type))
    return GroupNode("NXnote", children)
