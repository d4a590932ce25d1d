"""A scan's raw files as nodes of its entry, whatever their format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np

from nxscribe.model import NO_DETECTOR, RawSeries, detector_group, plain
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode
from nxscribe.projections.nexus.raw import _listed as listed
from nxscribe.projections.nexus.raw._choice import Sought
from nxscribe.projections.nexus.raw._file_lists import FILES, file_list, note
from nxscribe.projections.nexus.raw._folder import identities, once
from nxscribe.projections.nexus.raw._raw_format import DetectorSeries, RawFormat
from nxscribe.projections.nexus.raw._raw_link import RawLink
from nxscribe.projections.nexus.raw._recognition import UNKNOWN, formats_of, in_words
from nxscribe.projections.nexus.raw.checksums import ALGORITHM, Checksums
from nxscribe.projections.nexus.raw.entry_paths import EntryPaths, is_escaped, on_disk
from nxscribe.projections.nexus.raw.frames import Frames, ListedOnlyError, NotYetError, RawError
from nxscribe.projections.nexus.raw.stamps import stamp_fields

_TOLD: Final = 20
"""Of a detector's files that are not whole, so many are told one by one."""


@dataclass(frozen=True, slots=True)
class Linker:
    """What is known of a scan's raw files besides their names."""

    names: EntryPaths
    groups: Mapping[str, str]
    """Each detector's group, as a path from the entry."""
    asked: Mapping[str, int] = field(default_factory=dict)
    """How many frames detectors were to give, where that is known."""
    checksums: Checksums | None = None
    with_checksums: frozenset[str] = frozenset()
    """The detectors whose listed files get them."""
    awaited: bool = False
    """Whether detectors may still be writing."""
    start: datetime | None = None
    end: datetime | None = None
    """Of the scan."""
    without_frames: str = ""
    """Why no file is to be looked into: the frames of all detectors are then missing for this reason."""

    def link(self, raw: Sequence[RawSeries]) -> list[RawLink]:
        """The links to all raw files: one for each detector, and the list of all files in `measurement/files`."""
        links: list[RawLink] = []
        files: list[list[str]] = []
        for detector in sorted(self.asked.keys() - {series.detector for series in raw}):
            links.append(RawLink(self.awaited))
            links[-1].count(detector_group(detector, self.groups), 0, self.asked[detector])
        for detector in dict.fromkeys(series.detector for series in raw):
            own = [series for series in raw if series.detector == detector]
            rest = [series for series in raw if series.detector != detector]
            link, paths = self._others(own, rest) if detector == NO_DETECTOR else self._detector(detector, own)
            links.append(link)
            files.append(paths)
        if raw:
            every = once([path for paths in files for path in paths]) if len(files) > 1 else files[0]
            listing = file_list(self.names.all_from_master(every))
            links.append(RawLink(nodes={FILES: listing}, classes={"measurement": "NXcollection"}))
        return links

    def _detector(self, detector: str, raw: Sequence[RawSeries]) -> tuple[RawLink, list[str]]:
        """What it adds, and all its files: those that a master of its own leads to among them."""
        group = detector_group(detector, self.groups)
        link, every = RawLink(self.awaited, group, classes={group: "NXdetector"}), []  # type: RawLink, list[str]
        with link.on_its_own():
            every += once(_paths(raw))
            called = self.names.all_from_master(every)
            link.nodes[f"{group}/data_file"] = note(called, frozenset())
            paths, unknown = tuple(every), None  # type: tuple[str, ...], RawError | None
            if self.without_frames:
                link.lack(f"{group}/data", RawError(self.without_frames), ": the frames are not linked")
                return link, every
            try:
                found = formats_of(paths)
            except RawError as error:
                found, unknown = frozenset(), error
            sought = Sought(detector, raw[0].dataset, self.start, self.end)
            series = next(iter(found)).series(paths, sought) if len(found) == 1 else None
            known = set(paths)
            if more := [path for path in (series.files if series else ()) if path not in known]:
                every[:] = once((*paths, *dict.fromkeys(more)))
                called = self.names.all_from_master(every)
            link.nodes[f"{group}/data_file"] = listing = note(called, found)
            listing.children |= stamp_fields(every)
            _tell_outside(link, f"{group}/data_file", called)
            if unknown:
                link.lack(f"{group}/data", unknown, ": the frames are not linked")
            else:
                self._link(link, detector, paths, found, series)
        return link, every

    def _link(
        self,
        link: RawLink,
        detector: str,
        paths: Sequence[str],
        found: AbstractSet[RawFormat],
        series: DetectorSeries | None,
    ) -> None:
        """Put the frames of a detector's files into its link, or why there are none, as of files of several formats."""
        group, asked = link.group, self.asked.get(detector)
        data = f"{group}/data"
        try:
            if series is None or UNKNOWN in found:
                raise ListedOnlyError(f"raw files of {in_words(found, paths)} can be listed only")
            frames = series.link(detector, self.names, asked)
        except ListedOnlyError as error:
            # Nothing is wrong with them, as far as can be seen: no more can be had of them through HDF5.
            link.warn(data, str(error))
            spoiled = _look_at_listed(link, f"{group}/data_file", paths)
            if all(one.one_frame_a_file for one in found):
                link.count(group, len(paths) - len(spoiled), asked)
            if self.checksums and detector in self.with_checksums:
                _add_checksums(link, group, self.checksums.of(group, paths, spoiled))
        except RawError as error:
            link.lack(data, error, ": the frames are not linked")
        else:
            _attach(link, group, frames, series.files)
            link.count(group, frames.shown, asked)

    def _others(self, raw: Sequence[RawSeries], of_detectors: Sequence[RawSeries]) -> tuple[RawLink, list[str]]:
        """Files that the control system named, and that belong to no detector of the config."""
        link, paths = RawLink(self.awaited), []  # type: RawLink, list[str]
        with link.on_its_own():
            named = once(_paths(raw))
            known = set(identities(_paths(of_detectors)))
            paths += [path for path, one in zip(named, identities(named), strict=True) if one not in known]
            _tell_outside(link, FILES, self.names.all_from_master(paths))
            if not self.without_frames:
                _look_at_listed(link, FILES, paths)
        return link, paths


