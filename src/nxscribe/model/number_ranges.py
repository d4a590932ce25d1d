"""Sequences of numbers in the text of a definition: one value for each frame, without a list of all values.

    0..3          0 1 2 3           both ends included
    2*4           2 2 2 2           a value, so many times
    2*0..3        2 2 2 2           a value, once for each of these
    0..180/5      0 36 72 108 144   so many steps from the first to the last, which is not reached
    0..1:5        0 0.25 0.5 0.75 1 so many values from the first to the last, which is the last

Parts are separated by spaces and follow each other: `2*${dark_start}..${dark_end} 0*${first}..${last}`.
"""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RUN: Final = re.compile(
    rf"(?:(?P<value>{_NUMBER})\*)?(?P<first>{_NUMBER})(?:\.\.(?P<last>{_NUMBER})(?:(?P<how>[/:])(?P<steps>\d+))?)?"
)
_MOST: Final = 10_000_000
"""The most values of one sequence: more than the frames of any scan. A typing error must not fill the memory."""


def is_sequence(text: str) -> bool:
    """Whether a text has a part that stands for more than one number."""
    return any(("*" in part or ".." in part) and _RUN.fullmatch(part) for part in text.split())


def expand(text: str) -> str:
    """The numbers that a text stands for, separated by spaces. A text without a sequence is returned unchanged.

    Raises ValueError for a sequence that has no end or contradicts itself.
    """
    if not is_sequence(text):
        return text
    return " ".join(" ".join(_part(part)) for part in text.split())


def _part(part: str) -> list[str]:
    run = _RUN.fullmatch(part)
    if not run or (run["value"] is None and run["last"] is None):
        return [part]
    if run["last"] is None:
        values = [""] * _count(int(run["first"])) if run["first"].isdigit() else _refuse(part)
    elif run["steps"]:
        first, last, steps = float(run["first"]), float(run["last"]), _count(int(run["steps"]))
        pieces = steps if run["how"] == "/" else max(steps - 1, 1)
        values = [repr(first + (last - first) * index / pieces) for index in range(steps)]
    else:
        try:
            first_number, last_number = int(run["first"]), int(run["last"])
        except ValueError:
            return _refuse(part)
        _count(last_number - first_number + 1)
        values = [str(number) for number in range(first_number, last_number + 1)]
    return values if run["value"] is None else [run["value"]] * len(values)


def _count(count: int) -> int:
    if not 0 <= count <= _MOST:
        raise ValueError(f"a sequence of {count} values: there can be 0 to {_MOST}")
    return count


def _refuse(part: str) -> list[str]:
    raise ValueError(f"{part!r} is not a sequence: write 0..3, 2*4, 2*0..3, 0..180/5 or 0..1:5")
