"""The tables of the journal, and the migration of a journal of an earlier version.

`MIGRATIONS[n]` takes a journal from version n to n + 1. Each runs in one transaction with the new version
number, so a crash leaves the journal at one version or the other. A migration is never edited once released.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from nxscribe.records._sqlite_errors import failure

APPLICATION_ID = 0x6E785363
"""`nxSc`, in the header of SQLite: it distinguishes a journal from the database of another program."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # The texts of the definitions, each once: `sha256` is that of the text in UTF-8.
        """CREATE TABLE definition (
            sha256 TEXT PRIMARY KEY,
            payload BLOB NOT NULL,
            compressed INTEGER NOT NULL
        )""",
        # One row a scan. What is here is a copy, for finding; the truth is in the payloads.
        # Times are UTC, ISO 8601, of one width, so that they sort as texts.
        """CREATE TABLE record (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            beamline TEXT NOT NULL,
            proposal TEXT NOT NULL,
            sample TEXT NOT NULL,
            scan TEXT NOT NULL,
            technique TEXT NOT NULL,
            session TEXT NOT NULL,
            master TEXT NOT NULL,
            number INTEGER NOT NULL,
            definition TEXT NOT NULL REFERENCES definition,
            start_time TEXT NOT NULL,
            end_time TEXT,
            end_reason TEXT,
            revision INTEGER NOT NULL,
            UNIQUE (master, number)
        )""",
        "CREATE INDEX open_record ON record (position) WHERE end_reason IS NULL",
        # A record's parts: `head` (all but the readings), `initial`, `final`. `sha256` is of the part's JSON.
        """CREATE TABLE part (
            record INTEGER NOT NULL REFERENCES record ON DELETE CASCADE,
            name TEXT NOT NULL,
            payload BLOB NOT NULL,
            compressed INTEGER NOT NULL,
            sha256 BLOB NOT NULL,
            PRIMARY KEY (record, name)
        )""",
        # The outbox: a row for each record whose files are not made from its newest revision.
        """CREATE TABLE projection (
            record INTEGER PRIMARY KEY REFERENCES record ON DELETE CASCADE,
            attempts INTEGER NOT NULL DEFAULT 0,
            last_error TEXT NOT NULL DEFAULT '',
            failed_at TEXT,
            retry_at TEXT
        )""",
    ),
    (
        # The outbox by kind of projection: a row for each record and kind that is asked for, kept when it is made.
        # `made_revision` is the record's revision that `result` was made from. `result` is JSON, for the projection
        # itself and for those that come after it. Rows are found by their key alone: no index can lead astray.
        "ALTER TABLE projection RENAME TO projection_of_one_kind",
        """CREATE TABLE projection (
            record INTEGER NOT NULL REFERENCES record ON DELETE CASCADE,
            kind TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'waiting',
            attempts INTEGER NOT NULL DEFAULT 0,
            reason TEXT NOT NULL DEFAULT '',
            failed_at TEXT,
            next_at TEXT,
            made_revision INTEGER,
            result TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (record, kind)
        ) WITHOUT ROWID""",
        "CREATE INDEX unmade_projection ON projection (kind, record) WHERE state <> 'made'",
        """INSERT INTO projection (record, kind, state, attempts, reason, failed_at, next_at)
            SELECT record, 'nexus', CASE WHEN failed_at IS NULL AND retry_at IS NOT NULL THEN 'pending'
            WHEN failed_at IS NULL THEN 'waiting' WHEN retry_at IS NULL THEN 'set aside' ELSE 'failing' END,
            attempts, last_error, failed_at, retry_at FROM projection_of_one_kind""",
        """INSERT INTO projection (record, kind, state, made_revision)
            SELECT position, 'nexus', 'made', revision FROM record
            WHERE position NOT IN (SELECT record FROM projection_of_one_kind)""",
        "DROP TABLE projection_of_one_kind",
        # What the definition's text says, as data: compressed or not like the text, with a checksum of its own. NULL
        # where a record of an earlier version brought the text alone.
        "ALTER TABLE definition ADD COLUMN tree BLOB",
        "ALTER TABLE definition ADD COLUMN tree_compressed INTEGER",
        "ALTER TABLE definition ADD COLUMN tree_sha256 BLOB",
    ),
    (
        # What is due, and how many are in each state, costs the same however many records fail, wait or are set aside.
        # A row without `next_at` is due at once.
        "DROP INDEX unmade_projection",
        "CREATE INDEX unmade_projection ON projection (kind, state, record) WHERE state <> 'made'",
        """CREATE INDEX due_projection ON projection (kind, next_at, record)
            WHERE state <> 'made' AND state <> 'set aside'""",
    ),
)

VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Migrate a journal to the present version. Raises JournalError for a newer journal, and for another database."""
    while (version := check_version(connection, path)) < VERSION:
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been faster; its work shows only now.
            if _version(connection) == version:
                for statement in MIGRATIONS[version]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def check_version(connection: sqlite3.Connection, path: Path, *, at_least: int = 0) -> int:
    """The version of a journal; 0 for an empty file. Raises JournalError if this program must not use it.

    A reader, which cannot migrate, gives the version that it can read as `at_least`.
    """
    # One transaction, so that a migration in another process shows whole or not at all.
    connection.execute("BEGIN")
    try:
        version = _version(connection)
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    finally:
        connection.execute("COMMIT")
    if application != APPLICATION_ID and tables:
        raise failure(path, "use", "it is another program's database", "name another file, or move this one away")
    if version > VERSION:
        raise failure(
            path,
            "use",
            f"it has schema {version}, and this nxscribe knows schemas up to {VERSION}: a later version wrote it",
            "install that version again; journals are not converted backwards",
        )
    if version < at_least:
        raise failure(
            path,
            "read",
            f"it has schema {version}, and this nxscribe reads schema {at_least}; no daemon of today has used it",
            "start the daemon once: it brings the journal up to date",
        )
    return version


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
