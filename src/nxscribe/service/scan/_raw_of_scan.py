"""The raw files of a scan: those that the control system names one by one, and all of them when the scan has ended."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from nxscribe.errors import Problem, TriggerRefusedError
from nxscribe.model import NO_DETECTOR, RawSearch, RawSeries, Reading, Snapshot, plain, with_file
from nxscribe.plan import CapturePlan, LimaDetector, camera_files, writes
from nxscribe.records import EndReason, Record
from nxscribe.service.config import Config
from nxscribe.service.config.watching import trigger_of
from nxscribe.service.scan._named_objects import by_name_outside, is_within
from nxscribe.service.scan.requests import ListedFiles, with_dataset


def with_named_file(
    record: Record, name: str, cameras: Mapping[str, LimaDetector], datasets: Mapping[str, str]
) -> Record:
    """The record with one more raw file: of the detector that writes such names, or of none.

    A relative name belongs to the scan's own folder. Raises TriggerRefusedError for what is no file's name.
    """
    name, dataset = with_dataset(name)
    path = plain(os.path.join(record.directory, name))  # noqa: PTH118 - texts, as the record has them
    try:
        if not name.strip() or name.endswith("/"):
            raise ValueError(f"{name!r} names no file")
        detector = _camera(path, cameras, record.initial.readings) or _folder(path, record.searches)
        if not dataset:
            own = (series.dataset for series in record.raw if series.detector == detector != NO_DETECTOR)
            dataset = next(own, datasets.get(detector, ""))
        return replace(record, raw=with_file(record.raw, detector, path, dataset))
    except ValueError as error:
        raise TriggerRefusedError(
            Problem(str(error), remedy="write a file's path, or its name in the scan's folder")
        ) from None


def with_named_files(
    record: Record, names: Iterable[str], cameras: Mapping[str, LimaDetector], datasets: Mapping[str, str]
) -> tuple[Record, tuple[str, ...]]:
    """The record with more raw files, each as in `with_named_file`, and what is no file's name, with the reason."""
    unusable: list[str] = []
    for name in names:
        try:
            record = with_named_file(record, name, cameras, datasets)
        except TriggerRefusedError as error:
            unusable += (f"a raw file is left out: {problem.what}" for problem in error.problems)
    return record, tuple(unusable)


def named_raw(
    record: Record, cameras: Mapping[str, LimaDetector], final: Mapping[str, Reading]
) -> tuple[RawSeries, ...]:
    """All files that were named in a scan, now that it is over: a camera may have been prepared after its start."""
    return tuple(
        replace(series, detector=camera, dataset=series.dataset or cameras[camera].dataset)
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


def with_raw(record: Record, listed: ListedFiles, plan: CapturePlan, config: Config) -> Record:
    """The ended `record` with its raw files: what the trigger lists goes before what was named during the scan, and
    that before what a camera says and what is to be looked for. Where the files that were named are some of those that
    the camera says, it is these: a control system may name the last one only. `listed` is what can be used of the end:
    a detector of which nothing can be used keeps what was named.
    """
    final = record.final or record.initial
    finished = record.end_reason is EndReason.FINISHED
    begun_by = trigger_of(record.given)
    cameras = camera_files(plan.detectors, record.initial, final, finished=finished, begun_by=begun_by)
    listed_of = {series.detector for series in listed.series} - {NO_DETECTOR}
    named = [one for one in named_raw(record, plan.detectors, final.readings) if one.detector not in listed_of]
    more = {one.detector for one in named if not any(one.is_within(said) for said in cameras.series)}
    named = [one for one in named if one.detector in more]
    told = {series.detector for series in (*listed.series, *named)}
    said = [_confined(series, record.given) for series in cameras.series if series.detector not in told]
    searches = tuple(search for search in record.searches if search.detector not in told)
    raw = (*listed.series, *named, *said)
    known = {**cameras.frames, **_configured(record, config.frames, final)}
    taking_part = {series.detector for series in raw} | {search.detector for search in searches}
    return replace(
        record,
        raw=raw,
        searches=searches,
        frames={name: count for name, count in known.items() if name in taking_part} | listed.frames,
        notes=(*record.notes, *(problem.explanation for problem in cameras.problems), *_several_datasets(raw)),
    )


def _several_datasets(raw: Iterable[RawSeries]) -> Iterator[str]:
    """What is to be told of detectors whose files were named with several paths of frames."""
    datasets: dict[str, list[str]] = {}
    for series in raw:
        known = datasets.setdefault(series.detector, [])
        if series.detector != NO_DETECTOR and (inside := series.dataset.strip("/")) not in known:
            known.append(inside)
    for detector, (first, *others) in ((name, known) for name, known in datasets.items() if len(known) > 1):
        where = f"at {first!r}" if first else "where they are found in the first file"
        more = ", ".join(other or "any other place" for other in others)
        yield (
            f"the frames of {detector} are looked for {where}, not at {more}: the files of a detector all have them at "
            f"one path"
        )


def _confined(series: RawSeries, given: Collection[str]) -> RawSeries:
    """A camera's files: named by the control system, if that gave any of the camera's readings."""
    is_named = any(name.startswith(f"{series.detector}.") for name in given)
    return replace(series, named=True) if is_named else series


def outside(series: Iterable[RawSeries], roots: Collection[str]) -> tuple[str, ...]:
    """What is to be told of raw files that the control system named: those whose names lie outside of the folders."""
    folders = dict.fromkeys(plain(one.directory) for one in series)
    return tuple(
        f"raw files were named in {folder!r}, which {by_name_outside(roots)}"
        for folder in folders
        if not is_within(f"{folder}/", roots)
    )


def _camera(path: str, cameras: Mapping[str, LimaDetector], readings: Mapping[str, Reading]) -> str:
    return next((name for name, camera in cameras.items() if writes(camera, readings, path)), NO_DETECTOR)


def _folder(path: str, searches: tuple[RawSearch, ...]) -> str:
    folder, _, name = path.rpartition("/")
    fitting = (
        search.detector
        for search in searches
        if plain(search.directory) == folder and fnmatchcase(name, search.pattern)
    )
    return next(fitting, NO_DETECTOR)


def _configured(record: Record, frames: Mapping[str, int | str], final: Snapshot) -> dict[str, int]:
    """What the config says, where a placeholder that it names has a number."""
    found: dict[str, int] = {}
    readings = {**record.initial.readings, **final.readings, **record.given}
    for detector, asked in frames.items():
        if isinstance(asked, int):
            found[detector] = asked
        elif (reading := readings.get(asked)) and (count := _whole_number(reading)) is not None:
            found[detector] = count
    return found


def _whole_number(reading: Reading) -> int | None:
    value = reading.value
    if value is None or value.shape != () or value.dtype.kind not in "iuf":
        return None
    number = float(value)
    # HDF5 holds no greater one.
    return int(number) if number.is_integer() and 0 <= number < 2**63 else None
