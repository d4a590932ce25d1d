"""Conversion of Tango's values to readings, without a change of the width of a type or the letters of a text.

docs/reference/tango-types.md describes the conversion of each type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, SupportsInt

import numpy as np
import tango

from nxscribe.errors import Problem
from nxscribe.model import Quality, Reading, Value, now, texts, units
from nxscribe.model.reading import Detail
from nxscribe.sources._connection import Address
from nxscribe.sources.tango._addresses import WRITE
from nxscribe.sources.tango.tango_errors import explain_answer
from nxscribe.tango_text import text_of

_DTYPES: Final = {
    tango.CmdArgType.DevBoolean: np.dtype(np.bool_),
    tango.CmdArgType.DevShort: np.dtype(np.int16),
    tango.CmdArgType.DevLong: np.dtype(np.int32),
    tango.CmdArgType.DevLong64: np.dtype(np.int64),
    tango.CmdArgType.DevUChar: np.dtype(np.uint8),
    tango.CmdArgType.DevUShort: np.dtype(np.uint16),
    tango.CmdArgType.DevULong: np.dtype(np.uint32),
    tango.CmdArgType.DevULong64: np.dtype(np.uint64),
    tango.CmdArgType.DevFloat: np.dtype(np.float32),
    tango.CmdArgType.DevDouble: np.dtype(np.float64),
}
_QUALITIES: Final = {
    tango.AttrQuality.ATTR_VALID: Quality.VALID,
    tango.AttrQuality.ATTR_CHANGING: Quality.CHANGING,
    tango.AttrQuality.ATTR_WARNING: Quality.WARNING,
    tango.AttrQuality.ATTR_ALARM: Quality.ALARM,
    tango.AttrQuality.ATTR_INVALID: Quality.INVALID,
}
_STATES: Final = {int(state): state.name for state in tango.DevState.values.values()}
_NOTHING: Final = frozenset({"no unit", "no display unit", "not specified"})
"""The units that Tango gives for an attribute without a unit."""
_FORMATS: Final = frozenset({"%6.2f", "%d", "%s"})
"""The default formats of Tango."""
_CLOCKS_AGREE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Configuration:
    """The part of the configuration of an attribute that its values need."""

    unit: str = ""
    labels: tuple[str, ...] = ()
    """The labels of an enumeration, by number."""
    details: Mapping[str, Detail] = field(default_factory=dict)
    """The display unit and the format, if they are set."""


def configuration_of(info: tango.AttributeInfo) -> Configuration:
    """The part of a configuration that readings need. A unit that was not set is empty."""
    unit = _told(lambda: info.unit)
    units.is_known(unit)  # looked up now, for a formula that computes with it in a trigger
    shown = {"display_unit": _told(lambda: info.display_unit), "format": _told(lambda: info.format)}
    labels = info.enum_labels
    return Configuration(
        unit=unit,
        labels=tuple(_decoded(partial(labels.__getitem__, number)) for number in range(len(labels))),
        details={name: text for name, text in shown.items() if text and text != unit and text not in _FORMATS},
    )


def _told(get: Callable[[], str]) -> str:
    text = _decoded(get).strip()
    return "" if text.casefold() in _NOTHING else text


def _decoded(get: Callable[[], str]) -> str:
    """A text of a configuration: PyTango takes those for UTF-8 when they are looked at, and many are Latin-1."""
    try:
        return text_of(get())
    except UnicodeDecodeError as error:
        return error.object.decode("latin-1")


def reading_of(
    attribute: tango.DeviceAttribute, name: Address, configuration: Configuration, asked: float, arrived: float
) -> Reading:
    """The reading of one attribute from the answer of the device, which can be an error.

    `asked` and `arrived` are the times of the request and of the answer, in seconds of the epoch.
    """
    if attribute.has_failed:
        return Reading(name.full, now(), error=explain_answer(name.full, attribute.get_err_stack()))
    quality = _QUALITIES[attribute.quality]
    given = attribute.w_value if (name.part == WRITE) else attribute.value
    # A float64 of seconds holds the microsecond until the year 2242, and is rounded to it.
    told = attribute.time
    stamp = told.tv_sec + 1e-6 * told.tv_usec
    time = datetime.fromtimestamp(stamp, UTC) if stamp else now()
    if given is None:
        return Reading(name.full, time, quality=quality, error=_no_value(name, quality))
    details = configuration.details
    try:
        kind = attribute.type
        dtype = _DTYPES.get(kind)
        if dtype is not None:
            value = np.asarray(given, dtype)
        elif kind == tango.CmdArgType.DevEncoded:
            value = np.frombuffer(given[1], np.uint8)
            details = {**details, "encoded_format": text_of(given[0])}
        else:
            value = _texts(given, attribute, _TEXTS[kind](configuration), name)
            if kind == tango.CmdArgType.DevEnum:
                # The number is kept beside the label: the label alone would lose it.
                numbers = [int(number) for number in _flat(given)]
                details = {**details, "enum_value": numbers[0] if value.ndim == 0 else numbers}
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return Reading(name.full, time, quality=quality, error=_unusable(name, attribute, error))
    if stamp and not asked - _CLOCKS_AGREE_S <= stamp <= arrived + _CLOCKS_AGREE_S:
        details = {**details, "timestamp_offset": round(stamp - (asked if stamp < asked else arrived), 6)}
    return Reading(name.full, time, value, configuration.unit, quality, "", details)


def _texts(given: Any, attribute: tango.DeviceAttribute, text: Callable[[Any], str], name: Address) -> Value:  # noqa: ANN401 - whatever Tango gives
    if attribute.data_format == tango.AttrDataFormat.SCALAR:
        return texts(text(given))
    flat = texts([text(element) for element in _flat(given)])
    if attribute.data_format != tango.AttrDataFormat.IMAGE:
        return flat
    # An empty image of texts has no shape of its own.
    part = "w_dim" if (name.part == WRITE) else "dim"
    return flat.reshape(getattr(attribute, f"{part}_y"), getattr(attribute, f"{part}_x"))


def _flat(value: object) -> Sequence[Any]:
    if isinstance(value, np.ndarray):
        return list(value.flat)
    rows = list(value) if isinstance(value, tuple | list) else [value]
    return [element for row in rows for element in (row if isinstance(row, tuple | list) else (row,))]


def _label(configuration: Configuration) -> Callable[[Any], str]:
    labels = configuration.labels

    def label(number: SupportsInt) -> str:
        index = int(number)
        if not 0 <= index < len(labels):
            raise ValueError(f"it has no label for its value {index}")
        return labels[index]

    return label


def _state(_: Configuration) -> Callable[[Any], str]:
    return lambda number: _STATES[int(number)]


def _text(_: Configuration) -> Callable[[Any], str]:
    return lambda text: text_of(str(text))


_TEXTS: Final = {
    tango.CmdArgType.DevString: _text,
    tango.CmdArgType.DevState: _state,
    tango.CmdArgType.DevEnum: _label,
}


def _no_value(name: Address, quality: Quality) -> str:
    if name.part == WRITE:
        return Problem(
            f"{name.full} has no value", "the attribute has no set point", "take `#write` from its name"
        ).explanation
    if quality is Quality.INVALID:
        why = "its device says that it is not valid at present (quality INVALID)"
    else:
        why = "its device gave an empty answer"
    return Problem(f"{name.full} has no value", why, "see the device's state").explanation


def _unusable(name: Address, attribute: tango.DeviceAttribute, error: Exception) -> str:
    return Problem(
        f"{name.full} has a value that cannot be kept",
        f"its type is {attribute.type}: {error}",
        "see the device, or give the placeholder another source",
    ).explanation