def _attach(link: RawLink, group: str, frames: Frames, shown: Sequence[str]) -> None:
    """The frames, and what is to be said of the files `shown` through them."""
    link.aside = frames.aside
    data, inside = f"{group}/data", f"{group}/data_file"
    if frames.blocks:
        link.nodes |= {f"{group}/{name}": node for name, node in frames.blocks.items()}
        first, last = (f"{group}/{name}" for name in (next(iter(frames.blocks)), list(frames.blocks)[-1]))
        link.frames = first
        link.warn(
            data,
            f"compressed frames in {frames.files} files: one dataset over more than 500 could read as fill "
            f"values, so they are linked in blocks, {first} to {last}",
        )
    else:
        link.nodes[data] = frames.node
        link.frames = data
    for gap in frames.gaps:
        link.lack(data, gap)
    for remark in frames.remarks:
        link.warn(data, remark)
    if frames.doubt:
        link.warn(data, frames.doubt)
    if (odd := frames.uneven) is not None:
        link.warn(
            f"{inside}/{_name(shown[odd])}",
            f"{frames.counts[odd]} frames, where the first file has {frames.counts[0]}: it may be short, and the "
            f"frames after it be out of step",
        )
    if frames.spoiled:
        after = len(shown) - frames.files - 1
        what = f"it and the {after} after it are" if after else "it is"
        link.lack(f"{inside}/{_name(shown[frames.files])}", frames.spoiled, f": {what} not linked")
    elif frames.short and link.awaited:
        link.lack(f"{inside}/{_name(shown[-1])}", NotYetError(frames.short))


def _look_at_listed(link: RawLink, inside: str, paths: Sequence[str]) -> frozenset[str]:
    """Report the files that are not whole, and give them."""
    spoiled = listed.spoiled(paths)
    for path, error in list(spoiled.items())[:_TOLD]:
        link.lack(f"{inside}/{_name(path)}", error)
    if more := list(spoiled.values())[_TOLD:]:
        late = [error for error in more if isinstance(error, NotYetError)]
        link.lack(inside, (late or more)[0], f", and {len(more) - 1} more are not whole")
    return frozenset(spoiled)


def _add_checksums(link: RawLink, group: str, sums: Sequence[str]) -> None:
    """In NXnote's own words."""
    listing = link.nodes[f"{group}/data_file"]
    if any(sums) and isinstance(listing, GroupNode):
        listing.children["checksum"] = FieldNode(np.asarray(sums))
        listing.children["algorithm"] = FieldNode(np.asarray(ALGORITHM))
    if lacking := sums.count(""):
        error = NotYetError(f"{lacking} of {len(sums)} files have no checksum yet")
        link.lack(f"{group}/data_file/checksum", error)


def _tell_outside(link: RawLink, where: str, called: Sequence[str]) -> None:
    if outside := [name for name in called if name.startswith("/")]:
        link.warn(
            where,
            f"{len(outside)} raw files are outside the experiment's folder and are named by their absolute paths, "
            f"{outside[0]} first: they do not move with it",
        )


def _paths(raw: Iterable[RawSeries]) -> list[str]:
    """By series: there are ten thousand names in one folder."""
    found: list[str] = []
    for series in raw:
        folder = plain(series.directory)
        paths = [f"{folder}/{name}" for name in series]
        found += map(on_disk, paths) if is_escaped(f"{folder}/{series.pattern}") else paths
    return found


def _name(path: str) -> str:
    return path.rpartition("/")[2]
