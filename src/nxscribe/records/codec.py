"""A record as one line of standard JSON, and back: what the journal keeps, and what export and import exchange.

The form is that of the dataclasses, field by field, inside an envelope that says which form it is:
`{"format":1,"record":{…}}`. A field that a later version adds with a default needs no new form, since a
missing field takes its default and an unknown one is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np

from nxscribe.errors import JournalError, Problem
from nxscribe.model import Snapshot
from nxscribe.records.record import Record
from nxscribe.records.values import WireValue, from_wire, to_wire

FORMAT = 1
"""Raised when older programs could misread what is written."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Envelope(Generic[_T]):
    format: int
    record: _T


@dataclass(frozen=True, slots=True)
class _FormatOnly:
    format: int


def _encode(item: object) -> object:
    if isinstance(item, np.ndarray):
        return to_wire(item)
    raise TypeError(f"a {type(item).__name__} has no place in a record")


def _decode(_type: type, item: Any) -> Any:  # noqa: ANN401 - msgspec's hook
    return from_wire(msgspec.convert(item, WireValue))


_encoder = msgspec.json.Encoder(enc_hook=_encode)
_format_decoder = msgspec.json.Decoder(_FormatOnly)
_record_decoder = msgspec.json.Decoder(_Envelope[Record], dec_hook=_decode)
_snapshot_decoder = msgspec.json.Decoder(_Envelope[Snapshot], dec_hook=_decode)


def record_to_json(record: Record) -> bytes:
    """One line, without the newline. Raises JournalError for what JSON cannot hold."""
    return _to_json(record)


def record_from_json(data: bytes | str) -> Record:
    """The record of one line. Raises JournalError when it is none, or of a newer form."""
    return _from_json(data, _record_decoder).record


def snapshot_to_json(snapshot: Snapshot) -> bytes:
    """One snapshot alone, in the same form."""
    return _to_json(snapshot)


def snapshot_from_json(data: bytes) -> Snapshot:
    """The snapshot back. Raises JournalError as `record_from_json` does."""
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
