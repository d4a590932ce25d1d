"""The journal, which contains the record of each scan from the moment at which its start is answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from nxscribe.errors import JournalError, Problem
from nxscribe.model import now
from nxscribe.records import _outbox as outbox
from nxscribe.records._database import Access, Database, make_folder
from nxscribe.records._integrity import damaged_log
from nxscribe.records._journal_lock import JournalLock
from nxscribe.records._outbox import ProjectionState, Standing, Work, sortable
from nxscribe.records._reader import JournalReader, highest_number
from nxscribe.records._sqlite_errors import SALVAGE, failure
from nxscribe.records._storage import (
    INITIAL,
    LISTED,
    Part,
    fetch,
    final_parts,
    head_part,
    initial_part,
    listing,
    pack,
    snapshot_parts,
    text_sha256,
    tree_part,
)
from nxscribe.records.record import DefinitionText, DefinitionTree, Record

JOURNAL_FILE = "journal.sqlite"
"""The name of the journal in the state folder of a beamline."""
_PACKED_DEFINITIONS = 64
"""How many definitions are remembered in their stored form."""


_Columns: TypeAlias = tuple[bytes, bool, bytes | None, bool | None, bytes | None]
"""A definition as it is stored: the text and whether it is compressed, the tree, whether it is, and its SHA-256."""
_FILES_MADE: Final = MappingProxyType({outbox.NEXUS: Standing(ProjectionState.MADE)})

_INSERT = f"INSERT INTO record ({', '.join(LISTED)}, revision) VALUES ({'?, ' * len(LISTED)}?)"  # noqa: S608 - our own words


class Journal(JournalReader):
    """A journal for writing. Every method that changes it returns when the change is on the disk.

    Every method raises JournalError with the reason if it fails. Then nothing was changed, and nothing may be
    acknowledged. When the reason is removed, the journal can be used again. It is thread-safe.
    """

    def __init__(self, path: Path, *, claim: bool = True, projections: Sequence[str] = (outbox.NEXUS,)) -> None:
        """Open the journal. Create or migrate it if necessary.

        Args:
            path: The SQLite file, on a local disk. Its folder is created.
            claim: Whether to lock the journal, as a daemon must. A tool that adds records while a daemon runs does not
                lock it, and can neither create nor migrate it.
            projections: The kinds of projection that are due when a record begins or changes.
        """
        self.path = path
        self.projections = tuple(projections)
        """The kinds of projection that are due when a record begins or changes. They can be replaced at any time."""
        self._packed: dict[str, tuple[tuple[str, DefinitionTree | None], _Columns]] = {}
        make_folder(path)
        # Locked first: a newer program must not migrate a journal that an older one still uses.
        self._lock = JournalLock(path) if claim else None
        try:
            self._database = Database(path, Access.OWN if claim else Access.SHARE)
        except JournalError:
            self._release()
            raise
        self.damage = damaged_log(path, self._database.commits_passed_over, self._database.kept_copy)
        """What an operator must know of the state in which the journal was found, if anything."""

    def close(self) -> None:
        """Close the journal and unlock it."""
        super().close()
        self._release()

    def begin(self, draft: Record, *, at_least: int = 1) -> Record:
        """Store a new record, and make its projections due.

        Args:
            draft: The record. Its `number` is ignored.
            at_least: The lowest number that it can get, because the files have entries that the journal does not know.

        Returns:
            The record with its number: the highest number of its master file plus one, also if several processes write.
        """
        parts = snapshot_parts(draft)
        with self._database.writing() as connection:
            record = replace(draft, number=max(highest_number(connection, draft.master) + 1, at_least))
            outbox.enqueue(connection, self._insert(connection, record, (head_part(record), *parts)), self.projections)
        return record

    def update(self, record: Record, *, due_at: datetime | None = None) -> Record:
        """Store a new state of a record, and make its projections due again. The initial snapshot cannot change.

        Args:
            record: The record.
            due_at: When the projections are due, if they are not due earlier because of an earlier change. By default
                they are due immediately. Use it for changes that follow each other closely.

        Returns:
            The record as it is stored: with another number and a note, if it was renumbered meanwhile.
        """
        final = final_parts(record)
        with self._database.writing() as connection:
            position, record = _as_numbered(connection, record)
            connection.execute(
                "UPDATE record SET end_time = ?, end_reason = ?, revision = revision + 1 WHERE position = ?",
                (record.end_time and sortable(record.end_time), record.end_reason, position),
            )
            parts = (head_part(record), *final)
            _put(connection, position, parts)
            self._restore(connection, position, record)
            self._check_readable(connection, record, position, parts)
            outbox.enqueue(connection, position, self.projections, due_at)
        return record

    def renumber(self, record_id: str, at_least: int) -> Record:
        """Give a record the next number of its master file, because another scan's entry has its number.

        Its projections are due again.

        Args:
            record_id: The id of the record.
            at_least: The lowest number that is free in the files.

        Returns:
            The record with its new number, and a note of the old one.
        """
        with self._database.writing() as connection:
            position, _ = _place(connection, record_id)
            stored = fetch(connection, position)
            assert stored  # noqa: S101 - its position was found in this transaction
            record = stored.join(with_definition=False)
            record = record.renumbered(max(highest_number(connection, record.master) + 1, at_least))
            connection.execute(
                "UPDATE record SET number = ?, revision = revision + 1 WHERE position = ?", (record.number, position)
            )
            _put(connection, position, (head_part(record),))
            outbox.enqueue(connection, position, self.projections)
        return record

    def note(self, record: Record) -> Record:
        """Store a new state of the record of a running scan, without its readings. Its projections do not become due.

        Use it for changes that come thousands of times in one scan. Returns the record like `update`.
        """
        with self._database.writing() as connection:
            position, record = _as_numbered(connection, record)
            _put(connection, position, (head_part(record),))
        return record

    def add(self, record: Record, standings: Mapping[str, Standing] = _FILES_MADE) -> None:
        """Store a record of another journal, with its number.

        Args:
            record: The record.
            standings: The states of its projections in that journal, by kind. A projection that was not made is due. By
                default the NeXus files count as made.

        Raises:
            JournalError: The journal has a record with this id or this number.
        """
        parts = (head_part(record), *snapshot_parts(record))
        with self._database.writing() as connection:
            position = self._insert(connection, record, parts)
            for kind, standing in standings.items():
                outbox.put(connection, position, kind, standing)

    def done(self, work: Work, result: str = "") -> None:
        """Note that a projection was made. It stays due if the record has changed meanwhile. `result` is JSON."""
        with self._database.writing() as connection:
            outbox.done(connection, work, result)
        self._database.checkpoint()

    def failed(self, work: Work, reason: str, retry_at: datetime | None) -> None:
        """Note that a projection could not be made. Without `retry_at` it is set aside until the record changes."""
        with self._database.writing() as connection:
            outbox.failed(connection, work, reason, now(), retry_at)
        self._database.checkpoint()

    def postponed(self, work: Work, until: datetime, result: str = "") -> None:
        """Note that a projection was made, but is not complete: it is due again at `until`, or after a change."""
        with self._database.writing() as connection:
            outbox.postponed(connection, work, until, result)
        self._database.checkpoint()

    def requeue(self, record_id: str, kinds: Sequence[str] = ()) -> None:
        """Make projections of the record due, whatever their states are, also of a kind that is new to the record.

        Args:
            record_id: The id of the record.
            kinds: The kinds of projections. By default all that this journal asks for.
        """
        with self._database.writing() as connection:
            outbox.ask(connection, _place(connection, record_id)[0], kinds or self.projections)

    def expired(self, before: datetime) -> tuple[str, ...]:
        """The ids of the scans that ended before a time and whose projections are made, oldest first.

        Kinds of projection that left the config are ignored. The newest scan of each master file is never included,
        because the next number follows from it.
        """
        marks = ", ".join("?" * len(self.projections))
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM record WHERE end_time < ? AND position NOT IN"  # noqa: S608 - our own words
                f" (SELECT record FROM projection WHERE state <> 'made' AND kind IN ({marks}))"
                " AND number < (SELECT max(number) FROM record AS other WHERE other.master = record.master)"
                " ORDER BY position",
                (sortable(before), *self.projections),
            ).fetchall()
        return tuple(id_ for (id_,) in rows)

    def remove(self, ids: Sequence[str]) -> None:
        """Remove records, and the definitions that no other record has."""
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM record WHERE id = ?", [(id_,) for id_ in ids])
            connection.execute("DELETE FROM definition WHERE sha256 NOT IN (SELECT definition FROM record)")
        self._database.checkpoint()

    def unused_share(self) -> float:
        """The share of the file that is unused, from 0 to 1. `shrink` can return it to the disk."""
        free, pages = self._database.unused()
        return free / pages if pages else 0.0

    @property
    def can_shrink(self) -> bool:
        """Whether `shrink` has an effect. The file of an earlier version gets this ability when a daemon opens it and
        it is small, or a quarter of it is unused.
        """
        return self._database.can_shrink

    def shrink(self, pages: int) -> None:
        """Return at most `pages` unused pages of 4 KiB to the disk. A trigger that comes meanwhile waits for it."""
        self._database.shrink(pages)

    def _release(self) -> None:
        if self._lock:
            self._lock.close()
            self._lock = None

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
        self._put_definition(connection, record.definition, record.id)
        cursor = connection.execute(_INSERT, (*listing(record), 1))
        position = cursor.lastrowid or 0
        _put(connection, position, parts)
        self._check_readable(connection, record, position, parts)
        return position

    def _put_definition(self, connection: sqlite3.Connection, definition: DefinitionText, record_id: str) -> None:
        """Stores the definition's text, in place of one that is damaged. A text that was lost is stored as empty."""
        if definition.is_lost:
            connection.execute(
                "INSERT OR IGNORE INTO definition (sha256, payload, compressed) VALUES (?, ?, 0)",
                (definition.sha256, b""),
            )
            return
        connection.execute(
            "INSERT INTO definition (sha256, payload, compressed, tree, tree_compressed, tree_sha256)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET"
            " payload = excluded.payload, compressed = excluded.compressed, tree = ifnull(excluded.tree, tree),"
            " tree_compressed = ifnull(excluded.tree_compressed, tree_compressed),"
            " tree_sha256 = ifnull(excluded.tree_sha256, tree_sha256)"
            # What lies there is compared byte for byte: a damaged text must not be kept for the records to come.
            " WHERE payload IS NOT excluded.payload OR compressed IS NOT excluded.compressed OR (excluded.tree NOT NULL"
            " AND (tree IS NOT excluded.tree OR tree_sha256 IS NOT excluded.tree_sha256))",
            (definition.sha256, *self._stored_definition(definition, record_id)),
        )

    def _stored_definition(self, definition: DefinitionText, record_id: str) -> _Columns:
        """Text and tree as they are stored. Remembered, as many scans share them; this says nothing of the journal."""
        key = definition.text, definition.tree
        remembered, columns = self._packed.get(definition.sha256, (None, None))
        if columns is not None and remembered == key:
            return columns
        if text_sha256(definition.text) != definition.sha256:
            raise JournalError(
                Problem(
                    f"the journal {self.path} cannot take record {record_id}",
                    f"the sha256 of its definition {definition.name} is not that of the definition's text in UTF-8",
                    "this is a fault of the program that made the record: report it",
                )
            )
        tree = tree_part(definition)
        packed = pack(definition.text.encode())
        columns = (*packed, *tree.packed, tree.sha256) if tree else (*packed, None, None, None)
        if len(self._packed) >= _PACKED_DEFINITIONS:
            self._packed.clear()
        self._packed[definition.sha256] = key, columns
        return columns

    def _restore(self, connection: sqlite3.Connection, position: int, record: Record) -> None:
        """Writes again what was damaged since the record was begun: its start, or its definition."""
        stored = fetch(connection, position)
        if stored and not stored.is_whole(INITIAL):
            connection.execute("DELETE FROM part WHERE record = ? AND name = ?", (position, INITIAL))
            _put(connection, position, (initial_part(record),))
        self._put_definition(connection, record.definition, record.id)

    def _check_readable(
        self, connection: sqlite3.Connection, record: Record, position: int, parts: tuple[Part, ...]
    ) -> None:
        """Raises JournalError where a reader would not find what was just written.

        A damaged index leads searches astray: what is inserted by it would be acknowledged and never be found again.
        """
        found = connection.execute("SELECT position FROM record WHERE id = ?", (record.id,)).fetchone()
        stored = fetch(connection, position) if found == (position,) else None
        if not (stored and stored.has(parts) and (stored.definition or record.definition.is_lost)):
            raise failure(
                self.path,
                "write to",
                f"a part of the file is damaged (record {record.id} could not be read back)",
                SALVAGE,
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


def _put(connection: sqlite3.Connection, position: int, parts: tuple[Part, ...]) -> None:
    """Stores the parts; one that is there unchanged, byte for byte, is not written again."""
    connection.executemany(
        "INSERT INTO part (record, name, payload, compressed, sha256) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (record, name) DO UPDATE SET payload = excluded.payload, compressed = excluded.compressed,"
        " sha256 = excluded.sha256"
        # A payload that was damaged since is not taken for the one that its checksum speaks of.
        " WHERE sha256 IS NOT excluded.sha256 OR payload IS NOT excluded.payload",
        [(position, part.name, part.packed.payload, part.packed.compressed, part.sha256) for part in parts],
    )
