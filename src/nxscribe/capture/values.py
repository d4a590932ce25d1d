"""From what Tango gives to what a reading holds: every type keeps its width, every text its letters.

docs/reference/tango-types.md tells each type's way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, SupportsInt

import numpy as np
import tango

from nxscribe.capture.explain import explain
from nxscribe.capture.names import TangoName
from nxscribe.errors import Problem
from nxscribe.model import Quality, Reading, Value, now

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
_NO_UNIT: Final = "no unit"
_SCALAR: Final = tango.AttrDataFormat.SCALAR


@dataclass(frozen=True, slots=True)
class Configuration:
    """What an attribute's configuration says of its values."""

    unit: str = ""
    labels: tuple[str, ...] = ()
    """Of an enumeration, by number."""


def configuration_of(info: tango.AttributeInfoEx) -> Configuration:
    """What matters to a reading. A unit that nobody set is empty, whichever way the server says so."""
    unit = text_of(info.unit).strip()
    return Configuration(
        unit="" if unit.casefold() == _NO_UNIT else unit, labels=tuple(text_of(label) for label in info.enum_labels)
    )


def reading_of(attribute: tango.DeviceAttribute, name: TangoName, configuration: Configuration) -> Reading:
    """The reading of one attribute as the device gave it, failures included."""
    if attribute.has_failed:
        return Reading(name.full, now(), error=explain(name.full, attribute.get_err_stack()))
    quality = _QUALITIES[attribute.quality]
    # A float64 of seconds holds the microsecond until the year 2242, and is rounded to it.
    stamp = attribute.time.totime()
    time = datetime.fromtimestamp(stamp, UTC) if stamp else now()
    if attribute.value is None:
        return Reading(name.full, time, quality=quality, error=_no_value(name, quality))
    try:
        value = value_of(attribute, configuration)
    except (KeyError, ValueError) as error:
        return Reading(name.full, time, quality=quality, error=_unusable(name, attribute, error))
    return Reading(name.full, time, value, configuration.unit, quality)


def value_of(attribute: tango.DeviceAttribute, configuration: Configuration) -> Value:
    """The value with the device's own type. Raises KeyError or ValueError for one that has no form here."""
    kind, value = attribute.type, attribute.value
    dtype = _DTYPES.get(kind)
    if dtype is not None:
        return np.asarray(value, dtype)
    if kind == tango.CmdArgType.DevEncoded:
        return np.frombuffer(value[1], np.uint8)
    text = _TEXTS[kind](configuration)
    if attribute.data_format == _SCALAR:
        return np.asarray(text(value))
    # An empty image of texts comes with no shape of its own.
    shape = (attribute.dim_y, attribute.dim_x) if attribute.data_format == tango.AttrDataFormat.IMAGE else (-1,)
    texts = [text(element) for element in _flat(value)]
    return np.asarray(texts, dtype=np.str_).reshape(shape if texts else tuple(max(size, 0) for size in shape))


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


def _flat(value: object) -> Sequence[object]:
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
