"""Values as text for a person: in the format of their device, or else with at most ten digits."""

from __future__ import annotations

import re
from typing import Final

from nxscribe.model.arrays import Value, is_text

_PRINTF: Final = re.compile(r"%[-+ 0#]*\d*(\.\d+)?(?P<kind>[diouxXeEfFgGs])")
_PLAIN: Final = ".10g"
"""Ten digits: more than any device measures, and few enough to hide the rounding of binary fractions."""
_ELEMENTS: Final = 6
LONGEST: Final = 60


def shown(value: Value, form: str = "") -> str:
    """A value as a short text. JSON and the file contain the full value.

    Args:
        value: The value.
        form: Its device's own format, as Tango's attribute property `format` has it: `%8.4f`.
    """
    if value.size > _ELEMENTS:
        return f"{' x '.join(map(str, value.shape))} {'texts' if is_text(value) else value.dtype.name}"
    text = _text(value.tolist() if value.dtype.kind != "f" else value.astype(float).tolist(), form, value.dtype.name)
    # A path is of use as a whole only.
    return text if len(text) <= LONGEST or "/" in text else f"{text[: LONGEST - 1]}…"


def _text(value: object, form: str, dtype: str) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_text(one, form, dtype) for one in value)}]"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return _formatted(value, form) or (f"{value:{_digits(dtype)}}" if isinstance(value, float) else str(value))


def _digits(dtype: str) -> str:
    return ".7g" if dtype in ("float32", "float16") else _PLAIN


def _formatted(value: float, form: str) -> str:
    """The number as its device would show it; empty if the format is not valid, or would show only zeros."""
    found = _PRINTF.fullmatch(form.strip())
    if not found:
        return ""
    try:
        text = (form.strip() % (round(value) if found["kind"] in "diouxX" else value)).strip()
        # The format of millimetres shows nothing of the metres that a field may be in.
        is_lost = found["kind"] in "diouxXfF" and bool(value) and not any(digit in text for digit in "123456789abcdef")
    except (TypeError, ValueError, OverflowError):
        return ""
    return "" if is_lost else text
