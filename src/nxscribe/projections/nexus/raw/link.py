"""A scan's raw files as nodes of its entry, whatever their format."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from nxscribe.model import RawSeries
from nxscribe.projections.nexus.account import RECORD_ID
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode, Node
from nxscribe.projections.nexus.raw import edf, hdf5
from nxscribe.projections.nexus.raw.frames import Frames, RawError, size_of
from nxscribe.projections.nexus.raw.names import Names

_HDF5: Final = frozenset({".h5", ".hdf5", ".nxs", ".nx", ".cxi"})
_EDF: Final = frozenset({".edf"})
_MEDIA_TYPES: Final = {**dict.fromkeys(_HDF5, "application/x-hdf5"), ".edf": "image/x-edf", ".cbf": "image/x-cbf"} | {
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}


@dataclass(slots=True)
class RawLink:
    """What one detector adds to the entry."""

    nodes: dict[str, Node] = field(default_factory=dict)
    """By path from the entry."""
    classes: dict[str, str] = field(default_factory=dict)
    """The NeXus class of groups that the definition may not have."""
    missing: dict[str, str] = field(default_factory=dict)
    frames: str = ""
    """The path of the frames, if they are linked."""
    aside: dict[Path, dict[str, Node]] = field(default_factory=dict)
    """What goes to files aside, by path in their entry; the first is needed by the next."""


def link_raw(raw: Sequence[RawSeries], groups: dict[str, str], names: Names) -> list[RawLink]:
    """The links to all raw files of a scan: one for each detector, and the list of all files in `measurement/files`.

    `groups` gives each detector's group as a path from the entry.
    """
    if not raw:
        return []
    links = []
    for detector in dict.fromkeys(series.detector for series in raw):
        group = groups.get(detector, f"instrument/{detector}").strip("/")
        links.append(_link_detector(detector, group, [one for one in raw if one.detector == detector], names))
    files = [names.from_master(path) for series in raw for path in _paths(series)]
    everything = RawLink({"measurement/files": _file_list(files)}, {"measurement": "NXcollection"})
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


def _link_detector(detector: str, group: str, raw: Sequence[RawSeries], names: Names) -> RawLink:
    paths = [path for series in raw for path in _paths(series)]
    link = RawLink(classes={group: "NXdetector"})
    data = f"{group}/data"
    link.nodes[f"{group}/data_file"] = _note([names.from_master(path) for path in paths], paths[0].suffix.lower())
    try:
        frames = _frames(detector, paths, raw[0].dataset, names)
    except RawError as error:
        link.missing[data] = f"{error}: the frames are not linked"
        return link
    if frames.spoiled:
        after = len(paths) - frames.files - 1
        link.missing[f"{group}/data_file/{paths[frames.files].name}"] = (
            f"{frames.spoiled}: it and the {after} after it are not linked"
        )
    link.nodes[data] = frames.node
    link.aside = frames.aside
    link.frames = data
    return link


def _frames(detector: str, paths: Sequence[Path], dataset: str, names: Names) -> Frames:
    suffixes = {path.suffix.lower() for path in paths}
    if suffixes <= _HDF5:
        return hdf5.link(paths, dataset, names)
    if suffixes <= _EDF:
        return edf.link(detector, paths, names)
    for path in paths:
        size_of(path)
    raise RawError(f"raw files of the kind {', '.join(sorted(suffixes))} can be listed only")


def _paths(series: RawSeries) -> Iterable[Path]:
    directory = Path(os.path.normpath(series.directory))
    return (directory / name for name in series)


def _file_list(files: Sequence[str]) -> FieldNode:
    attributes = {"description": np.asarray("Raw files of the scan; relative names start at the master file's folder")}
    return FieldNode(np.asarray(files), attributes)


def _note(files: Sequence[str], suffix: str) -> GroupNode:
    """NeXus's place for a detector's files: NXdetector/data_file, an NXnote."""
    children: dict[str, Node] = {"file_name": _file_list(files)}
    if media_type := _MEDIA_TYPES.get(suffix):
        children["type"] = FieldNode(np.asarray(media_type))
    return GroupNode("NXnote", children)
