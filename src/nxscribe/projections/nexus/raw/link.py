"""A scan's raw files as nodes of its entry, whatever their format."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from nxscribe.model import NO_DETECTOR, RawSeries, detector_group
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode
from nxscribe.projections.nexus.raw import blocks, edf, hdf5, listed, tiff
from nxscribe.projections.nexus.raw.checksums import ALGORITHM, Checksums
from nxscribe.projections.nexus.raw.file_lists import CBF, EDF, FILES, HDF5, TIFF, file_list, note
from nxscribe.projections.nexus.raw.frames import Frames, ListedOnlyError, NotYetError, RawError
from nxscribe.projections.nexus.raw.hdf5_file import sources
from nxscribe.projections.nexus.raw.names import Names
from nxscribe.projections.nexus.raw.raw_link import RawLink

_TOLD: Final = 20
"""Of a detector's files that are not whole, so many are told one by one."""


@dataclass(frozen=True, slots=True)
class Linker:
    """What is known of a scan's raw files besides their names."""

    names: Names
    groups: Mapping[str, str]
    """Each detector's group, as a path from the entry."""
    asked: Mapping[str, int] = field(default_factory=dict)
    """How many frames detectors were to give, where that is known."""
    checksums: Checksums | None = None
    with_checksums: frozenset[str] = frozenset()
    """The detectors whose listed files get them."""
    awaited: bool = False
    """Whether detectors may still be writing."""

    def link(self, raw: Sequence[RawSeries]) -> list[RawLink]:
        """The links to all raw files: one for each detector, and the list of all files in `measurement/files`."""
        links, files = [], []
        for detector in sorted(self.asked.keys() - {series.detector for series in raw}):
            links.append(RawLink(self.awaited))
            links[-1].count(detector_group(detector, self.groups), 0, self.asked[detector])
        for detector in dict.fromkeys(series.detector for series in raw):
            own = [series for series in raw if series.detector == detector]
            link, names = self._others(own) if detector == NO_DETECTOR else self._detector(detector, own)
            links.append(link)
            files += names
        if raw:
            links.append(RawLink(nodes={FILES: file_list(files)}, classes={"measurement": "NXcollection"}))
        return links

    def _detector(self, detector: str, raw: Sequence[RawSeries]) -> tuple[RawLink, list[str]]:
        """What it adds, and the names of all its files: those that a master of its own leads to among them."""
        group = detector_group(detector, self.groups)
        paths = [path for series in raw for path in _paths(series)]
        kinds = {os.path.splitext(path)[1].lower() for path in paths}  # noqa: PTH122 - texts throughout
        parts = sources(paths, raw[0].dataset) if kinds <= HDF5 else ()
        known = set(paths)
        every = [*paths, *(part.path for part in parts if part.path not in known)]
        called = [self.names.from_master(path) for path in every]
        link = RawLink(self.awaited, classes={group: "NXdetector"})
        listing = link.nodes[f"{group}/data_file"] = note(called, kinds)
        _tell_outside(link, f"{group}/data_file", called)
        data, asked = f"{group}/data", self.asked.get(detector)
        try:
            if kinds <= HDF5:
                shown, frames = [part.path for part in parts], hdf5.link(detector, parts, self.names)
            elif kinds <= EDF or kinds <= TIFF:
                shown, frames = paths, blocks.link(edf if kinds <= EDF else tiff, detector, paths, self.names)
            else:
                raise ListedOnlyError(f"raw files of the kind {', '.join(sorted(kinds))} can be listed only")
        except ListedOnlyError as error:
            # Nothing is wrong with them, as far as can be seen: no more can be had of them through HDF5.
            link.warnings.append(f"{data}: {error}")
            spoiled = _look_at_listed(link, f"{group}/data_file", paths)
            if kinds <= CBF:
                link.count(group, len(paths) - len(spoiled), asked)
            if self.checksums and detector in self.with_checksums:
                _add_checksums(link, group, listing, self.checksums.of(group, paths, spoiled))
        except RawError as error:
            link.lack(data, error, ": the frames are not linked")
        else:
            _attach(link, group, frames, shown)
            link.count(group, frames.shown, asked)
        return link, called

    def _others(self, raw: Sequence[RawSeries]) -> tuple[RawLink, list[str]]:
        """Files that the control system named, and that are no detector's of the config."""
        link = RawLink(self.awaited)
        paths = [path for series in raw for path in _paths(series)]
        called = [self.names.from_master(path) for path in paths]
        _tell_outside(link, FILES, called)
        _look_at_listed(link, FILES, paths)
        return link, called


def _attach(link: RawLink, group: str, frames: Frames, shown: Sequence[str]) -> None:
    """The frames, and what is to be said of the files `shown` through them."""
    link.aside = frames.aside
    data, inside = f"{group}/data", f"{group}/data_file"
    if frames.blocks:
        link.nodes |= {f"{group}/{name}": node for name, node in frames.blocks.items()}
        first, last = (f"{group}/{name}" for name in (next(iter(frames.blocks)), list(frames.blocks)[-1]))
        link.frames = first
        link.warnings.append(
            f"{data}: compressed frames in {frames.files} files: one dataset over more than 500 could read as fill "
            f"values, so they are linked in blocks, {first} to {last}"
        )
    else:
        link.nodes[data] = frames.node
        link.frames = data
    if frames.doubt:
        link.warnings.append(f"{data}: {frames.doubt}")
    if (odd := frames.uneven) is not None:
        link.warnings.append(
            f"{inside}/{_name(shown[odd])}: {frames.counts[odd]} frames, where the first file has "
            f"{frames.counts[0]}: it may be short, and the frames after it be out of step"
        )
    if frames.spoiled:
        after = len(shown) - frames.files - 1
        what = "it" if not after else f"it and the {after} after it"
        link.lack(f"{inside}/{_name(shown[frames.files])}", frames.spoiled, f": {what} are not linked")
    elif frames.short and link.awaited:
        link.pending[f"{inside}/{_name(shown[-1])}"] = frames.short


def _look_at_listed(link: RawLink, inside: str, paths: Sequence[str]) -> frozenset[str]:
    """Report the files that are not whole, and give them."""
    spoiled = listed.spoiled(paths)
    for path, error in list(spoiled.items())[:_TOLD]:
        link.lack(f"{inside}/{_name(path)}", error)
    if more := list(spoiled.values())[_TOLD:]:
        late = [error for error in more if isinstance(error, NotYetError)]
        link.lack(inside, (late or more)[0], f", and {len(more) - 1} more are not whole")
    return frozenset(spoiled)


def _add_checksums(link: RawLink, group: str, listing: GroupNode, sums: Sequence[str]) -> None:
    """In NXnote's own words."""
    if any(sums):
        listing.children["checksum"] = FieldNode(np.asarray(sums))
        listing.children["algorithm"] = FieldNode(np.asarray(ALGORITHM))
    if lacking := sums.count(""):
        error = NotYetError(f"{lacking} of {len(sums)} files have no checksum yet")
        link.lack(f"{group}/data_file/checksum", error)


def _tell_outside(link: RawLink, where: str, called: Sequence[str]) -> None:
    if outside := [name for name in called if name.startswith("/")]:
        link.warnings.append(
            f"{where}: {len(outside)} raw files are outside the experiment's folder and are named by their "
            f"absolute paths, {outside[0]} first: they do not move with it"
        )


def _paths(series: RawSeries) -> Iterable[str]:
    directory = os.path.normpath(series.directory)
    return (f"{directory}/{name}" for name in series)


def _name(path: str) -> str:
    return path.rpartition("/")[2]
