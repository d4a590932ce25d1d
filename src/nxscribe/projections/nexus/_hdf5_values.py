"""From what a source said to what a field holds: the declared type and unit, and never another value.

The rule: a number stays a number, and a text that is not a number never becomes one. If a conversion would change what
was read (1.5 for an integer, keV for a length), the reading is written as it was, and a warning says so. If it cannot
be written at all as what the field is declared to be (`abc` for a number), the field is missing, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nxscribe.model import Value, from_iso, is_text, number_ranges, texts, units
from nxscribe.model.arrays import BeyondError, exact_array, number_of
from nxscribe.model.nexus_types import BOOLEANS, kind

_NUMERIC: Final = frozenset({"integer", "float", "number", "boolean"})
_WIDTHS: Final = {f"NX_{name.upper()}": name for name in ("float32", "float64")} | {
    f"NX_{sign.upper()}INT{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_LONGEST_QUOTE: Final = 60
_USUAL_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


class UnfitError(ValueError):
    """What was read cannot be written as what the field is declared to be. Its text is the reason."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A value as it will be written."""

    value: Value
    units: str = ""
    warnings: tuple[str, ...] = ()


def fit(value: Value, unit: str, nx_type: str, declared_unit: str = "") -> Fitted:
    """A reading's value in the type and unit that a field declares.

    Raises UnfitError where the value is not of the declared kind.
    """
    wanted = kind(nx_type)
    if wanted in _NUMERIC and is_text(value):
        value = _numbers(value, nx_type)
    if wanted == "time" and not is_text(value):
        raise UnfitError(f"{as_text(value)} is a number, and the field holds a date and time")
    told = _in_unit(value, unit, declared_unit)
    value, warnings = told.value, list(told.warnings)
    if wanted == "text":
        value = _text(value)
    elif wanted == "time":
        moments = [_moment(text) for text in _texts(value)]
        value = np.reshape(texts([text for text, _ in moments]), value.shape)
        warnings += [doubt for _, doubt in moments]
    elif wanted in _NUMERIC:
        value, doubt = _typed(value, nx_type)
        warnings.append(doubt)
    return Fitted(_storable(value), told.units, tuple(filter(None, warnings)))


def parse(text: str, nx_type: str) -> Value:
    """A text of the definition itself as a value of a declared type; a sequence of numbers is an array.

    Raises UnfitError.
    """
    if kind(nx_type) not in _NUMERIC or not number_ranges.is_sequence(text):
        return fit(np.asarray(text), "", nx_type).value
    try:
        numbers = number_ranges.expand(text)
    except ValueError as error:
        raise UnfitError(str(error)) from error
    return np.atleast_1d(fit(np.asarray(numbers), "", nx_type).value)


def as_text(value: Value) -> str:
    """A value as text: numbers with as many digits as tell them apart, elements of an array with spaces between."""
    return " ".join(_element_text(element) for element in value.flat)


def own_texts(given: str | Sequence[str]) -> Value:
    """What nxscribe itself has to say, with escapes for what no HDF5 text can hold: it may quote what was sent."""
    if isinstance(given, str):
        return texts(_escaped(given))
    return texts([_escaped(text) for text in given])


def _escaped(text: str) -> str:
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _text(value: Value) -> Value:
    """One text, as the ESRF's definitions have lists; texts that could not be told apart in it stay an array."""
    joined = as_text(value)
    if is_text(value) and value.ndim and joined.split() != _texts(value):
        return value
    return texts(joined)


def _element_text(element: np.generic) -> str:
    if isinstance(element, np.bool_):
        return "true" if element else "false"
    return str(element)


def _in_unit(value: Value, unit: str, declared: str) -> Fitted:
    own, declared = units.spelling(unit), units.spelling(declared)
    if own == declared or not declared:
        return Fitted(value, own)
    if not own:
        return Fitted(value, declared)
    if value.dtype.kind in "iuf" and units.convertible(own, declared):
        return Fitted(units.convert(value, own, declared), declared)
    return Fitted(value, own, (f"read in {own}, which cannot be told in {declared}: written as read",))


def _numbers(value: Value, nx_type: str) -> Value:
    """Texts as numbers. A text may hold several, with spaces between, as the ESRF's clients send lists."""
    parts = [part for text in _texts(value) for part in (text.split() or [""])]
    numbers = [_number(part, nx_type) for part in parts]
    try:
        array = exact_array(numbers)
    except ValueError as error:
        raise UnfitError(f"{_quoted(' '.join(parts))}: {error}") from error
    return array.reshape(value.shape) if array.size == value.size else array


def _number(text: str, nx_type: str) -> bool | int | float:
    if kind(nx_type) == "boolean":
        if (known := BOOLEANS.get(text.lower())) is not None:
            return known
    else:
        try:
            return number_of(text)
        except BeyondError as error:
            raise UnfitError(f"the text {error}") from None
        except ValueError:
            pass  # told below
    if not text:
        raise UnfitError("the text is empty")
    article = "an" if kind(nx_type) == "integer" else "a"
    raise UnfitError(f"the text {_quoted(text)} is not {article} {kind(nx_type)}")


def _typed(value: Value, nx_type: str) -> tuple[Value, str]:
    """Numbers in the declared type, or as they are with a doubt where that would change them."""
    wanted = kind(nx_type)
    if wanted == "boolean":
        return _exactly(value, "bool", nx_type)
    if value.dtype.kind == "b":
        value = value.astype(np.uint8)
    if nx_type in _WIDTHS:
        return _exactly(value, _WIDTHS[nx_type], nx_type)
    if wanted == "integer" and value.dtype.kind == "f":
        return _exactly(value, "int64", nx_type)
    if wanted == "float" and value.dtype.kind in "iu":
        return _exactly(value, "float64", nx_type)
    return value, ""


def _exactly(value: Value, dtype: str, nx_type: str) -> tuple[Value, str]:
    if value.dtype == np.dtype(dtype):
        return value, ""
    with np.errstate(all="ignore"):
        result = value.astype(dtype)
        back = result.astype(value.dtype)
    is_float = value.dtype.kind == "f"
    same = np.array_equal(back, value, equal_nan=is_float) and np.array_equal(
        np.asarray(result, dtype=object), np.asarray(value, dtype=object)
    )
    if same or (is_float and result.dtype.kind == "f" and np.array_equal(back, value, equal_nan=True)):
        return result, ""
    return value, f"{_quoted(as_text(value))} ({value.dtype}) is not {nx_type}: written as read"


def _moment(text: str) -> tuple[str, str]:
    """The time as it is written, and what is doubtful about it.

    It is written as read where everybody reads it. The rarer forms of ISO 8601 are written in the usual one: it is the
    same moment, and few programs know the others.
    """
    try:
        time = from_iso(text)
    except (ValueError, OverflowError):
        raise UnfitError(f"the text {_quoted(text)} is not an ISO 8601 date and time") from None
    written = text if _USUAL_TIME.fullmatch(text) else time.isoformat()
    return written, "" if time.tzinfo else f"the time {text} has no zone: written as read"


def _storable(value: Value) -> Value:
    """The value, if HDF5 can hold it."""
    if is_text(value):
        for text in _texts(value):
            if "\0" in text:
                raise UnfitError(f"the text {_quoted(text)} holds a NUL, which no HDF5 text can")
            try:
                text.encode()
            except UnicodeEncodeError:
                raise UnfitError(f"the text {_quoted(text)} is not valid Unicode") from None
    return value


def _texts(value: Value) -> list[str]:
    return [str(text) for text in value.ravel().tolist()]


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…")
