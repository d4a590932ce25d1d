"""A numpy value in standard JSON: exact in dtype, shape and every element, and readable where it is small."""

from __future__ import annotations

import binascii
import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from nxscribe.model import Value

Scalar = bool | int | float | str

_LISTED = 256
"""Up to so many numbers are written out; more are base64, a third of the size and far faster."""
_SAFE_INTEGER = 2**53
"""Beyond it many JSON readers round (RFC 8259 section 6), so larger integers are written as text."""


class WireValue(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """How a value stands in JSON: `{"dtype":"float64","data":12.4}`."""

    dtype: str
    """numpy's name (`float64`), or its code with the byte order (`<f8`) beside `base64`; `str` for texts."""
    shape: tuple[int, ...] = ()
    data: Scalar | list[Scalar] | None = None
    """The elements in C order, or the one element of a scalar. NaN, Infinity and -Infinity are texts."""
    base64: str | None = None
    """The elements' bytes in C order, instead of `data`."""


def to_wire(value: Value) -> WireValue:
    """The value as msgspec can write it. Raises TypeError for a dtype that no reading may have."""
    kind = value.dtype.kind
    if kind not in "biufU":
        raise TypeError(f"a value of dtype {value.dtype} cannot be kept: only booleans, numbers and texts can")
    if _is_long(value):
        return WireValue(
            value.dtype.str, value.shape, base64=binascii.b2a_base64(value.tobytes(), newline=False).decode()
        )
    name = "str" if kind == "U" else value.dtype.name if value.dtype.isnative else value.dtype.str
    elements = value.reshape(-1).tolist()
    if kind == "f":
        elements = [element if math.isfinite(element) else _NON_FINITE[str(element)] for element in elements]
    elif kind in "iu":
        elements = [element if abs(element) <= _SAFE_INTEGER else str(element) for element in elements]
    return WireValue(name, value.shape, data=elements if value.shape else elements[0])


def from_wire(wire: WireValue) -> Value:
    """The value back. Raises ValueError or TypeError when the parts do not fit together."""
    dtype = np.dtype(wire.dtype)
    if wire.base64 is not None:
        flat: Value = np.frombuffer(binascii.a2b_base64(wire.base64, strict_mode=True), dtype)
        # A copy of its own: frombuffer's is read-only and keeps the whole text alive.
        return flat.reshape(wire.shape).copy()
    elements = wire.data if isinstance(wire.data, list) else [wire.data]
    return np.array([_PYTHON[dtype.kind](element) for element in elements], dtype).reshape(wire.shape)


# Integers and non-finite numbers may stand as texts; another program may have written 1.0 as 1.
_PYTHON: dict[str, Callable[[Any], Scalar]] = {"b": bool, "i": int, "u": int, "f": float, "U": str}
_NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _is_long(value: Value) -> bool:
    """Whether the value goes as base64: long, wider than JSON's doubles, or a text that UTF-8 cannot hold."""
    if value.dtype.kind == "U":
        return any("\ud800" <= character <= "\udfff" for text in value.flat for character in str(text))
    return value.size > _LISTED or value.dtype.itemsize > np.dtype(np.float64).itemsize
