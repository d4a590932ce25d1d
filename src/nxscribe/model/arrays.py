"""Arrays from plain Python values, and numbers from texts. The result is exact; otherwise there is an error.

numpy guesses where types are mixed: it makes 9007199254740992.0 of 9007199254740993 beside a float, and pads each
text of a list to the longest of them. Here nothing is rounded, and a list of texts takes the memory of its texts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Value: TypeAlias = npt.NDArray[np.generic]
"""Scalars are 0-d. The dtype is the source's own (kinds b, i, u, f); opaque bytes are uint8. Texts are Python's, in an
array of objects: `is_text` knows them.
"""

NON_FINITE: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""How NaN and the infinities are written in JSON, which has no such numbers (RFC 8259)."""
_NAMES: Final = {str(number): name for name, number in NON_FINITE.items()}
_SAFE_INTEGER: Final = 2**53
"""Many JSON readers round larger integers (RFC 8259 section 6)."""
MOST_DIMENSIONS: Final = 32
"""The most dimensions that a dataset of HDF5 can have (H5S_MAX_RANK)."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_FLOAT: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# As Python, C and YAML write them: inf, Infinity, .inf, nan, .NaN.
_NAMED: Final = re.compile(r"[+-]?\.?(nan|inf(inity)?)", re.IGNORECASE)
_MOST_DIGITS: Final = 400
"""The largest float has 309: int() takes quadratic time for digits without end."""
_SHOWN: Final = 40
"""How many characters of a text a message shows."""


class BeyondError(ValueError):
    """A number is too large, or too small, for every type that a file can contain."""


def number_for_json(number: float) -> float | str:
    """A number as JSON can contain it without loss: a text for NaN, the infinities, and integers above 2**53."""
    if isinstance(number, int):
        return number if -_SAFE_INTEGER <= number <= _SAFE_INTEGER else str(number)
    return number if math.isfinite(number) else _NAMES[str(number)]


def texts(given: str | Sequence[str]) -> Value:
    """A text, or a list of texts, as an array of no or one dimension."""
    if isinstance(given, str):
        scalar = np.empty((), object)
        scalar[()] = given
        return scalar
    array = np.empty(len(given), object)
    array[:] = given
    return array


def is_text(value: Value) -> bool:
    """Whether an array holds texts."""
    return value.dtype.kind in "OU"


def as_texts(value: Value) -> Value:
    """Each element as a text, in the same shape."""
    return texts([str(element) for element in value.ravel().tolist()]).reshape(value.shape)


def number_of(text: str) -> int | float:
    """The number that a text represents: `7`, `1e-3`, `NaN`, `.inf`.

    Raises ValueError for any other text, and BeyondError for a number that no type can represent.
    """
    text = text.strip()
    if _INTEGER.fullmatch(text) and len(text) <= _MOST_DIGITS:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float_of(text)
    if _NAMED.fullmatch(text):
        return float(text.replace(".", ""))
    raise ValueError(f"{_shown(text)} is not a number")


def float_of(text: str) -> float:
    """The text of a number as a float. Raises BeyondError if it is too large or too small for a float."""
    number = float(text)
    is_lost = not number and any(digit in "123456789" for digit in re.split("[eE]", text)[0])
    if is_lost or math.isinf(number):
        raise BeyondError(f"{_shown(text)} is {'below' if is_lost else 'beyond'} what a float of 64 bits holds")
    return number


def exact_array(elements: Sequence[object]) -> Value:
    """Python scalars as an array with one dimension, in the narrowest type that represents each of them exactly.

    Integers become int64, or uint64 if they are too large for it. Integers and floats together become float64. The
    texts `NaN`, `Infinity` and `-Infinity` between numbers are numbers. An empty list becomes int64.

    Raises:
        ValueError: If there is no such type, with the reason.
    """
    kinds = {type(element) for element in elements}
    if str in kinds and kinds & {int, float} and kinds <= {int, float, str}:
        elements = [NON_FINITE.get(element, element) if isinstance(element, str) else element for element in elements]
        kinds = {type(element) for element in elements}
    if kinds == {str}:
        return _checked_texts([str(element) for element in elements])
    if kinds == {bool}:
        return np.asarray(elements, np.bool_)
    if kinds <= {int}:
        return _integers([element for element in elements if isinstance(element, int)])
    if kinds <= {int, float}:
        return _floats([element for element in elements if isinstance(element, int | float)])
    if type(None) in kinds:
        raise ValueError("it is null, or holds null: leave it out, or write NaN for a missing number")
    raise ValueError("it mixes texts, numbers and truth values, or holds objects")


def exact_value(given: object) -> Value:
    """A scalar, or a flat list of scalars, converted like `exact_array`. Raises ValueError for the same reasons."""
    if isinstance(given, list | tuple):
        return exact_array(given)
    return exact_array([given]).reshape(())


def _checked_texts(given: Sequence[str]) -> Value:
    for text in given:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(f"the text {_shown(text)} is not valid Unicode") from None
    return texts(given)


def _integers(given: Sequence[int]) -> Value:
    for dtype in (np.int64, np.uint64):
        if not given or (np.iinfo(dtype).min <= min(given) and max(given) <= np.iinfo(dtype).max):
            return np.asarray(given, dtype)
    raise BeyondError("an integer in it is beyond 64 bits")


def _floats(given: Sequence[int | float]) -> Value:
    if not all(isinstance(number, float) or _is_float(number) for number in given):
        raise BeyondError("an integer in it is beyond what the float beside it can hold")
    return np.asarray(given, np.float64)


def _is_float(number: int) -> bool:
    try:
        return float(number) == number
    except OverflowError:
        return False


def _shown(text: str) -> str:
    """A text in the form for messages: quoted, escaped, not longer than a line."""
    return ascii(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!a}..."
