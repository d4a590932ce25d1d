"""The stored form of a record: a head without readings, each snapshot, and the definition, which records share."""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from dataclasses import dataclass, replace
from typing import NamedTuple

from nxscribe.errors import JournalError, Problem
from nxscribe.records._codec import record_from_json, record_to_json, snapshot_from_json, snapshot_to_json
from nxscribe.records._outbox import sortable
from nxscribe.records.record import DefinitionText, DefinitionTree, Record

HEAD, INITIAL, FINAL = "head", "initial", "final"
TREE = "tree"
"""The name of the part with the definition as data."""

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
"""The columns for finding records. They repeat values of the head."""

_WORTH_COMPRESSING = 512
"""In bytes. Smaller parts are not compressed, because the gain would be negligible."""


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
    """The checksum of the JSON of the part."""


def pack(data: bytes) -> Packed:
    """The bytes in their stored form. They are compressed if this makes them smaller by a fifth or more."""
    if len(data) >= _WORTH_COMPRESSING:
        # Level 1: its time counts for each trigger, and level 6 saves little more on such texts.
        small = zlib.compress(data, 1)
        if len(small) < 0.8 * len(data):
            return Packed(small, True)
    return Packed(data, False)


def head_part(record: Record) -> Part:
    """The part with everything except the readings and the text of the definition."""
    bare = replace(
        record,
        definition=replace(record.definition, text="", tree=None),
        initial=replace(record.initial, readings={}),
        final=record.final and replace(record.final, readings={}),
    )
    return _part(HEAD, record_to_json(bare))


def snapshot_parts(record: Record) -> tuple[Part, ...]:
    """The parts for the snapshots of the record."""
    return (initial_part(record), *final_parts(record))


def initial_part(record: Record) -> Part:
    """The snapshot of the start."""
    return _part(INITIAL, snapshot_to_json(record.initial))


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
    """The SHA-256 of a definition's text, which is its key in the journal."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored parts of a record, which are not decoded or checked yet."""

    revision: int
    parts: dict[str, Part]
    definition: Packed | None
    tree: Part | None = None
    """The definition as data."""

    def join(self, *, with_definition: bool = True) -> Record:
        """The whole record. Raises JournalError for a part that is damaged or missing.

        Without `with_definition`, a definition that cannot be read counts as lost, and its text is empty.
        """
        head = self.head
        return replace(
            head,
            definition=self._definition(head.definition, is_needed=with_definition),
            initial=snapshot_from_json(self._verified(INITIAL)),
            final=snapshot_from_json(self._verified(FINAL)) if head.final else None,
        )

    @property
    def head(self) -> Record:
        """The record without its readings and its definition. Raises JournalError for a damaged head."""
        return record_from_json(self._verified(HEAD))

    def is_whole(self, name: str) -> bool:
        """Whether the part exists and has the checksum with which it was written."""
        try:
            self._verified(name)
        except JournalError:
            return False
        return True

    def has(self, parts: tuple[Part, ...]) -> bool:
        """Whether the journal has exactly these parts, byte for byte."""
        return all(self.parts.get(part.name) == part for part in parts)

    def _verified(self, name: str) -> bytes:
        if name not in self.parts:
            raise _damaged(f"its part {name!r} is missing")
        return _verified(self.parts[name])

    def _definition(self, head: DefinitionText, *, is_needed: bool) -> DefinitionText:
        try:
            return replace(head, text=definition_of(self.definition, head.sha256), tree=tree_in(self.tree))
        except JournalError:
            if is_needed:
                raise
            return replace(head, text="")


def definition_of(packed: Packed | None, sha256: str) -> str:
    """The text of a definition; empty if it was lost, and a record saved without it. Raises JournalError for damage."""
    if packed is None:
        raise _damaged("its definition is missing")
    if not packed.payload and not packed.compressed:
        return ""
    data = _unpacked(packed, "its definition")
    if hashlib.sha256(data).hexdigest() != sha256:
        raise _damaged("its definition does not have the checksum that it had when it was written")
    return data.decode()


def tree_part(definition: DefinitionText) -> Part | None:
    """The stored form of a definition's tree; None if there is no tree."""
    return _part(TREE, definition.tree.json) if definition.tree else None


def tree_in(part: Part | None) -> DefinitionTree | None:
    """A definition's tree; None if there is no tree, or if it is damaged, because the text has the same content."""
    if part is None:
        return None
    try:
        return DefinitionTree(_verified(part))
    except JournalError:
        return None


def is_definition(packed: Packed, sha256: str) -> bool:
    """Whether this is the undamaged text of the definition with this checksum."""
    try:
        return bool(definition_of(packed, sha256))
    except JournalError:
        return False


def fetch_definition(connection: sqlite3.Connection, sha256: str) -> tuple[Packed | None, Part | None]:
    """A definition's text and tree as they are stored, by its index. Raises sqlite3.Error."""
    row = connection.execute(
        "SELECT payload, compressed, tree, tree_compressed, tree_sha256 FROM definition WHERE sha256 = ?", (sha256,)
    ).fetchone()
    return (Packed(row[0], bool(row[1])), stored_tree(*row[2:])) if row else (None, None)


def stored_tree(payload: bytes | None, compressed: object, sha256: bytes) -> Part | None:
    """The part from the columns of a definition's tree; None if the definition has only its text."""
    return None if payload is None else Part(TREE, Packed(payload, bool(compressed)), sha256)


def fetch(connection: sqlite3.Connection, position: int) -> Stored | None:
    """The record at this position, or None. Raises sqlite3.Error."""
    found = connection.execute(
        "SELECT revision, payload, compressed, tree, tree_compressed, tree_sha256"
        " FROM record LEFT JOIN definition ON sha256 = definition WHERE position = ?",
        (position,),
    ).fetchone()
    if not found:
        return None
    revision, definition, is_compressed, *tree = found
    rows = connection.execute("SELECT name, payload, compressed, sha256 FROM part WHERE record = ?", (position,))
    return Stored(
        revision,
        {name: Part(name, Packed(payload, bool(compressed)), digest) for name, payload, compressed, digest in rows},
        None if definition is None else Packed(definition, bool(is_compressed)),
        stored_tree(*tree),
    )


def _verified(part: Part) -> bytes:
    data = _unpacked(part.packed, f"its part {part.name!r}")
    if hashlib.sha256(data).digest() != part.sha256:
        raise _damaged(f"its part {part.name!r} does not have the checksum that it had when it was written")
    return data


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
