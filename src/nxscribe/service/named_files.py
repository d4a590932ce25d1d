"""Raw files that the control system names one by one while a scan runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from nxscribe.errors import Problem, TriggerRefusedError
from nxscribe.model import NO_DETECTOR, RawSearch, RawSeries, Reading, with_file
from nxscribe.plan import LimaDetector, writes
from nxscribe.records import Record

_LONGEST: Final = 255
"""Bytes of a file's name, in every file system."""


def with_named_file(
    record: Record, name: str, cameras: Mapping[str, LimaDetector], datasets: Mapping[str, str]
) -> Record:
    """The record with one more raw file: of the detector that writes such names, or of none.

    A relative name belongs to the scan's own folder. Raises TriggerRefusedError for what is no file's name.
    """
    path = os.path.normpath(os.path.join(record.directory, name))  # noqa: PTH118 - texts, as the record has them
    if not name.strip() or name.endswith("/") or "\0" in name or len(os.path.basename(path).encode()) > _LONGEST:  # noqa: PTH119
        raise TriggerRefusedError(
            Problem(f"{name!r} names no file", remedy="write a file's path, or its name in the scan's folder")
        )
    detector = _camera(path, cameras, record.initial.readings) or _folder(path, record.searches)
    return replace(record, raw=with_file(record.raw, detector, path, datasets.get(detector, "")))


def named_raw(
    record: Record, cameras: Mapping[str, LimaDetector], final: Mapping[str, Reading]
) -> tuple[RawSeries, ...]:
    """All files that were named in a scan, now that it is over: a camera may have been prepared after its start."""
    return tuple(
        replace(series, detector=camera, dataset=cameras[camera].dataset)
        if series.detector == NO_DETECTOR
        and (camera := _camera(f"{series.directory}/{next(iter(series))}", cameras, final))
        else series
        for series in record.raw
    )


def last_named(record: Record) -> str:
    """The file that was named last, as far as the record tells."""
    if not record.raw:
        return ""
    series = record.raw[-1]
    return f"{series.directory}/{series.name(series.first + series.count - 1)}"


def _camera(path: str, cameras: Mapping[str, LimaDetector], readings: Mapping[str, Reading]) -> str:
    return next((name for name, camera in cameras.items() if writes(camera, readings, path)), NO_DETECTOR)


def _folder(path: str, searches: tuple[RawSearch, ...]) -> str:
    folder, _, name = path.rpartition("/")
    fitting = (
        search.detector
        for search in searches
        if os.path.normpath(search.directory) == folder and fnmatchcase(name, search.pattern)
    )
    return next(fitting, NO_DETECTOR)
