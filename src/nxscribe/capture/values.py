"""From what Tango gives to what a reading holds: every type keeps its width, every text its letters.

docs/reference/tango-types.md tells each type's way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, SupportsInt

import numpy as np
import tango

from nxscribe.capture.explain import explain
from nxscribe.capture.names import TangoName
from nxscribe.errors import Problem
from nxscribe.model import Quality, Reading, Value, now
from nxscribe.model.reading import Detail

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
"""What Tango says where nobody said anything."""
_FORMATS: Final = frozenset({"%6.2f", "%d", "%s"})
"""The formats that Tango gives to attributes of which nobody told one."""
_CLOCKS_AGREE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Configuration:
    """What an attribute's configuration says of its values."""

    unit: str = ""
    labels: tuple[str, ...] = ()
    """Of an enumeration, by number."""
    details: Mapping[str, Detail] = field(default_factory=dict)
    """What else may help to understand a value: a display unit and a format of its own."""


def configuration_of(info: tango.AttributeInfoEx) -> Configuration:
    """What matters to a reading. A unit that nobody set is empty, whichever way the server says so."""
    unit = _told(info.unit)
    shown = {"display_unit": _told(info.display_unit), "format": _told(info.format)}
    return Configuration(
        unit=unit,
        labels=tuple(text_of(label) for label in info.enum_labels),
        details={name: text for name, text in shown.items() if text and text != unit and text not in _FORMATS},
    )


def _told(text: str) -> str:
    text = text_of(text).strip()
    return "" if text.casefold() in _NOTHING else text


def reading_of(
    attribute: tango.DeviceAttribute, name: TangoName, configuration: Configuration, asked: float, arrived: float
) -> Reading:
    """The reading of one attribute as the device gave it, failures included: when it was asked for, and when that
    arrived, are seconds of the epoch.
    """
    if attribute.has_failed:
        return Reading(name.full, now(), error=explain(name.full, attribute.get_err_stack()))
    quality = _QUALITIES[attribute.quality]
    given = attribute.w_value if name.is_write_part else attribute.value
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
                # The label alone would lose it, and the number alone means little.
                numbers = [int(number) for number in _flat(given)]
                details = {**details, "enum_value": numbers[0] if value.ndim == 0 else numbers}
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return Reading(name.full, time, quality=quality, error=_unusable(name, attribute, error))
    if stamp and not asked - _CLOCKS_AGREE_S <= stamp <= arrived + _CLOCKS_AGREE_S:
        details = {**details, "timestamp_offset": round(stamp - (asked if stamp < asked else arrived), 6)}
    return Reading(name.full, time, value, configuration.unit, quality, "", details)


def _texts(given: Any, attribute: tango.DeviceAttribute, text: Callable[[Any], str], name: TangoName) -> Value:  # noqa: ANN401 - whatever Tango gives
    if attribute.data_format == tango.AttrDataFormat.SCALAR:
        return np.asarray(text(given))
    texts = np.asarray([text(element) for element in _flat(given)], dtype=np.str_)
    if attribute.data_format != tango.AttrDataFormat.IMAGE:
        return texts
    # An empty image of texts has no shape of its own.
    part = "w_dim" if name.is_write_part else "dim"
    return texts.reshape(getattr(attribute, f"{part}_y"), getattr(attribute, f"{part}_x"))


def text_of(text: str) -> str:
    """The letters that the device meant.

    Tango's wire says latin-1, many servers send UTF-8. A text that is valid UTF-8 with more than ASCII in it is hardly
    ever anything else, so it is read as that.
    """
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


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


def _no_value(name: TangoName, quality: Quality) -> str:
    if name.is_write_part:
        return Problem(
            f"{name.full} has no value", "the attribute has no set point", "take `#write` from its name"
        ).explanation
    if quality is Quality.INVALID:
        why = "its device says that it is not valid at present (quality INVALID)"
    else:
        why = "its device gave an empty answer"
    return Problem(f"{name.full} has no value", why, "see the device's state").explanation


def _unusable(name: TangoName, attribute: tango.DeviceAttribute, error: Exception) -> str:
    return Problem(
        f"{name.full} has a value that cannot be kept",
        f"its type is {attribute.type}: {error}",
        "see the device, or give the placeholder another source",
    ).explanation
