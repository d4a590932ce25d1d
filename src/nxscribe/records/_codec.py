"""A record as one line of standard JSON, and back. The journal stores this form, and export and import use it.

The JSON has the fields of the dataclasses, inside an object with the number of the format: `{"format":1,"record":{…}}`.
If a later version adds a field with a default, the number stays: a missing field gets its default, and an unknown field
is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np

from nxscribe.errors import JournalError, Problem
from nxscribe.model import Snapshot
from nxscribe.records._values import WireValue, from_wire, to_wire
from nxscribe.records.record import DefinitionTree, Record

FORMAT = 1
"""The number of the format. It is increased if older programs could misunderstand a new form."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Envelope(Generic[_T]):
    format: int
    record: _T


@dataclass(frozen=True, slots=True)
class _RecordFormat:
    format: int


def _encode(item: object) -> object:
    if isinstance(item, np.ndarray):
        return to_wire(item)
    if isinstance(item, DefinitionTree):
        return msgspec.Raw(item.json)
    raise TypeError(f"a {type(item).__name__} has no place in a record")


def _decode(wanted: type, item: Any) -> Any:  # noqa: ANN401 - msgspec's hook
    if wanted is DefinitionTree:
        return DefinitionTree(msgspec.json.encode(item))
    return from_wire(msgspec.convert(item, WireValue))


_encoder = msgspec.json.Encoder(enc_hook=_encode)
_format_decoder = msgspec.json.Decoder(_RecordFormat)
_record_decoder = msgspec.json.Decoder(_Envelope[Record], dec_hook=_decode)
_snapshot_decoder = msgspec.json.Decoder(_Envelope[Snapshot], dec_hook=_decode)


def record_to_json(record: Record) -> bytes:
    """A record as one line without the newline. Raises JournalError for a value that JSON cannot represent."""
    return _to_json(record)


def record_from_json(data: bytes | str) -> Record:
    """The record of one line. Raises JournalError if the line is not a record, or has a newer format."""
    return _from_json(data, _record_decoder).record


def snapshot_to_json(snapshot: Snapshot) -> bytes:
    """One snapshot in the same form."""
    return _to_json(snapshot)


def snapshot_from_json(data: bytes) -> Snapshot:
    """The snapshot of a text. Raises JournalError like `record_from_json`."""
    return _from_json(data, _snapshot_decoder).record


def _to_json(item: Record | Snapshot) -> bytes:
    try:
        return _encoder.encode(_Envelope(FORMAT, item))
    except (TypeError, ValueError) as error:
        raise JournalError(
            Problem("the record cannot be written as JSON", str(error), "correct what the trigger or the device gave")
        ) from error


def _from_json(data: bytes | str, decoder: msgspec.json.Decoder[_Envelope[_T]]) -> _Envelope[_T]:
    try:
        found = _format_decoder.decode(data).format
        if found > FORMAT:
            raise JournalError(
                Problem(
                    f"the record has form {found}, and this nxscribe knows forms up to {FORMAT}",
                    "a later version wrote it",
                    "read it with that version",
                )
            )
        return decoder.decode(data)
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise JournalError(
            Problem("this is not a record of nxscribe", str(error), "give one line of `records export`")
        ) from error
