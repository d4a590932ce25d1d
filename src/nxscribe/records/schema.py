"""The journal's tables, and how a journal of an earlier version becomes one of today.

`MIGRATIONS[n]` takes a journal from version n to n + 1. Each runs in one transaction with the new version
number, so a crash leaves the journal at one version or the other. A migration is never edited once released.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from nxscribe.records.failures import failure

APPLICATION_ID = 0x6E785363
"""`nxSc`, in SQLite's header: how `file` and we tell a journal from another program's database."""

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
)

VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Brings the journal to today's version. Raises JournalError for a newer one, or for a foreign database."""
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
    """The journal's version, 0 for an empty file. Raises JournalError if this program must not touch it.

    A reader, which cannot migrate, sets `at_least` to the version that it reads.
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
