"""Units: how they are spelled in a file, which ones can be compared, and how a value is converted.

The spelling is nxscribe's own; `written` gives the spelling in a file. Dimensions and factors are those of `_unit`.

An empty unit means that the unit is not known. It is not an error, it fits every category, and it can only be converted
to itself.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from nxscribe.model._unit import Unit, parse
from nxscribe.model._unit_spelling import spelling
from nxscribe.model._written_units import written
from nxscribe.model.arrays import Value

__all__ = [
    "Unit",
    "UnitError",
    "conversion",
    "convert",
    "convertible",
    "fits",
    "is_known",
    "spelling",
    "unit_of",
    "written",
]


class UnitError(ValueError):
    """A value cannot be converted: a unit is not known, the dimensions differ, or the value is not a number."""


_CATEGORIES: Final = {
    "NX_ANGLE": ("rad",),
    "NX_AREA": ("m^2",),
    "NX_CHARGE": ("C",),
    "NX_COUNT": ("counts",),
    "NX_CROSS_SECTION": ("m^2",),
    "NX_CURRENT": ("A",),
    "NX_DIMENSIONLESS": ("1",),
    "NX_EMITTANCE": ("m*rad", "m"),
    "NX_ENERGY": ("J",),
    "NX_FLUX": ("1/s/m^2", "1/s"),
    "NX_FREQUENCY": ("Hz", "rpm"),
    "NX_LENGTH": ("m",),
    "NX_MASS": ("g",),
    "NX_MASS_DENSITY": ("g/cm^3",),
    "NX_MOLECULAR_WEIGHT": ("g/mol", "g"),
    "NX_PERIOD": ("s",),
    "NX_PER_AREA": ("1/m^2",),
    "NX_PER_LENGTH": ("1/m",),
    "NX_POWER": ("W",),
    "NX_PRESSURE": ("Pa",),
    "NX_PULSES": ("1",),
    "NX_SCATTERING_LENGTH_DENSITY": ("m/m^3",),
    "NX_SOLID_ANGLE": ("sr",),
    "NX_TEMPERATURE": ("K",),
    "NX_TIME": ("s",),
    "NX_TIME_OF_FLIGHT": ("s",),
    "NX_TRANSFORMATION": ("m", "rad", "1"),
    "NX_UNITLESS": ("1",),
    "NX_VOLTAGE": ("V",),
    "NX_VOLUME": ("m^3",),
    "NX_WAVELENGTH": ("m",),
    "NX_WAVENUMBER": ("1/m", "rad/m"),
}
"""One unit for each dimension that a NeXus unit category allows (nxdlTypes.xsd of NXDL v2026.01)."""


def is_known(unit: str) -> bool:
    """Whether a text is a known unit. An empty text counts as known."""
    return not spelling(unit) or parse(spelling(unit)) is not None


def convertible(one: str, other: str) -> bool:
    """Whether `convert` can convert values from one unit to the other."""
    one, other = spelling(one), spelling(other)
    return one == other or isinstance(_linear(one, other), Linear)


def fits(unit: str, category: str) -> bool:
    """Whether a unit belongs to a NeXus unit category, as `um` belongs to `NX_LENGTH`.

    `NX_ANY`, an empty category and a category that NeXus does not define accept every unit, and an empty unit fits
    every category. An unknown unit fits no other category.
    """
    dimensions = _CATEGORIES.get(category)
    return dimensions is None or not spelling(unit) or any(convertible(unit, example) for example in dimensions)


def convert(value: Value, unit: str, to: str) -> Value:
    """Convert a value to another unit.

    If both units have the same spelling, the same object is returned, whatever its type. Otherwise the result is
    float32 for a float32, and float64 for every other type. It is computed in float64, so that 0.1 mm is 100 um in both
    types. Raises UnitError.
    """
    one, other = spelling(unit), spelling(to)
    if one == other:
        return value
    if value.dtype.kind not in "iuf":
        raise UnitError(
            f"a value of type {value.dtype} cannot be converted from {unit!r} to {to!r}: it is not a number"
        )
    linear = _linear(one, other)
    if isinstance(linear, str):
        raise UnitError(f"{unit!r} cannot be converted to {to!r}: {linear}")
    result = linear.of(value.astype(np.float64))
    return np.asarray(result, dtype=value.dtype if value.dtype == np.float32 else np.float64)


class Linear(NamedTuple):
    """The linear function that converts numbers from one unit to another."""

    factor: Fraction
    offset: Fraction

    def of(self, numbers: npt.NDArray[np.float64] | float) -> Any:  # noqa: ANN401 - what was given
        """The numbers in the other unit."""
        factor, offset = self.factor, float(self.offset)
        if _is_float(factor.numerator) and _is_float(factor.denominator):
            # 7 um are 7 / 1000 mm, which is nearer to 0.007 than 7 * 0.001.
            return numbers * factor.numerator / factor.denominator + offset
        return numbers * float(factor) + offset


def _is_float(number: int) -> bool:
    """Whether a float64 represents the number without loss."""
    return abs(number) <= 2**53


@lru_cache(maxsize=4096)
def _linear(unit: str, to: str) -> Linear | str:
    """The conversion between two spelled units, or the reason why there is none."""
    units = []
    for name in (unit, to):
        if not name:
            return "an empty unit says nothing"
        found = parse(name)
        if found is None:
            return f"{name!r} is not a known unit"
        units.append(found)
    return conversion(*units)


def conversion(unit: Unit, to: Unit) -> Linear | str:
    """The conversion between two units, or the reason why there is none."""
    if unit.dimensions != to.dimensions:
        return "they measure different things"
    if unit.offset is None or to.offset is None:
        return "the scale is not linear"
    factor = unit.factor / to.factor
    if not _is_range(factor):
        return "the scale is not linear"
    return Linear(factor, (unit.offset - to.offset) / to.factor)


def _is_range(factor: Fraction) -> bool:
    """Whether a float64 can represent it."""
    return sys.float_info.min < abs(factor) < sys.float_info.max


def unit_of(unit: str) -> Unit:
    """A unit to compute with; an empty text gives the unit without dimension. Raises UnitError."""
    unit = spelling(unit)
    found = parse(unit) if unit else Unit()
    if found is None:
        raise UnitError(f"{unit!r} is not a known unit")
    return found
