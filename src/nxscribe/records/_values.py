"""A numpy value in standard JSON: exact in dtype, shape and every element, and readable if it is small."""

from __future__ import annotations

import binascii
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import msgspec
import numpy as np

from nxscribe.model import Value, is_text, texts
from nxscribe.model.arrays import number_for_json

Scalar = bool | int | float | str

_LISTED = 256
"""More numbers than this are stored as base64, which is a third of the size and much faster."""


class WireValue(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """The form of a value in JSON: `{"dtype":"float64","data":12.4}`."""

    dtype: str
    """numpy's name (`float64`), or its code with the byte order (`<f8`) beside `base64`; `str` for texts."""
    shape: tuple[int, ...] = ()
    data: Scalar | list[Scalar] | None = None
    """The elements in C order, or the one element of a scalar. NaN, Infinity and -Infinity are texts."""
    base64: str | None = None
    """The elements' bytes in C order, instead of `data`."""


def to_wire(value: Value) -> WireValue:
    """The value in a form for msgspec. Raises TypeError for a dtype that readings cannot have."""
    form = _form(value.dtype)
    if value.ndim == 0:
        scalar = form.to_json(value.item())
        if scalar is not None:
            return WireValue(form.name, data=scalar)
    elif value.size <= _LISTED or form.is_text:
        shown = (form.to_json(element) for element in value.ravel().tolist())
        elements = [element for element in shown if element is not None]
        if len(elements) == value.size:
            return WireValue(form.name, value.shape, data=elements)
    flat = value.astype(np.str_) if form.is_text else value  # texts that UTF-8 cannot hold
    data = binascii.b2a_base64(flat.tobytes(), newline=False).decode()
    return WireValue(flat.dtype.str, value.shape, base64=data)


def from_wire(wire: WireValue) -> Value:
    """The numpy value. Raises ValueError or TypeError if the parts do not match."""
    dtype = np.dtype(wire.dtype)
    if wire.base64 is not None:
        flat: Value = np.frombuffer(binascii.a2b_base64(wire.base64, strict_mode=True), dtype)
        if is_text(flat):
            return texts(flat.tolist()).reshape(wire.shape)
        # A copy of its own: frombuffer's is read-only and keeps the whole text alive.
        return flat.reshape(wire.shape).copy()
    elements = wire.data if isinstance(wire.data, list) else [wire.data]
    if is_text(np.empty(0, dtype)):
        return texts([str(element) for element in elements]).reshape(wire.shape)
    return np.array([_PYTHON[dtype.kind](element) for element in elements], dtype).reshape(wire.shape)


# Integers and non-finite numbers may stand as texts; another program may have written 1.0 as 1.
_PYTHON: dict[str, Callable[[Any], Scalar]] = {"b": bool, "i": int, "u": int, "f": float}


class _StoredType(NamedTuple):
    name: str
    to_json: Callable[[Any], Scalar | None]
    """What JSON has for an element. None: nothing, so that the value goes as base64."""
    is_text: bool


@cache
def _form(dtype: np.dtype[np.generic]) -> _StoredType:
    """Once for each dtype: numpy makes its name anew each time, and a beamline has few."""
    name = dtype.name if dtype.isnative else dtype.str
    match dtype.kind:
        case "b":
            return _StoredType(name, bool, is_text=False)
        case "i" | "u":
            return _StoredType(name, number_for_json, is_text=False)
        case "f" if dtype.itemsize <= np.dtype(np.float64).itemsize:
            return _StoredType(name, number_for_json, is_text=False)
        case "f":
            return _StoredType(name, lambda _: None, is_text=False)
        case "U" | "O":
            return _StoredType("str", _text, is_text=True)
        case _:
            raise TypeError(f"a value of dtype {dtype} cannot be kept: only booleans, numbers and texts can")


def _text(element: object) -> str | None:
    """None for a text that UTF-8 cannot hold. Raises TypeError for an object that is not a text."""
    if not isinstance(element, str):
        raise TypeError("a value of dtype object cannot be kept: only booleans, numbers and texts can")
    try:
        element.encode()
    except UnicodeEncodeError:
        return None
    return element
