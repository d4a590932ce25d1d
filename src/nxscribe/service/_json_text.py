"""Reads JSON of control systems without rounding.

In addition to RFC 8259, it accepts NaN, Infinity and -Infinity, as Python's json module and others write them, and line
ends in texts. A part that no value can represent is replaced by `Unfit`, so that all other parts can be used.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Final, TypeAlias

from nxscribe.model.arrays import MOST_DIMENSIONS, float_of, number_of

Json: TypeAlias = object
"""What JSON can say: there is no recursive type for it here, so each use looks at what it got."""

_DEEPEST: Final = MOST_DIMENSIONS + 8
"""Levels that are kept: those of the request, of an object with a unit, and one more than a dataset can have."""
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Unfit:
    """A part of a JSON text that no value can represent."""

    reason: str


def decode_json(text: str) -> Json:
    """Decode a JSON text. Raises ValueError with the place of the error if it is not valid."""
    text = text.lstrip("\ufeff")
    try:
        return _DECODER.decode(text)
    except RecursionError:
        # Nothing that is nested so deep has a form in a file: its outer levels are enough to say so.
        return _DECODER.decode(_cut_at_depth(text, _DEEPEST))


def _number(text: str) -> int | float | Unfit:
    try:
        return float_of(text) if any(mark in text for mark in ".eE") else number_of(text)
    except ValueError as error:
        return Unfit(f"the number {error}")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        found |= {name: Unfit("it is given twice in one object") for name, count in counts.items() if count > 1}
    return found


_DECODER: Final = json.JSONDecoder(parse_float=_number, parse_int=_number, object_pairs_hook=_object, strict=False)


def _cut_at_depth(text: str, deepest: int) -> str:
    """Replace everything that is nested deeper by null."""
    kept: list[str] = []
    depth = start = 0
    for token in _TOKEN.finditer(text):
        match token[0][0]:
            case "[" | "{":
                depth += 1
                if depth == deepest + 1:
                    kept += [text[start : token.start()], "null"]
            case "]" | "}":
                if depth == deepest + 1:
                    start = token.end()
                depth -= 1
    if depth > deepest:
        raise ValueError(f"{depth} brackets are not closed at its end")
    return "".join([*kept, text[start:]])
