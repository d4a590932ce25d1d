"""How a record lies in the journal: a head without readings, its snapshots one by one, its definition once."""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from dataclasses import dataclass, replace
from typing import NamedTuple

from nxscribe.errors import JournalError, Problem
from nxscribe.records.codec import record_from_json, record_to_json, snapshot_from_json, snapshot_to_json
from nxscribe.records.outbox import sortable
from nxscribe.records.record import DefinitionText, Record

HEAD, INITIAL, FINAL = "head", "initial", "final"

LISTED = (
    "id",
    "beamline",
    "proposal",
    "sample",
    "scan",
    "technique",
    "session",
    "master",
    "number",
    "definition",
    "start_time",
    "end_time",
    "end_reason",
)
"""The columns by which records are found: copies of what the head says."""

_WORTH_COMPRESSING = 512
"""Bytes; below this nothing that matters is saved."""


class Packed(NamedTuple):
    """Bytes as they are stored."""

    payload: bytes
    compressed: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a record, as it is stored."""

    name: str
    packed: Packed
    sha256: bytes
    """Of the part's JSON."""


def pack(data: bytes) -> Packed:
    """Compressed when that saves at least a fifth."""
    if len(data) >= _WORTH_COMPRESSING:
        # Level 1: its time counts for each trigger, and level 6 saves little more on such texts.
        small = zlib.compress(data, 1)
        if len(small) < 0.8 * len(data):
            return Packed(small, True)
    return Packed(data, False)


def head_part(record: Record) -> Part:
    """Everything but the readings and the definition's text."""
    bare = replace(
        record,
        definition=replace(record.definition, text=""),
        initial=replace(record.initial, readings={}),
        final=record.final and replace(record.final, readings={}),
    )
    return _part(HEAD, record_to_json(bare))


def snapshot_parts(record: Record) -> tuple[Part, ...]:
    """The snapshots that the record has."""
    return (_part(INITIAL, snapshot_to_json(record.initial)), *final_parts(record))


def final_parts(record: Record) -> tuple[Part, ...]:
    """The final snapshot, if there is one."""
    return (_part(FINAL, snapshot_to_json(record.final)),) if record.final else ()


def listing(record: Record) -> tuple[str | int | None, ...]:
    """The values of the columns `LISTED`."""
    who = record.identity
    return (
        record.id,
        who.beamline,
        who.proposal,
        who.sample,
        who.scan,
        who.technique,
        record.session,
        record.master,
        record.number,
        record.definition.sha256,
        sortable(record.start_time),
        sortable(record.end_time) if record.end_time else None,
        record.end_reason,
    )


def text_sha256(text: str) -> str:
    """By which a definition's text is stored."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it was taken out of the journal, not yet looked at."""

    revision: int
    parts: dict[str, Part]
    definition: Packed | None

    def join(self) -> Record:
        """The whole record. Raises JournalError for a part that is damaged or missing."""
        head = record_from_json(self._verified(HEAD))
        return replace(
            head,
            definition=self._definition(head.definition),
            initial=snapshot_from_json(self._verified(INITIAL)),
            final=snapshot_from_json(self._verified(FINAL)) if head.final else None,
        )

    def _verified(self, name: str) -> bytes:
        if name not in self.parts:
            raise _damaged(f"its part {name!r} is missing")
        part = self.parts[name]
        data = _unpacked(part.packed, f"its part {name!r}")
        if hashlib.sha256(data).digest() != part.sha256:
            raise _damaged(f"its part {name!r} does not have the checksum that it had when it was written")
        return data

    def _definition(self, head: DefinitionText) -> DefinitionText:
        if not self.definition:
            raise _damaged("its definition is missing")
        data = _unpacked(self.definition, "its definition")
        if hashlib.sha256(data).hexdigest() != head.sha256:
            raise _damaged("its definition does not have the checksum that it had when it was written")
        return replace(head, text=data.decode())


def fetch(connection: sqlite3.Connection, position: int) -> Stored | None:
    """The record at this position, or None. Raises sqlite3.Error."""
    found = connection.execute(
        "SELECT revision, payload, compressed FROM record LEFT JOIN definition ON sha256 = definition"
        " WHERE position = ?",
        (position,),
    ).fetchone()
    if not found:
        return None
    revision, definition, is_compressed = found
    rows = connection.execute("SELECT name, payload, compressed, sha256 FROM part WHERE record = ?", (position,))
    return Stored(
        revision,
        {name: Part(name, Packed(payload, bool(compressed)), sha256) for name, payload, compressed, sha256 in rows},
        None if definition is None else Packed(definition, bool(is_compressed)),
    )


def _part(name: str, data: bytes) -> Part:
    return Part(name, pack(data), hashlib.sha256(data).digest())


def _unpacked(packed: Packed, what: str) -> bytes:
    """The bytes back. Raises JournalError, with `what` as the one who suffers."""
    try:
        # A damaged row can hold anything: bytes() refuses what are none.
        return zlib.decompress(packed.payload) if packed.compressed else bytes(memoryview(packed.payload))
    except (zlib.error, TypeError) as error:
        raise _damaged(f"{what} cannot be unpacked ({error})") from error


def _damaged(why: str) -> JournalError:
    return JournalError(
        Problem(
            "a record in the journal is damaged",
            why,
            "restore the journal from a backup; the other records can be read",
        )
    )
