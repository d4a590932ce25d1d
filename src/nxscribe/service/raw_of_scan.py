"""A scan's raw files, and how many frames they are to have, when the scan has ended: from all who speak of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nxscribe.model import RawSeries, Reading, Snapshot
from nxscribe.plan import CapturePlan, camera_files
from nxscribe.records import EndReason, Record
from nxscribe.service.config import Config
from nxscribe.service.named_files import named_raw
from nxscribe.service.requests import EndRequest


def with_raw(
    record: Record, request: EndRequest, listed: tuple[RawSeries, ...], plan: CapturePlan, config: Config
) -> Record:
    """The ended `record` with its raw files: what the trigger lists goes before what was named during the scan, and
    that before what a camera says and what is to be looked for. Where the files that were named are some of those that
    the camera says, it is these: a control system may name the last one only. `listed` are the request's own.
    """
    final = record.final or record.initial
    finished = record.end_reason is EndReason.FINISHED
    cameras = camera_files(plan.detectors, record.initial, final, finished=finished)
    named = [one for one in named_raw(record, plan.detectors, final.readings) if one.detector not in request.files]
    more = {one.detector for one in named if not any(one.is_within(said) for said in cameras.series)}
    named = [one for one in named if one.detector in more]
    told = {series.detector for series in (*listed, *named)}
    said = [series for series in cameras.series if series.detector not in told]
    searches = tuple(search for search in record.searches if search.detector not in told)
    raw = (*listed, *named, *said)
    known = {**cameras.frames, **_configured(record, config.frames, final)}
    taking_part = {series.detector for series in raw} | {search.detector for search in searches}
    return replace(
        record,
        raw=raw,
        searches=searches,
        frames={name: count for name, count in known.items() if name in taking_part} | request.frames,
        notes=(*record.notes, *(problem.explanation for problem in cameras.problems)),
    )


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
