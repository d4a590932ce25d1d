"""All raw files of one scan: those that its record names, and those that are found where it says to look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from nxscribe.model import RawSeries, detector_group, now
from nxscribe.projections.files import FileSettings
from nxscribe.projections.nexus.raw._confinement import Confinement
from nxscribe.projections.nexus.raw._file_lists import FILES
from nxscribe.projections.nexus.raw._link import Linker
from nxscribe.projections.nexus.raw._named_objects_link import object_links
from nxscribe.projections.nexus.raw._raw_link import RawLink
from nxscribe.projections.nexus.raw._search import look_for
from nxscribe.projections.nexus.raw.checksums import Checksums
from nxscribe.projections.nexus.raw.entry_paths import EntryPaths
from nxscribe.projections.nexus.raw.frames import RawError
from nxscribe.records.record import EndReason, Record


@dataclass(frozen=True, slots=True)
class ScanRaw:
    """What a scan's raw files add to its entry."""

    links: tuple[RawLink, ...]
    found: tuple[RawSeries, ...]
    """Those that the record does not name."""

    @property
    def pending(self) -> bool:
        """Whether any file is awaited."""
        return any(link.pending for link in self.links)


def is_awaited(record: Record, settings: FileSettings) -> bool:
    """Whether detectors may still be writing, as far as the clock tells."""
    return record.end_time is not None and now() < record.end_time + timedelta(hours=settings.raw_hours)


def raw_of(record: Record, settings: FileSettings, names: EntryPaths, without_frames: str = "") -> ScanRaw:
    """Look at all raw files of a scan, as they are now; where `without_frames` gives a reason, list them only."""
    allowed, refused = _confined(record)
    if record.is_open:
        linker = Linker(names, record.detectors, awaited=True, start=record.start_time, without_frames=without_frames)
        objects = object_links(record, names, awaited=True, without_frames=without_frames)
        return ScanRaw((*refused, *linker.link(allowed), *objects), ())
    awaited = is_awaited(record, settings) and not without_frames
    found: list[RawSeries] = []
    searches: list[RawLink] = []
    for search in record.searches:
        lacking = RawLink(awaited, detector_group(search.detector, record.detectors))
        searches.append(lacking)
        with lacking.on_its_own():
            result = look_for(search, record.start_time, record.end_time)
            found += result.series
            # Without a limit ahead, it is already known that more may follow.
            if result.lacking and (awaited or not result.series):
                lacking.lack(f"{lacking.group}/data_file", result.lacking)
    linker = Linker(
        names,
        record.detectors,
        # One that was cut short has fewer frames than it was to have, and nobody need be told.
        asked=record.frames if record.end_reason is EndReason.FINISHED else {},
        checksums=Checksums(names, settings.checksums_s),
        with_checksums=frozenset(record.checksums),
        awaited=awaited,
        start=record.start_time,
        end=record.end_time,
        without_frames=without_frames,
    )
    objects = object_links(record, names, awaited=awaited, without_frames=without_frames)
    links = (*searches, *refused, *linker.link((*allowed, *found)), *objects)
    # What is found without a look into it is not yet what the scan left.
    return ScanRaw(links, () if without_frames else tuple(found))


def _confined(record: Record) -> tuple[tuple[RawSeries, ...], list[RawLink]]:
    """The record's series that may be opened, and what is reported of the others: the control system named them, and
    they lie outside of the folders that the config allows.
    """
    if not record.roots:
        return record.raw, []  # of an earlier version, which kept none
    confinement = Confinement(record.roots)
    allowed: list[RawSeries] = []
    refused: list[RawLink] = []
    for series in record.raw:
        outside = confinement.leaves(series) if series.named else ""
        if not outside:
            allowed.append(series)
            continue
        link = RawLink(group=detector_group(series.detector, record.detectors) if series.detector else "")
        what = f"{outside} is outside the folders that the config allows (files.roots), by itself or by a symbolic link"
        place = f"{link.group}/data_file" if link.group else FILES
        link.lack(place, RawError(what), ": it is not opened, nor are those named with it")
        refused.append(link)
    return tuple(allowed), refused
