"""Reading the journal, beside a running daemon or without one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from nxscribe.errors import JournalError, Problem
from nxscribe.records import outbox
from nxscribe.records.database import Access, Database
from nxscribe.records.parts import fetch
from nxscribe.records.record import EndReason, Record, ScanIdentity


@dataclass(frozen=True, slots=True)
class Summary:
    """A record in one line."""

    id: str
    identity: ScanIdentity
    number: int
    master: str
    session: str
    start_time: datetime
    end_time: datetime | None
    end_reason: EndReason | None
    revision: int
    files: outbox.FilesState
    reason: str
    """Why its files could not be made, when they could not."""


class JournalReader:
    """A journal that is only read. Sees each commit as soon as it is made, whoever makes it. Thread-safe."""

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
        """Ends all use."""
        self._database.close()

    def record(self, id: str) -> Record:  # noqa: A002 - the record's own word
        """The record with this id. Raises JournalError when it is unknown or damaged."""
        return self.revised(id)[0]

    def revised(self, id: str) -> tuple[Record, int]:  # noqa: A002 - the record's own word
        """The record and its revision, which grows with each change."""
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
            return stored.join(), stored.revision
        except JournalError as error:
            damage = error.problems[0]
            raise JournalError(
                Problem(f"record {id} in the journal {self.path} is damaged", damage.why, damage.remedy)
            ) from error

    def open_records(self, on_damage: Callable[[JournalError], None] | None = None) -> tuple[Record, ...]:
        """The records of scans that are running, or were when the last daemon ended. Oldest first.

        One that is damaged is passed over and told to `on_damage`; without that, it raises JournalError.
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
        self, *, beamline: str | None = None, proposal: str | None = None, limit: int | None = None
    ) -> tuple[Summary, ...]:
        """What is there, newest first, without opening the records."""
        with self._database.reading() as connection:
            cursor = connection.cursor()
            cursor.row_factory = sqlite3.Row
            rows = cursor.execute(
                "SELECT record.*, last_error, CASE WHEN projection.record IS NULL THEN 'made'"
                " WHEN failed_at IS NULL AND retry_at IS NOT NULL THEN 'pending'"
                " WHEN failed_at IS NULL THEN 'waiting' WHEN retry_at IS NULL THEN 'set aside' ELSE 'failing' END"
                " AS files FROM record LEFT JOIN projection ON projection.record = position"
                " WHERE beamline = ifnull(?, beamline) AND proposal = ifnull(?, proposal)"
                " ORDER BY position DESC LIMIT ?",
                (beamline, proposal, -1 if limit is None else limit),
            ).fetchall()
        return tuple(_summary(row) for row in rows)

    def highest_number(self, master: str) -> int:
        """The highest number that a scan of this master file has; 0 where none is known."""
        with self._database.reading() as connection:
            (number,) = connection.execute("SELECT max(number) FROM record WHERE master = ?", (master,)).fetchone()
        return int(number or 0)

    def count_made(self, master: str) -> int:
        """How many scans of this master file have their files made from their newest state."""
        with self._database.reading() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM record WHERE master = ? AND position NOT IN (SELECT record FROM projection)",
                (master,),
            ).fetchone()
        return int(count)

    def due(self, now: datetime, limit: int | None = None) -> tuple[outbox.Work, ...]:
        """The records whose files are to be made now, oldest scan first; those that failed before come last."""
        with self._database.reading() as connection:
            return outbox.due(connection, now, limit)

    def queue(self) -> outbox.Queue:
        """How the outbox stands."""
        with self._database.reading() as connection:
            return outbox.queue(connection)


def read_record(path: Path, record_id: str) -> tuple[Record, int]:
    """One record and its revision, for a process that has no journal open. Raises JournalError."""
    with closing(JournalReader(path)) as reader:
        return reader.revised(record_id)


def _summary(row: sqlite3.Row) -> Summary:
    return Summary(
        id=row["id"],
        identity=ScanIdentity(row["beamline"], row["proposal"], row["sample"], row["scan"], row["technique"]),
        number=row["number"],
        master=row["master"],
        session=row["session"],
        start_time=datetime.fromisoformat(row["start_time"]),
        end_time=datetime.fromisoformat(row["end_time"]) if row["end_time"] else None,
        end_reason=EndReason(row["end_reason"]) if row["end_reason"] else None,
        revision=row["revision"],
        files=outbox.FilesState(row["files"]),
        reason=row["last_error"] or "",
    )
