"""The outbox: which projections of which records have still to be made, and the results of the attempts.

A record has one row for each kind of projection of the config. All of its rows are due again at each change. A row is
written in the same transaction as its record, so that there is never only one of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from nxscribe.records.record import entry_name

LONGEST_WAIT: Final = timedelta(minutes=10)
"""No projection waits for longer. A later time was noted before the clock was set back, and counts as due."""
NEXUS: Final = "nexus"
"""The kind of the NeXus files, which every record gets."""


class ProjectionState(StrEnum):
    """The state of one projection of a record."""

    MADE = "made"
    """It was made from the newest revision of the record."""
    WAITING = "waiting"
    """It is due, and has not failed since the record changed."""
    FAILING = "failing"
    """It failed, and is tried again."""
    PENDING = "pending"
    """It was made, but something does not exist yet, such as raw files. It is made again."""
    SET_ASIDE = "set aside"
    """It failed, and is not tried again until the record changes or somebody requests it."""


@dataclass(frozen=True, slots=True)
class Work:
    """One projection that is due."""

    record_id: str
    revision: int
    """The revision of the record. If the record has changed meanwhile, the projection stays due after it was made."""
    entry: str
    master: str
    session: str
    attempts: int
    """How many attempts have failed since the record changed."""
    last_error: str
    kind: str = NEXUS


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of one projection of a record, for people and for other projections."""

    state: ProjectionState
    reason: str = ""
    """Why it could not be made; empty if it was."""
    result: str = ""
    """The facts that the projection gave about what it made last, as JSON; empty if it gave none."""
    attempts: int = 0
    """How many attempts have failed since the record changed."""
    failed_at: datetime | None = None
    """When the last of these attempts failed, in UTC."""
    next_at: datetime | None = None
    """When it is made or tried again, in UTC. None: as soon as possible, or not at all, as the state says."""


@dataclass(frozen=True, slots=True)
class Queue:
    """How many projections of one kind are in each state. Those that are made are not counted."""

    waiting: int
    failing: int
    set_aside: int
    reason: str = ""
    """Why the oldest failing projection failed, or, if there is none, the oldest one that was set aside."""
    pending: int = 0
    """The number of projections that were made, but wait for something that does not exist yet."""


def sortable(time: datetime) -> str:
    """The time in UTC (ISO 8601, microseconds), so that texts sort like times. Raises ValueError for a naive time."""
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone")
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def state_of(text: object) -> ProjectionState:
    """The state in a row. The outbox has no checksums: a text that is not a state is damaged, and counts as WAITING."""
    try:
        return ProjectionState(str(text))
    except ValueError:
        return ProjectionState.WAITING


def enqueue(
    connection: sqlite3.Connection, position: int, kinds: Iterable[str], due_at: datetime | None = None
) -> None:
    """Make projections due, with no failed attempts.

    Args:
        connection: The journal, in a transaction.
        position: The position of the record.
        kinds: The kinds of projection. All that the record has already become due as well.
        due_at: When they are due, if they are not due earlier because of an earlier change; None: immediately.
    """
    connection.executemany(
        "INSERT OR IGNORE INTO projection (record, kind) VALUES (?, ?)", [(position, kind) for kind in kinds]
    )
    # The right-hand sides have the values of before. One that is due must not be put off by each change that follows.
    connection.execute(
        "UPDATE projection SET state = 'waiting', attempts = 0, reason = '', failed_at = NULL,"
        " next_at = CASE WHEN state = 'waiting' AND (next_at IS NULL OR next_at < :due) THEN next_at ELSE :due END"
        " WHERE record = :position",
        {"due": due_at and sortable(due_at), "position": position},
    )


def ask(connection: sqlite3.Connection, position: int, kinds: Iterable[str]) -> None:
    """Make these kinds of projections of the record at `position` due, with no failed attempts; leave all others."""
    connection.executemany(
        "INSERT INTO projection (record, kind) VALUES (?, ?) ON CONFLICT DO UPDATE SET"
        " state = 'waiting', attempts = 0, reason = '', failed_at = NULL, next_at = NULL",
        [(position, kind) for kind in kinds],
    )


def put(connection: sqlite3.Connection, position: int, kind: str, standing: Standing) -> None:
    """Note the state of a projection of a record from another journal. A projection that is not made is due."""
    is_made = standing.state is ProjectionState.MADE
    connection.execute(
        "INSERT INTO projection (record, kind, state, made_revision, result)"
        " SELECT position, ?, ?, CASE WHEN ? THEN revision END, ? FROM record WHERE position = ?",
        (kind, ProjectionState.MADE if is_made else ProjectionState.WAITING, is_made, standing.result, position),
    )


