"""Records as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from nxscribe.model import Quality, Reading, Value
from nxscribe.records import FilesState, Record, Summary
from nxscribe.records.record import entry_name

_SHOWN_ELEMENTS = 6
_SHOWN_CHARACTERS = 60
_SHOWN_ID = 8
"""Enough to tell thousands of records apart, and to name one."""
_STYLES = {
    FilesState.MADE: "green",
    FilesState.WAITING: "",
    FilesState.PENDING: "",
    FilesState.FAILING: "yellow",
    FilesState.SET_ASIDE: "red",
}


def summary_json(summary: Summary) -> str:
    """One line of JSON."""
    return msgspec.json.encode(summary).decode()


def summary_table(summaries: Iterable[Summary]) -> Table:
    """One row a record."""
    table = _table("entry", "proposal", "sample - scan", "technique", "start", "end", "files", "record")
    for column in (table.columns[index] for index in (0, 4, 5, 7)):
        column.no_wrap = True
    for summary in summaries:
        who = summary.identity
        files = Text(summary.files, _STYLES[summary.files])
        table.add_row(
            entry_name(summary.number),
            Text(who.proposal),
            Text(f"{who.sample} - {who.scan}"),
            who.technique,
            _moment(summary.start_time)[:-3],
            summary.end_reason or "open",
            files.append(f": {summary.reason}") if summary.reason else files,
            summary.id[:_SHOWN_ID],
        )
    return table


def record_view(record: Record) -> Group:
    """The whole record: what it is, its readings, what is missing and why."""
    parts: list[Table | Text] = [_facts(record)]
    values = _values(record)
    if values.row_count:
        parts += [Text(), values]
    missing = _missing(record)
    if missing.row_count:
        parts += [Text(), Text("missing", "bold"), missing]
    return Group(*parts)


def _facts(record: Record) -> Table:
    who = record.identity
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    facts = {
        "record": record.id,
        "entry": f"{record.entry} in {record.master}",
        "scan": f"{who.sample} - {who.scan} ({who.technique}, {who.proposal} on {who.beamline})",
        "start": f"{_moment(record.start_time)}, readings took {record.initial.duration_s * 1e3:.0f} ms",
        "end": _end(record.end_reason, record.end_time)
        + (f", readings took {record.final.duration_s * 1e3:.0f} ms" if record.final else ""),
        "session": record.session,
        "folder": record.directory,
        "definition": f"{record.definition.name}, sha256 {record.definition.sha256[:16]}…",
    }
    for name, fact in facts.items():
        table.add_row(Text(name, "bold"), Text(fact))
    for series in record.raw:
        files = f"{series.count} file" + ("" if series.count == 1 else f"s from number {series.first}")
        whose = series.detector or "no detector's"
        table.add_row(Text("raw data", "bold"), Text(f"{whose}: {series.directory}/{series.pattern}, {files}"))
    for detector, count in record.frames.items():
        table.add_row(Text("frames to come", "bold"), Text(f"{detector}: {count}"))
    for note in record.notes:
        table.add_row(Text("note", "bold"), Text(note))
    return table


def _values(record: Record) -> Table:
    phases = {"start": record.initial.readings, "end": record.final.readings if record.final else {}}
    if record.given:
        phases["set in the scan"] = record.given
    table = _table("placeholder", *phases, "unit", "source")
    for name in sorted({name for readings in phases.values() for name in readings}, key=str.casefold):
        readings = [phase[name] for phase in phases.values() if name in phase and phase[name].ok]
        if readings:
            last = readings[-1]
            cells = [_cell(phase.get(name)) for phase in phases.values()]
            table.add_row(Text(name), *cells, Text(last.unit), Text(last.source, "dim"))
    return table


def _missing(record: Record) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    phases = (record.initial.readings, record.final.readings if record.final else {}, record.given)
    had = {name for readings in phases for name, reading in readings.items() if reading.ok}
    reasons = {name: reading.error for readings in phases for name, reading in readings.items() if name not in had}
    for name, reason in sorted(reasons.items()):
        table.add_row(Text(name, "yellow"), Text(reason))
    return table


def _table(*headers: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


def _cell(reading: Reading | None) -> Text:
    if reading is None:
        return Text("")
    if reading.value is None:
        return Text("missing", "yellow")
    quality = "" if reading.quality is Quality.VALID else f" ({reading.quality})"
    return Text(_value(reading.value) + quality)


def _value(value: Value) -> str:
    if value.size > _SHOWN_ELEMENTS:
        return f"{' x '.join(map(str, value.shape))} {'texts' if value.dtype.kind == 'U' else value.dtype.name}"
    text = str(value.item()) if value.ndim == 0 else np.array2string(value, separator=", ")
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _end(reason: str | None, time: datetime | None) -> str:
    return f"{reason} {_moment(time)}" if reason and time else "still open"


def _moment(time: datetime) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
