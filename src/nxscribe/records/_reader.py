"""Reading the journal, also while a daemon uses it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias

from nxscribe.errors import JournalError, Problem
from nxscribe.records import _outbox as outbox
from nxscribe.records._database import Access, Database
from nxscribe.records._sqlite_errors import SALVAGE
from nxscribe.records._storage import fetch
from nxscribe.records.record import EndReason, Record, ScanIdentity


@dataclass(frozen=True, slots=True)
class Summary:
    """A short description of a record, for lists."""

    id: str
    identity: ScanIdentity
    number: int
    master: str
    session: str
    start_time: datetime
    end_time: datetime | None
    end_reason: EndReason | None
    revision: int
    files: outbox.ProjectionState
    """The state of its NeXus files."""
    reason: str
    """Why its files could not be made; empty if they were."""
    projections: dict[str, outbox.Standing] = field(default_factory=dict)
    """The state of each projection, by kind, including the NeXus files."""


class JournalReader:
    """A journal for reading. It sees each commit of every process immediately. It is thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path, Access.READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the journal."""
        self._database.close()

    def record(self, id: str) -> Record:  # noqa: A002 - the record's own word
        """The record with this id. If only its definition is damaged, the definition counts as lost.

        Raises:
            JournalError: The record is unknown, or damaged.
        """
        return self.revised(id)[0]

    def revised(self, id: str) -> tuple[Record, int]:  # noqa: A002 - the record's own word
        """The record and its revision, which increases with each change."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT position FROM record WHERE id = ?", (id,)).fetchone()
            stored = fetch(connection, found[0]) if found else None
        if not stored:
            raise JournalError(
                Problem(
                    f"the journal {self.path} has no record {id}",
                    "it belongs to another beamline, or it was removed",
                    "`nxscribe records list` shows all that are there",
                )
            )
        try:
            return stored.join(with_definition=False), stored.revision
        except JournalError as error:
            damage = error.problems[0]
            raise JournalError(
                Problem(f"record {id} in the journal {self.path} is damaged", damage.why, damage.remedy)
            ) from error

    def revision(self, id: str) -> int:  # noqa: A002 - the record's own word
        """The revision of a record; 0 if it is unknown."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT revision FROM record WHERE id = ?", (id,)).fetchone()
        return int(found[0]) if found else 0

    def open_records(self, on_damage: Callable[[JournalError], None] | None = None) -> tuple[Record, ...]:
        """The records of the scans that are open, oldest first.

        A damaged record is left out, and its error is given to `on_damage`. Without `on_damage` it raises JournalError.
        """
        with self._database.reading() as connection:
            ids = connection.execute("SELECT id FROM record WHERE end_reason IS NULL ORDER BY position").fetchall()
        records = []
        for (id_,) in ids:
            try:
                records.append(self.record(id_))
            except JournalError as error:
                if on_damage is None:
                    raise
                on_damage(error)
        return tuple(records)

    def summaries(
        self,
        *,
        beamline: str | None = None,
        proposal: str | None = None,
        limit: int | None = None,
        on_damage: Callable[[JournalError], None] | None = None,
    ) -> tuple[Summary, ...]:
        """Short descriptions of the records, newest first, without reading the records themselves.

        The error of a damaged row is given to `on_damage`, and the record itself is read instead. If it is damaged,
        too, it is left out. Without `on_damage` a damaged row raises JournalError.
        """
        with self._database.reading() as connection:
            cursor = connection.cursor()
            cursor.row_factory = sqlite3.Row
            rows = cursor.execute(
                "SELECT * FROM record WHERE beamline = ifnull(?, beamline) AND proposal = ifnull(?, proposal)"
                " ORDER BY position DESC LIMIT ?",
                (beamline, proposal, -1 if limit is None else limit),
            ).fetchall()
            standings = [outbox.standings(connection, row["position"]) for row in rows]
        summaries = (self._summary(row, made, on_damage) for row, made in zip(rows, standings, strict=True))
        return tuple(summary for summary in summaries if summary)

    def _summary(
        self, row: sqlite3.Row, standings: _Standings, on_damage: Callable[[JournalError], None] | None
    ) -> Summary | None:
        try:
            return _summary(row, standings)
        except (ValueError, TypeError) as error:
            damage = JournalError(
                Problem(f"record {row['id']} in the journal {self.path} is listed wrongly", str(error), SALVAGE)
            )
            if on_damage is None:
                raise damage from error
            on_damage(damage)
        try:
            return _summary_of(self.record(row["id"]), int(row["revision"]), standings)
        except (JournalError, ValueError, TypeError):
            return None

    def highest_number(self, master: str) -> int:
        """The highest number that a scan of this master file has; 0 where none is known."""
        with self._database.reading() as connection:
            return highest_number(connection, master)

    def count_made(self, master: str, *, apart_from: str = "") -> int:
        """How many scans of this master file have files made from their newest revision, without the given record."""
        with self._database.reading() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM record WHERE master = ? AND id <> ? AND position NOT IN"
                " (SELECT record FROM projection WHERE kind = ? AND state <> 'made')",
                (master, apart_from, outbox.NEXUS),
            ).fetchone()
        return int(count)

    def due(
        self, now: datetime, limit: int | None = None, *, kind: str = outbox.NEXUS, after: Sequence[str] = ()
    ) -> tuple[outbox.Work, ...]:
        """The projections of this kind that are due now, oldest scan first. Those that failed before come last.

        A projection is only due if the projections of the kinds `after` were made from the same record.
        """
        with self._database.reading() as connection:
            return outbox.due(connection, now, limit, kind=kind, after=after)

    def queue(self, kind: str = outbox.NEXUS) -> outbox.Queue:
        """The numbers of projections of this kind, by state."""
        with self._database.reading() as connection:
            return outbox.queue(connection, kind)

    def standings(self, id: str) -> dict[str, outbox.Standing]:  # noqa: A002 - the record's own word
        """The state of each projection of a record, by kind; empty for an unknown record."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT position FROM record WHERE id = ?", (id,)).fetchone()
            return outbox.standings(connection, found[0]) if found else {}


