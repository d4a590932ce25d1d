"""Draws records for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TypeAlias

import msgspec
from rich.console import Group
from rich.text import Text

from nxscribe.cli._columns import laid_out
from nxscribe.cli._summing_up import HINT, summed_up
from nxscribe.model import Quality, Reading, local
from nxscribe.model.value_format import shown
from nxscribe.records import NEXUS, ProjectionState, Record, Standing, Summary
from nxscribe.records.record import entry_name

_WIDE = 100
"""On a narrower terminal, a list has neither the technique nor the year."""
_SHOWN_ID = 8
"""The number of characters of an id that are shown. They distinguish thousands of records."""
_STYLES = {
    ProjectionState.MADE: "green",
    ProjectionState.WAITING: "",
    ProjectionState.PENDING: "",
    ProjectionState.FAILING: "yellow",
    ProjectionState.SET_ASIDE: "red",
}


def summary_json(summary: Summary) -> str:
    """The summary as one line of JSON."""
    return msgspec.json.encode(summary).decode()


def summary_view(summaries: Iterable[Summary], width: int) -> Group:
    """A table with one row for each record, for `width` columns. It has to be printed without wrapping."""
    is_wide = width >= _WIDE
    technique = ["technique"] if is_wide else []
    lines = [_head("entry", "proposal", "sample - scan", *technique, "start", "end", "files", "record")]
    for summary in summaries:
        who = summary.identity
        cells = (
            Text(entry_name(summary.number)),
            Text(who.proposal),
            Text(f"{who.sample} - {who.scan}"),
            *([Text(who.technique)] if is_wide else []),
            Text(_moment(summary.start_time, "minutes")[0 if is_wide else len("2026-") :]),
            Text(summary.end_reason or "open"),
            _standings(summary),
            Text(summary.id[:_SHOWN_ID]),
        )
        lines.append(("", cells))
    return Group(*laid_out(lines, width, elastic=len(lines[0][1]) - 2, gap=2 if is_wide else 1))


def _standings(summary: Summary) -> Text:
    """How the files stand, and each other kind of projection by its name."""
    shown = Text(summary.files, _STYLES[summary.files])
    if summary.reason:
        shown.append(f": {summary.reason}")
    for kind, standing in summary.projections.items():
        if kind != NEXUS:
            shown.append(f"; {kind} ", "").append(standing.state, _STYLES[standing.state])
            if standing.reason:
                shown.append(f": {standing.reason}", "")
    return shown


def record_view(
    record: Record, width: int, standings: Mapping[str, Standing] = MappingProxyType({}), *, everything: bool = False
) -> Group:
    """The whole record: facts, readings, missing values and their reasons. It has to be printed without wrapping.

    Many similar missing values are summed up, unless `everything` is true. `standings` has the states of projections.
    """
    parts = [*laid_out(_facts(record, standings), width, elastic=1)]
    values = _values(record)
    if len(values) > 1:
        last = len(values[0][1]) - 1
        most = {column: max(width // 4, 8) for column in range(1, last - 1)}
        parts += [Text(), *laid_out(values, width, elastic=last, most=most)]
    missing = _missing(record, everything=everything)
    if missing:
        parts += [Text(), Text("missing", "bold"), *laid_out(missing, width, elastic=1)]
    return Group(*parts)


_Line: TypeAlias = tuple[str, tuple[Text, ...]]
"""A row for `laid_out`, without guides."""


def _facts(record: Record, standings: Mapping[str, Standing]) -> list[_Line]:
    who = record.identity
    facts = [
        ("record", record.id),
        ("entry", f"{record.entry} in {record.master}"),
        ("scan", f"{who.sample} - {who.scan} ({who.technique}, {who.proposal} on {who.beamline})"),
        ("start", f"{_moment(record.start_time)}, readings took {record.initial.duration_s * 1e3:.0f} ms"),
        (
            "end",
            _end(record.end_reason, record.end_time)
            + (f", readings took {record.final.duration_s * 1e3:.0f} ms" if record.final else ""),
        ),
        *([("reason", record.reason)] if record.reason else []),
        ("session", record.session),
        ("folder", record.directory),
        ("definition", f"{record.definition.name}, sha256 {record.definition.sha256}"),
    ]
    for series in record.raw:
        files = f"{series.count} file" + ("" if series.count == 1 else f"s from number {series.first}")
        whose = series.detector or "no detector's"
        facts.append(("raw data", f"{whose}: {series.directory}/{series.pattern}, {files}"))
    facts += [("frames to come", f"{detector}: {count}") for detector, count in record.frames.items()]
    facts += [("note", note) for note in record.notes]
    for kind, standing in standings.items():
        name = "files" if kind == NEXUS else kind
        facts.append((name, _state(standing)))
    return [("", (Text(name, "bold"), Text(fact))) for name, fact in facts]


def _state(standing: Standing) -> str:
    """The state of a projection, why it failed, how often and when, and when it is made again."""
    parts = [standing.state + (f": {standing.reason}" if standing.reason else "")]
    if standing.failed_at:
        many = "1 attempt failed," if standing.attempts == 1 else f"{standing.attempts} attempts failed, the last one"
        parts.append(f"{many} at {_moment(standing.failed_at)}")
    if standing.next_at:
        parts.append(f"next attempt at {_moment(standing.next_at)}")
    return "; ".join(parts)


def _values(record: Record) -> list[_Line]:
    phases = {"start": record.initial.readings, "end": record.final.readings if record.final else {}}
    if record.given:
        phases["set in the scan"] = record.given
    lines = [_head("placeholder", *phases, "unit", "source")]
    for name in sorted({name for readings in phases.values() for name in readings}, key=str.casefold):
        readings = [phase[name] for phase in phases.values() if name in phase and phase[name].ok]
        if readings:
            last = readings[-1]
            cells = [_cell(phase.get(name)) for phase in phases.values()]
            lines.append(("", (Text(name), *cells, Text(last.unit), Text(last.source, "dim"))))
    return lines


def _missing(record: Record, *, everything: bool) -> list[_Line]:
    phases = (record.initial.readings, record.final.readings if record.final else {}, record.given)
    had = {name for readings in phases for name, reading in readings.items() if reading.ok}
    reasons = {name: reading.error for readings in phases for name, reading in readings.items() if name not in had}
    sums = summed_up(dict(sorted(reasons.items())), everything=everything)
    hint = [(HINT, "")] if len(sums) < len(reasons) else []
    return [("", (Text(name, "yellow"), Text(reason))) for name, reason in [*sums, *hint]]


def _head(*headers: str) -> _Line:
    return "", tuple(Text(header, "bold") for header in headers)


def _cell(reading: Reading | None) -> Text:
    if reading is None:
        return Text("")
    if reading.value is None:
        return Text("missing", "yellow")
    quality = "" if reading.quality is Quality.VALID else f" ({reading.quality})"
    return Text(shown(reading.value, str(reading.details.get("format", ""))) + quality)


def _end(reason: str | None, time: datetime | None) -> str:
    return f"{reason} {_moment(time)}" if reason and time else "still open"


def _moment(time: datetime, timespec: str = "seconds") -> str:
    return local(time).isoformat(" ", timespec)
