"""The outbox: which records have files still to be made, and what became of the attempts.

A record is due again at each change. Rows live in the journal's own transactions, so that a record and the
fact that it is due are committed as one.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from nxscribe.records.record import entry_name

LONGEST_WAIT: Final = timedelta(minutes=5)
"""Nothing is postponed for longer; what seems to be was postponed by a clock that was set back since."""


class FilesState(StrEnum):
    """How a record's files stand."""

    MADE = "made"
    """From its newest state."""
    WAITING = "waiting"
    """Due, and not failed since the record last changed."""
    FAILING = "failing"
    """Failed, to be tried again."""
    PENDING = "pending"
    """Made, but for raw files that are not whole yet: to be made again."""
    SET_ASIDE = "set aside"
    """Failed for good, until the record changes or is requeued."""


@dataclass(frozen=True, slots=True)
class Work:
    """One record whose files are to be made."""

    record_id: str
    revision: int
    """The record's state that this speaks of. When it has moved on, being done with this is not enough."""
    entry: str
    master: str
    session: str
    attempts: int
    """How many have failed since the record last changed."""
    last_error: str


@dataclass(frozen=True, slots=True)
class Queue:
    """How many records' files are in each state, but for those that are made."""

    waiting: int
    failing: int
    set_aside: int
    reason: str = ""
    """Why the oldest of the failing, or else of those set aside, failed."""
    pending: int = 0
    """Those that are made, and wait for raw files."""


def sortable(time: datetime) -> str:
    """UTC, ISO 8601, microseconds: texts that sort as the moments do. Raises ValueError for a naive time."""
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone")
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def enqueue(connection: sqlite3.Connection, position: int) -> None:
    """Makes the record at `position` due, with a clean sheet."""
    connection.execute("INSERT OR REPLACE INTO projection (record) VALUES (?)", (position,))


def due(connection: sqlite3.Connection, now: datetime, limit: int | None = None) -> tuple[Work, ...]:
    """What is to be made now, in the order in which the scans began.

    What failed before comes after all the rest, the longest due first: if it hangs, it delays no other for long.
    """
    moment = sortable(now)
    # A clock that was set back must not make a retry wait until it has caught up.
    rows = connection.execute(
        "SELECT id, revision, number, master, session, attempts, last_error"
        " FROM projection JOIN record ON position = record"
        " WHERE (failed_at IS NULL AND retry_at IS NULL) OR retry_at <= ? OR (retry_at IS NOT NULL AND failed_at > ?)"
        " OR (failed_at IS NULL AND retry_at > ?)"
        " ORDER BY attempts > 0, CASE WHEN attempts > 0 THEN retry_at END, record LIMIT ?",
        (moment, moment, sortable(now + LONGEST_WAIT), -1 if limit is None else limit),
    )
    return tuple(
        Work(id_, revision, entry_name(number), master, session, attempts, error)
        for id_, revision, number, master, session, attempts, error in rows
    )


def done(connection: sqlite3.Connection, work: Work) -> None:
    """Takes the work off, unless the record has changed since."""
    connection.execute(
        "DELETE FROM projection WHERE record = (SELECT position FROM record WHERE id = ? AND revision = ?)",
        (work.record_id, work.revision),
    )


def postponed(connection: sqlite3.Connection, work: Work, until: datetime) -> None:
    """Notes that the files are made but for what is awaited, unless the record has changed since."""
    connection.execute(
        "UPDATE projection SET attempts = 0, last_error = '', failed_at = NULL, retry_at = ?"
        " WHERE record = (SELECT position FROM record WHERE id = ? AND revision = ?)",
        (sortable(until), work.record_id, work.revision),
    )


def failed(
    connection: sqlite3.Connection, work: Work, reason: str, failed_at: datetime, retry_at: datetime | None
) -> None:
    """Notes a failure, unless the record has changed since: then it is due anyhow."""
    connection.execute(
        "UPDATE projection SET attempts = attempts + 1, last_error = ?, failed_at = ?, retry_at = ?"
        " WHERE record = (SELECT position FROM record WHERE id = ? AND revision = ?)",
        (reason, sortable(failed_at), retry_at and sortable(retry_at), work.record_id, work.revision),
    )


def queue(connection: sqlite3.Connection) -> Queue:
    """The counts."""
    waiting, failing, set_aside, pending = connection.execute(
        "SELECT count(*) FILTER (WHERE failed_at IS NULL AND retry_at IS NULL),"
        " count(*) FILTER (WHERE failed_at IS NOT NULL AND retry_at IS NOT NULL),"
        " count(*) FILTER (WHERE failed_at IS NOT NULL AND retry_at IS NULL),"
        " count(*) FILTER (WHERE failed_at IS NULL AND retry_at IS NOT NULL) FROM projection"
    ).fetchone()
    oldest = connection.execute(
        "SELECT last_error FROM projection WHERE failed_at IS NOT NULL ORDER BY retry_at IS NULL, record LIMIT 1"
    ).fetchone()
    return Queue(waiting, failing, set_aside, oldest[0] if oldest else "", pending)
