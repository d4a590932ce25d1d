"""The journal: where records live from the moment a trigger is answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from nxscribe.errors import JournalError, Problem
from nxscribe.model import now
from nxscribe.records import outbox
from nxscribe.records.claim import Claim
from nxscribe.records.database import Access, Database, make_folder
from nxscribe.records.outbox import Work, sortable
from nxscribe.records.parts import (
    LISTED,
    Part,
    fetch,
    final_parts,
    head_part,
    listing,
    pack,
    snapshot_parts,
    text_sha256,
)
from nxscribe.records.reader import JournalReader
from nxscribe.records.record import Record

JOURNAL_FILE = "journal.sqlite"
"""The journal's name in a beamline's state folder."""


_INSERT = f"INSERT INTO record ({', '.join(LISTED)}, revision) VALUES ({'?, ' * len(LISTED)}?)"  # noqa: S608 - our own words


class Journal(JournalReader):
    """A journal to write to. Every method that changes it returns after the change is on the disk.

    Raises JournalError, from each method, with the reason: then nothing was changed, and nothing may be
    acknowledged. It recovers by itself when the reason is gone. Thread-safe.
    """

    def __init__(self, path: Path, *, claim: bool = True) -> None:
        """Opens the journal, and creates or migrates it if need be.

        Args:
            path: The SQLite file, on a local disk. Its folder is created.
            claim: Be the only one who claims it, as a daemon must. A tool that adds records beside a daemon goes
                without, and can neither create nor migrate.
        """
        self.path = path
        self._definitions: dict[str, str] = {}
        make_folder(path)
        # Claimed first: a newer program must not migrate a journal under the feet of an older one.
        self._claim = Claim(path) if claim else None
        try:
            self._database = Database(path, Access.OWN if claim else Access.SHARE)
        except JournalError:
            self._release()
            raise

    def close(self) -> None:
        """Ends all use, and lets another daemon have the journal."""
        super().close()
        self._release()

    def begin(self, draft: Record, *, at_least: int = 1) -> Record:
        """Keeps a new record and queues its files.

        Args:
            draft: The record; its `number` is not looked at.
            at_least: The smallest number it may get, where the master file holds scans that the journal does not.

        Returns:
            The record with its number: one more than the highest of its master, among all processes.
        """
        parts = snapshot_parts(draft)
        with self._database.writing() as connection:
            record = replace(draft, number=max(_highest(connection, draft.master) + 1, at_least))
            outbox.enqueue(connection, self._insert(connection, record, (head_part(record), *parts)))
        self._definitions[record.definition.sha256] = record.definition.text
        return record

    def update(self, record: Record) -> Record:
        """Keeps a record's new state and queues its files again. Its initial snapshot never changes after `begin`.

        Returns:
            The record as it is kept: with its new number and a note of it, where `renumber` was faster.
        """
        final = final_parts(record)
        with self._database.writing() as connection:
            position, record = _as_numbered(connection, record)
            connection.execute(
                "UPDATE record SET end_time = ?, end_reason = ?, revision = revision + 1 WHERE position = ?",
                (record.end_time and sortable(record.end_time), record.end_reason, position),
            )
            _put(connection, position, (head_part(record), *final))
            outbox.enqueue(connection, position)
        return record

    def renumber(self, record_id: str, at_least: int) -> Record:
        """Gives a record the next number of its master, because another's entry has its own; its files are due again.

        Args:
            record_id: The record.
            at_least: The smallest number that is free in the files.

        Returns:
            The record with its new number, and a note of the old one.
        """
        with self._database.writing() as connection:
            position, _ = _place(connection, record_id)
            stored = fetch(connection, position)
            assert stored  # noqa: S101 - its position was found in this transaction
            record = stored.join()
            record = record.renumbered(max(_highest(connection, record.master) + 1, at_least))
            connection.execute(
                "UPDATE record SET number = ?, revision = revision + 1 WHERE position = ?", (record.number, position)
            )
            _put(connection, position, (head_part(record),))
            outbox.enqueue(connection, position)
        return record

    def note(self, record: Record) -> Record:
        """Keeps what is new in a running scan's record, its readings apart, and leaves its files for the next update.

        For what comes thousands of times in one scan. Returns the record as `update` does.
        """
        with self._database.writing() as connection:
            position, record = _as_numbered(connection, record)
            _put(connection, position, (head_part(record),))
        return record

    def add(self, record: Record, *, due: bool = False) -> None:
        """Keeps a record that another journal gave, number and all; its files are to be made if `due`.

        Raises JournalError when its id or its number is taken.
        """
        parts = (head_part(record), *snapshot_parts(record))
        with self._database.writing() as connection:
            position = self._insert(connection, record, parts)
            if due:
                outbox.enqueue(connection, position)

    def done(self, work: Work) -> None:
        """The files are made; the record stays due if it has changed since."""
        with self._database.writing() as connection:
            outbox.done(connection, work)
        self._database.checkpoint()

    def failed(self, work: Work, reason: str, retry_at: datetime | None) -> None:
        """The files could not be made. None for `retry_at` sets the record aside until it changes or is requeued."""
        with self._database.writing() as connection:
            outbox.failed(connection, work, reason, now(), retry_at)
        self._database.checkpoint()

    def postponed(self, work: Work, until: datetime) -> None:
        """The files are made, but for what is awaited: the record is due again at `until`, or when it changes."""
        with self._database.writing() as connection:
            outbox.postponed(connection, work, until)
        self._database.checkpoint()

    def requeue(self, record_id: str) -> None:
        """Makes the record due, whatever became of it before."""
        with self._database.writing() as connection:
            outbox.enqueue(connection, _place(connection, record_id)[0])

    def expired(self, before: datetime) -> tuple[str, ...]:
        """The ids of scans that ended before then and whose files are made, oldest first.

        The newest scan of each master is never among them: the numbers of those to come follow from it.
        """
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM record WHERE end_time < ? AND position NOT IN (SELECT record FROM projection)"
                " AND number < (SELECT max(number) FROM record AS other WHERE other.master = record.master)"
                " ORDER BY position",
                (sortable(before),),
            ).fetchall()
        return tuple(id_ for (id_,) in rows)

    def remove(self, ids: Sequence[str]) -> None:
        """Takes records out for good, and the definitions that no record has any more."""
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM record WHERE id = ?", [(id_,) for id_ in ids])
            connection.execute("DELETE FROM definition WHERE sha256 NOT IN (SELECT definition FROM record)")
        self._definitions.clear()
        self._database.checkpoint()

    def unused_share(self) -> float:
        """How much of the file holds nothing, from 0 to 1: what `vacuum` would give back."""
        with self._database.reading() as connection:
            pages, free = (
                connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count")
            )
        return float(free / pages) if pages else 0.0

    def vacuum(self) -> None:
        """Makes the file as small as what it holds. Triggers wait meanwhile: seconds for a journal of a gigabyte."""
        self._database.vacuum()

    def _release(self) -> None:
        if self._claim:
            self._claim.close()
            self._claim = None

    def _insert(self, connection: sqlite3.Connection, record: Record, parts: tuple[Part, ...]) -> int:
        taken = connection.execute(
            "SELECT id FROM record WHERE id = ? OR (master = ? AND number = ?)",
            (record.id, record.master, record.number),
        ).fetchone()
        if taken:
            raise JournalError(
                Problem(
                    f"the journal {self.path} cannot take record {record.id}, {record.entry} of {record.master}",
                    f"record {taken[0]} is there already",
                    "import into a journal that does not have this scan",
                )
            )
        self._put_definition(connection, record)
        cursor = connection.execute(_INSERT, (*listing(record), 1))
        position = cursor.lastrowid or 0
        _put(connection, position, parts)
        return position

    def _put_definition(self, connection: sqlite3.Connection, record: Record) -> None:
        definition = record.definition
        if self._definitions.get(definition.sha256) == definition.text:
            return
        if text_sha256(definition.text) != definition.sha256:
            raise JournalError(
                Problem(
                    f"the journal {self.path} cannot take record {record.id}",
                    f"the sha256 of its definition {definition.name} is not that of the definition's text in UTF-8",
                    "this is a fault of the program that made the record: report it",
                )
            )
        connection.execute(
            "INSERT OR IGNORE INTO definition (sha256, payload, compressed) VALUES (?, ?, ?)",
            (definition.sha256, *pack(definition.text.encode())),
        )


def _place(connection: sqlite3.Connection, record_id: str) -> tuple[int, int]:
    """A record's position and number."""
    row = connection.execute("SELECT position, number FROM record WHERE id = ?", (record_id,)).fetchone()
    if not row:
        raise JournalError(Problem(f"the journal has no record {record_id}", "it was removed", "start a new scan"))
    return int(row[0]), int(row[1])


def _as_numbered(connection: sqlite3.Connection, record: Record) -> tuple[int, Record]:
    """The record's position, and the record with the number that the journal has for it."""
    position, number = _place(connection, record.id)
    return position, record if number == record.number else record.renumbered(number)


def _highest(connection: sqlite3.Connection, master: str) -> int:
    """The highest number that a master's records have; 0 where there is none."""
    (number,) = connection.execute("SELECT max(number) FROM record WHERE master = ?", (master,)).fetchone()
    return int(number or 0)


def _put(connection: sqlite3.Connection, position: int, parts: tuple[Part, ...]) -> None:
    """Stores the parts; one that is there unchanged is not written again."""
    connection.executemany(
        "INSERT INTO part (record, name, payload, compressed, sha256) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (record, name) DO UPDATE SET payload = excluded.payload, compressed = excluded.compressed,"
        " sha256 = excluded.sha256 WHERE sha256 <> excluded.sha256",
        [(position, part.name, part.packed.payload, part.packed.compressed, part.sha256) for part in parts],
    )
