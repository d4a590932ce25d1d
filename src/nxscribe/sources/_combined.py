"""Several readings combined into one, such as the positions of a list of motors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from nxscribe.errors import Problem
from nxscribe.model import Quality, Reading, Value, as_texts, now, units
from nxscribe.model.reading import AGE, Detail

_WORST_FIRST: Final = (Quality.INVALID, Quality.ALARM, Quality.WARNING, Quality.CHANGING, Quality.VALID)


def combined(readings: Sequence[Reading]) -> Reading:
    """Combine readings into one, in their order: an array if their types can be combined, otherwise texts.

    If one reading has no value, the result has none, because a gap would shift the others. The unit is that of the
    first reading if all others can be converted to it; otherwise there is no unit.
    """
    source = ", ".join(reading.source for reading in readings)
    missing = [reading for reading in readings if reading.value is None]
    if missing:
        error = missing[0].error
        if len(missing) > 1:
            error += f" (and {len(missing) - 1} more of the list)"
        return Reading(source, missing[0].time, error=error, quality=missing[0].quality)
    values = [reading.value for reading in readings if reading.value is not None]
    quality, time = worst(reading.quality for reading in readings), max(reading.time for reading in readings)
    if len({value.shape for value in values}) > 1:
        shapes = ", ".join(str(value.shape) for value in values)
        problem = Problem(
            f"the list {source} has no common shape",
            f"its members have {shapes}",
            "give them placeholders of their own",
        )
        return Reading(source, now(), quality=quality, error=problem.explanation)
    unit = _common_unit([reading.unit for reading in readings])
    if unit is not None:
        values = [
            value if reading.unit == unit or value.dtype.kind not in "iuf" else units.convert(value, reading.unit, unit)
            for value, reading in zip(values, readings, strict=True)
        ]
    return Reading(source, time, _stack(values), unit or "", quality, details=_common(readings))


def _common(readings: Sequence[Reading]) -> dict[str, Detail]:
    """The details of the combined reading: the numbers of enumerations, the greatest age, and equal details."""
    first, *others = (reading.details for reading in readings)
    common: dict[str, Detail] = {
        name: detail for name, detail in first.items() if all(other.get(name) == detail for other in others)
    }
    # Equal numbers would count as common, but the number of one member is not that of another.
    common.pop("enum_value", None)
    numbers = [several for reading in readings if (several := _numbers(reading)) is not None]
    if len(numbers) == len(readings):
        common["enum_value"] = [number for several in numbers for number in several]
    ages = [age for reading in readings if isinstance(age := reading.details.get(AGE), float)]
    if ages:
        common[AGE] = max(ages)
    return common


def _numbers(reading: Reading) -> list[int] | None:
    """The numbers of an enumeration; None if it is not an enumeration."""
    numbers = reading.details.get("enum_value")
    if isinstance(numbers, int):
        return [numbers]
    return numbers if isinstance(numbers, list) else None


def worst(qualities: Iterable[Quality]) -> Quality:
    """The worst of some qualities; VALID if there are none."""
    found = set(qualities)
    return next((quality for quality in _WORST_FIRST if quality in found), Quality.VALID)


def _common_unit(names: Sequence[str]) -> str | None:
    first = names[0]
    same = all(name == first or units.convertible(name, first) for name in names)
    return first if same else None


def _stack(values: Sequence[Value]) -> Value:
    """An array of all values, each without a change: numpy would round 64-bit integers beside floats."""
    kinds = {value.dtype.kind for value in values}
    if len(kinds) == 1:
        return np.stack(values)
    if kinds <= set("iuf"):
        stacked = np.stack(values)
        if all(_is_same(stacked[number, ...], value) for number, value in enumerate(values)):
            return stacked
    return np.stack([as_texts(value) for value in values])


def _is_same(stacked: Value, value: Value) -> bool:
    # As objects, because numpy compares integers with floats as floats.
    return stacked.dtype.kind == value.dtype.kind or np.array_equal(stacked.astype(object), value.astype(object))