def read_record(path: Path, record_id: str) -> tuple[Record, int]:
    """Read one record and its revision from a journal that is not open in this process. Raises JournalError."""
    with closing(JournalReader(path)) as reader:
        return reader.revised(record_id)


def highest_number(connection: sqlite3.Connection, master: str) -> int:
    """The highest number that a scan of this master file has; 0 where none is known. Raises sqlite3.Error."""
    (number,) = connection.execute(
        # A damaged row can hold anything; a text would count for more than all numbers.
        "SELECT max(number) FROM record WHERE master = ? AND typeof(number) = 'integer'",
        (master,),
    ).fetchone()
    return int(number or 0)


_Standings: TypeAlias = dict[str, outbox.Standing]
_UNKNOWN: Final = outbox.Standing(outbox.ProjectionState.MADE)
"""The state for a record without a row in the outbox, which was lost with a damaged page."""


def _summary(row: sqlite3.Row, standings: _Standings) -> Summary:
    files = standings.get(outbox.NEXUS, _UNKNOWN)
    return Summary(
        id=row["id"],
        identity=ScanIdentity(row["beamline"], row["proposal"], row["sample"], row["scan"], row["technique"]),
        number=int(row["number"]),
        master=row["master"],
        session=row["session"],
        start_time=datetime.fromisoformat(row["start_time"]),
        end_time=datetime.fromisoformat(row["end_time"]) if row["end_time"] else None,
        end_reason=EndReason(row["end_reason"]) if row["end_reason"] else None,
        revision=int(row["revision"]),
        files=files.state,
        reason=files.reason,
        projections=standings,
    )


def _summary_of(record: Record, revision: int, standings: _Standings) -> Summary:
    """By the record's own word; only what nobody but the list says is taken from there."""
    files = standings.get(outbox.NEXUS, _UNKNOWN)
    return Summary(
        id=record.id,
        identity=record.identity,
        number=record.number,
        master=record.master,
        session=record.session,
        start_time=record.start_time,
        end_time=record.end_time,
        end_reason=record.end_reason,
        revision=revision,
        files=files.state,
        reason=files.reason,
        projections=standings,
    )
