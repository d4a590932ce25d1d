"""The answer to a trigger, as the daemon sends it and its clients read it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a trigger, which is sent when its record is on the disk."""

    entry: str
    number: int
    master: str
    """The full path of the master file, which is written after the answer."""
    record: str
    read: int
    """How many placeholders have a value in this phase."""
    missing: dict[str, str]
    """The placeholders without a value, with the reason."""
    capture_s: float
    dead_time_s: float
    """The time from the arrival of the trigger to the commit, in seconds."""
    end_reason: str = ""
    missing_mandatory: tuple[str, ...] = ()
    """Those of the missing without which the scan is incomplete."""
    unnamed: tuple[str, ...] = ()
    """The parameters so far that the definition does not name."""
    warnings: tuple[str, ...] = ()
    """What was sent with the trigger and could not be used, with the reasons. Of a command that failed: why."""

    def __bool__(self) -> bool:
        """Whether it tells of a scan."""
        return self.record != NO_RECORD


NO_RECORD: Final = "-"
"""Instead of the id of a record. It is not empty, because an end without a name ends whatever scan is open."""
NO_ANSWER: Final = Answer("", 0, "", NO_RECORD, 0, {}, 0.0, 0.0)
"""Instead of the answer to a command that failed, or that stopped a start: it is false, and tells of no scan."""
_NAMES: Final = frozenset(field.name for field in fields(Answer))
_TUPLES: Final = frozenset({"missing_mandatory", "unnamed", "warnings"})
"""JSON has lists instead."""


def no_answer(*why: str) -> Answer:
    """Instead of the answer to a command that failed, with the reasons."""
    return replace(NO_ANSWER, warnings=why)


def encode_answer(answer: Answer) -> str:
    """The answer as JSON in ASCII, for Tango sends Latin-1 alone."""
    return json.dumps(asdict(answer))


def decode_answer(text: str) -> Answer:
    """The answer from its JSON, or from the empty text of an abort that stopped a start. What a newer daemon tells
    beyond it is left out.
    """
    if not text:
        return NO_ANSWER
    told: dict[str, Any] = {name: value for name, value in json.loads(text).items() if name in _NAMES}
    listed: dict[str, Any] = {name: tuple(told.get(name, ())) for name in _TUPLES}
    return Answer(**{**told, **listed})
