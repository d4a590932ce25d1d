"""How a record lies in the journal: a head without readings, its snapshots one by one, its definition once."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, replace
from typing import NamedTuple

from nxscribe.errors import JournalError, Problem
from nxscribe.records.codec import record_from_json, record_to_json, snapshot_from_json, snapshot_to_json
from nxscribe.records.record import DefinitionText, Record

HEAD, INITIAL, FINAL = "head", "initial", "final"

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


def unpack(packed: Packed) -> bytes:
    """The bytes back. Raises zlib.error when they are damaged so that they cannot be."""
    return zlib.decompress(packed.payload) if packed.compressed else packed.payload


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
    initial = _part(INITIAL, snapshot_to_json(record.initial))
    return (initial, _part(FINAL, snapshot_to_json(record.final))) if record.final else (initial,)


def text_sha256(text: str) -> str:
    """By which a definition's text is stored."""
    return hashlib.sha256(text.encode()).hexdigest()


def join(parts: dict[str, Part], definition: Packed) -> Record:
    """The whole record. Raises JournalError for a part that is damaged or missing."""
    head = record_from_json(_verified(parts, HEAD))
    initial = snapshot_from_json(_verified(parts, INITIAL))
    final = snapshot_from_json(_verified(parts, FINAL)) if head.final else None
    return replace(head, definition=_definition(head.definition, definition), initial=initial, final=final)


def _part(name: str, data: bytes) -> Part:
    return Part(name, pack(data), hashlib.sha256(data).digest())


def _verified(parts: dict[str, Part], name: str) -> bytes:
    if name not in parts:
        raise _damaged(f"its part {name!r} is missing")
    part = parts[name]
    try:
        data = unpack(part.packed)
    except zlib.error as error:
        raise _damaged(f"its part {name!r} cannot be decompressed ({error})") from error
    if hashlib.sha256(data).digest() != part.sha256:
        raise _damaged(f"its part {name!r} does not have the checksum that it had when it was written")
    return data


def _definition(head: DefinitionText, packed: Packed) -> DefinitionText:
    try:
        text = unpack(packed).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise _damaged(f"its definition cannot be read ({error})") from error
    if text_sha256(text) != head.sha256:
        raise _damaged("its definition does not have the checksum that it had when it was written")
    return replace(head, text=text)


def _damaged(why: str) -> JournalError:
    return JournalError(Problem("a record in the journal is damaged", why, "restore the journal from a backup"))
