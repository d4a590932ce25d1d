"""Checks the form of all units, times and identifiers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import h5py
import numpy as np

from nxscribe.errors import Severity
from nxscribe.model import from_iso, units
from nxscribe.model.identifiers import identifier_kind, identifier_problem
from nxscribe.projections.nexus.validate._entry_context import EntryContext, Object, objects, text
from nxscribe.projections.nexus.validate._finding import Check, Finding

_MICRO_SIGN: Final = "\u00b5"
"""The only character outside ASCII that UDUNITS and the validators accept."""
_TIME_ATTRIBUTES: Final = frozenset({"timestamp", "file_time", "file_update_time", "start", "date"})
_DURATION_SLACK_S: Final = 1.0
"""The tolerance for durations, because they are rounded."""
_TIME_FIELDS: Final = ("start_time", "end_time", "date", "_capture_start")


def check_values(place: EntryContext) -> Iterator[Finding]:
    """Errors in the units, times and identifiers of an entry."""
    for path, node in objects(place.group):
        yield from _units(place, path, node)
        yield from _times(place, path, node)
        yield from _identifier(place, path, node)
    yield from _order(place)


def check_root_times(file: h5py.File, name: str) -> Iterator[Finding]:
    """Errors in the times of the root of a file."""
    for attribute in ("file_time", "file_update_time"):
        if attribute in file.attrs and (doubt := _time_doubt(text(file.attrs[attribute]))):
            yield Finding(Check.TIMES, name, f"/@{attribute}", doubt)


def _units(place: EntryContext, path: str, node: Object) -> Iterator[Finding]:
    if "units" not in node.attrs:
        return
    where, unit = f"{path}@units", text(node.attrs["units"])
    if unit is None:
        yield place.find(Check.UNITS, where, f"it is not a text: {node.attrs['units']!r}")
        return
    plain = unit.replace(_MICRO_SIGN, "u")
    if not plain.strip():
        yield place.find(Check.UNITS, where, "it is empty", "", "leave it out where there is no unit")
    elif plain not in (units.spelling(plain), units.written(plain)):
        yield place.find(
            Check.UNITS, where, f"{unit!r} is not the spelling that UDUNITS and NeXus take",
            "", f"write {units.written(plain)!r}",
        )  # fmt: skip
    elif not units.is_known(plain):
        yield Finding(
            Check.UNITS, str(place.file), where, f"{unit!r} is not a known unit", "", "write one that UDUNITS knows",
            Severity.ERROR,
        )  # fmt: skip


def _times(place: EntryContext, path: str, node: Object) -> Iterator[Finding]:
    for name in _TIME_ATTRIBUTES & set(node.attrs):
        value = text(node.attrs[name])
        is_time = name == "timestamp" or bool(value and value[:1].isdigit())
        if is_time and (doubt := _time_doubt(value)):
            yield place.find(Check.TIMES, f"{path}@{name}", doubt)
    is_time = isinstance(node, h5py.Dataset) and path.rpartition("/")[2].endswith(_TIME_FIELDS)
    if is_time and h5py.check_string_dtype(node.dtype) and (doubt := _time_doubt(text(node))):
        yield place.find(Check.TIMES, path, doubt, "", "write ISO 8601 with a zone: 2026-03-01T12:00:00+01:00")


def _order(place: EntryContext) -> Iterator[Finding]:
    moments = []
    for name in ("start_time", "end_time"):
        try:
            moments.append(from_iso(text(place.group.get(name)) or ""))
        except ValueError:
            return
    if all(moment.tzinfo for moment in moments) and moments[1] < moments[0]:
        yield place.find(Check.TIMES, f"{place.group.name}/end_time", "the end is before the start")
    elif all(moment.tzinfo for moment in moments):
        yield from _duration(place, moments[1] - moments[0])


def _duration(place: EntryContext, between: timedelta) -> Iterator[Finding]:
    """`duration`, where it is there, is the time between start and end."""
    duration = place.group.get("duration")
    if not isinstance(duration, h5py.Dataset) or duration.shape or duration.dtype.kind not in "iuf":
        return
    unit = text(duration.attrs.get("units")) or "s"
    if not units.convertible(unit, "s"):
        return  # a finding about the unit
    told_s = float(units.convert(np.asarray(duration[()]), unit, "s"))
    if abs(told_s - between.total_seconds()) > _DURATION_SLACK_S:
        yield place.find(
            Check.TIMES, f"{place.group.name}/duration",
            f"it is {told_s:g} s, where {between.total_seconds():g} s are between start and end",
            "one of the three was changed since", "make the entry again: nxscribe regenerate",
        )  # fmt: skip


def _time_doubt(value: str | None) -> str:
    try:
        time = from_iso(value or "")
    except ValueError:
        return f"{value!r} is not an ISO 8601 date and time"
    return "" if time.tzinfo else f"the time {value} has no time zone, so that it can be any of several moments"


def _identifier(place: EntryContext, path: str, node: Object) -> Iterator[Finding]:
    """`identifierNAME` with its `type` (NXobject), and fields whose name is a kind of identifier."""
    name = path.rpartition("/")[2]
    if not isinstance(node, h5py.Dataset):
        return
    kind = identifier_kind(name, text(node.attrs.get("type")) or "")
    value = text(node)
    if not kind:
        return
    if value is None:
        yield place.find(Check.IDENTIFIERS, path, f"it is not a valid {kind}: it is not a text")
    elif problem := identifier_problem(kind, value):
        yield place.find(Check.IDENTIFIERS, path, f"{value!r} is not a valid {kind}: {problem}")