def due(
    connection: sqlite3.Connection,
    now: datetime,
    limit: int | None = None,
    *,
    kind: str = NEXUS,
    after: Sequence[str] = (),
) -> tuple[Work, ...]:
    """The projections that are due now, in the order in which the scans started.

    Those that failed before come last, the longest due first, so that one that hangs does not delay others for long.

    Args:
        connection: The journal, in a transaction.
        now: The time, with a zone.
        limit: The largest number of results; None: all.
        kind: The kind of projection.
        after: The kinds that must be made from a record before this kind is due.
    """
    blocked = (
        " AND NOT EXISTS (SELECT 1 FROM projection AS earlier WHERE earlier.record = projection.record"  # noqa: S608 - our own words
        f" AND earlier.kind IN ({', '.join('?' * len(after))}) AND earlier.state <> 'made')"
        if after
        else ""
    )
    many = -1 if limit is None else limit
    # Each branch reads one range of the index `due_projection`, in order: rows that are not due cost nothing.
    # A clock that was set back must not make a row wait until it has caught up.
    branches = (
        ("next_at IS NULL ORDER BY record", ()),
        ("next_at <= ? ORDER BY next_at", (sortable(now),)),
        ("next_at > ? ORDER BY next_at", (sortable(now + LONGEST_WAIT),)),
    )
    candidates = " UNION ALL ".join(
        "SELECT * FROM (SELECT record FROM projection WHERE kind = ? AND state <> 'made' AND state <> 'set aside'"  # noqa: S608 - our own words
        f"{blocked} AND {range_} LIMIT ?)"
        for range_, _ in branches
    )
    rows = connection.execute(
        "SELECT id, revision, CAST(number AS INTEGER), master, session, attempts, reason, kind"  # noqa: S608 - our own words
        f" FROM ({candidates}) AS candidate JOIN projection ON projection.record = candidate.record AND kind = ?"
        " JOIN record ON position = candidate.record"
        " ORDER BY attempts > 0, CASE WHEN attempts > 0 THEN next_at END, position LIMIT ?",
        (*(value for _, moment in branches for value in (kind, *after, *moment, many)), kind, many),
    )
    return tuple(
        Work(id_, revision, entry_name(number), master, session, attempts, error, kind)
        for id_, revision, number, master, session, attempts, error, kind in rows
    )


_THIS: Final = "record = (SELECT position FROM record WHERE id = ?) AND kind = ?"
_UNCHANGED: Final = "record = (SELECT position FROM record WHERE id = ? AND revision = ?) AND kind = ?"


def done(connection: sqlite3.Connection, work: Work, result: str) -> None:
    """Note that a projection was made. It stays due if the record has changed meanwhile. The result is kept anyway.

    An identifier of a catalogue must not be lost because the record changed during the request to the catalogue.
    """
    connection.execute(
        f"UPDATE projection SET made_revision = ?, result = ? WHERE {_THIS}",  # noqa: S608 - our own words
        (work.revision, result, work.record_id, work.kind),
    )
    connection.execute(
        "UPDATE projection SET state = 'made', attempts = 0, reason = '', failed_at = NULL, next_at = NULL"  # noqa: S608
        f" WHERE {_UNCHANGED}",
        (work.record_id, work.revision, work.kind),
    )


def postponed(connection: sqlite3.Connection, work: Work, until: datetime, result: str) -> None:
    """Note that the projection was made, but waits for something. If the record has changed meanwhile, it is due."""
    connection.execute(
        f"UPDATE projection SET made_revision = ?, result = ? WHERE {_THIS}",  # noqa: S608 - our own words
        (work.revision, result, work.record_id, work.kind),
    )
    connection.execute(
        "UPDATE projection SET state = 'pending', attempts = 0, reason = '', failed_at = NULL, next_at = ?"  # noqa: S608
        f" WHERE {_UNCHANGED}",
        (sortable(until), work.record_id, work.revision, work.kind),
    )


def failed(
    connection: sqlite3.Connection, work: Work, reason: str, failed_at: datetime, retry_at: datetime | None
) -> None:
    """Note a failure. If the record has changed meanwhile, nothing is noted, because the projection is due anyway."""
    connection.execute(
        "UPDATE projection SET state = ?, attempts = attempts + 1, reason = ?, failed_at = ?, next_at = ?"  # noqa: S608
        f" WHERE {_UNCHANGED}",
        (
            ProjectionState.FAILING if retry_at else ProjectionState.SET_ASIDE,
            reason,
            sortable(failed_at),
            retry_at and sortable(retry_at),
            work.record_id,
            work.revision,
            work.kind,
        ),
    )


def standings(connection: sqlite3.Connection, position: int) -> dict[str, Standing]:
    """The state of each projection of the record at `position`, by kind."""
    rows = connection.execute(
        "SELECT kind, state, reason, result, attempts, failed_at, next_at FROM projection WHERE record = ?", (position,)
    )
    return {
        kind: Standing(
            state_of(state),
            reason,
            result,
            attempts if isinstance(attempts, int) else 0,
            _time_or_none(failed_at),
            _time_or_none(next_at),
        )
        for kind, state, reason, result, attempts, failed_at, next_at in rows
    }


def _time_or_none(text: object) -> datetime | None:
    """The time that a row has. What is not a time with a zone was damaged, and counts as none."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time if time.tzinfo else None


def queue(connection: sqlite3.Connection, kind: str) -> Queue:
    """The numbers of projections of one kind, by state."""
    counts = dict.fromkeys(ProjectionState, 0)
    for text, count in connection.execute(
        "SELECT state, count(*) FROM projection WHERE kind = ? AND state <> 'made' GROUP BY state", (kind,)
    ):
        counts[state_of(text)] += count
    reason = ""
    # Each trigger asks, and mostly nothing failed.
    if why := next((state for state in (ProjectionState.FAILING, ProjectionState.SET_ASIDE) if counts[state]), None):
        row = connection.execute(
            "SELECT reason FROM projection WHERE kind = ? AND state <> 'made' AND state = ? ORDER BY record LIMIT 1",
            (kind, why),
        ).fetchone()
        reason = str(row[0])
    return Queue(
        counts[ProjectionState.WAITING],
        counts[ProjectionState.FAILING],
        counts[ProjectionState.SET_ASIDE],
        reason,
        counts[ProjectionState.PENDING],
    )
