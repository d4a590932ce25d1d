"""Units: how they are spelled in a file, which ones can be compared, and how a value is converted.

Dimensions and factors come from pint. The spelling is nxscribe's own; `written` gives the spelling in a file. pint is
imported when the first unit is looked up, so that spelling alone does not wait for it.

An empty unit means that the unit is not known. It is not an error, it fits every category, and it can only be converted
to itself.
"""

from __future__ import annotations

import re
import sys
import threading
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from nxscribe.model._unit_spelling import is_ambiguous, spelling
from nxscribe.model._written_units import written
from nxscribe.model.arrays import Value

if TYPE_CHECKING:
    import pint


__all__ = ["UnitError", "convert", "convertible", "fits", "is_known", "quantities", "spelling", "unit_of", "written"]


class UnitError(ValueError):
    """A value cannot be converted: a unit is not known, the dimensions differ, or the value is not a number."""


# Letters that are one unit to pint and another thing, or nothing, to whoever writes them on a beamline.
_NOT_UNITS: Final = frozenset({"a.u.", "au", "arb", "arb.", "a b"})
_SCALES: Final = frozenset({"degC", "degF"})
_WORDS_AND_SIGNS: Final = re.compile(r"[\w%°Δ*/^.+\- ()]+")
_ODD_NUMBER: Final = re.compile(r"\d{3}|\d[^\W\d]")
"""An exponent that is not useful for a unit: its factor would exceed every number."""
_LONGEST: Final = 80
_LOADING: Final = threading.Lock()
# What pint's own table lacks, or has otherwise: angles are a dimension here, as degrees are not counts.
_EXTRA: Final = (
    "radian = [angle] = rad",
    "pixel = [] = _ = px",
    "photon = [] = _ = photons",
    "electron = [] = _ = electrons",
    "ohm = volt / ampere = Ω = Ohm = ohms",
    "gauss = 1e-4 * tesla = G",
)

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
    return not spelling(unit) or _parse(spelling(unit)) is not None


def convertible(one: str, other: str) -> bool:
    """Whether `convert` can convert values from one unit to the other."""
    one, other = spelling(one), spelling(other)
    return one == other or isinstance(_linear(one, other), _Linear)


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
    factor, offset = linear.factor, float(linear.offset)
    exact = value.astype(np.float64)
    if _is_float(factor.numerator) and _is_float(factor.denominator):
        # 7 um are 7 / 1000 mm, which is nearer to 0.007 than 7 * 0.001.
        result = exact * factor.numerator / factor.denominator + offset
    else:
        result = exact * float(factor) + offset
    return np.asarray(result, dtype=value.dtype if value.dtype == np.float32 else np.float64)


def _is_float(number: int) -> bool:
    """Whether a float64 represents the number without loss."""
    return abs(number) <= 2**53


class _Linear(NamedTuple):
    """The linear function that converts numbers from one unit to another."""

    factor: Fraction
    offset: Fraction


@lru_cache(maxsize=4096)
def _linear(unit: str, to: str) -> _Linear | str:
    """The conversion between two spelled units, or the reason why there is none."""
    for name in (unit, to):
        if not name:
            return "an empty unit says nothing"
        if _parse(name) is None:
            return f"{name!r} is not a known unit"
    try:
        if _dimensions(unit) != _dimensions(to):
            return "they measure different things"
        zero, one, two = (Fraction(_told_in(to, number, unit)) for number in range(3))
        # Decimals carry 28 digits: what is left of a zero after them is nothing.
        negligible = abs(one) / 10**20
        offset = zero if abs(zero) > negligible else Fraction(0)
        if abs(two - 2 * one + zero) > negligible or not _is_range(one - offset):
            return "the scale is not linear"
    except Exception:  # noqa: BLE001 - pint raises what it happens to meet in a unit; a scale of its own is all that is left
        return "the scale is not linear"
    return _Linear(one - offset, offset)


def _is_range(factor: Fraction) -> bool:
    """Whether a float64 can represent it."""
    return sys.float_info.min < abs(factor) < sys.float_info.max


def _dimensions(unit: str) -> object:
    found = _parse(unit)
    return None if found is None else found.dimensionality


def _told_in(to: str, number: int, unit: str) -> Decimal:
    quantity = _registry().Quantity(Decimal(number), _parse(unit))
    return Decimal(quantity.to(_parse(to)).magnitude)


@lru_cache(maxsize=4096)
def _parse(unit: str) -> pint.Unit | None:
    """The pint unit for a spelled unit; None if pint does not know it."""
    if not unit or len(unit) > _LONGEST or unit.casefold() in _NOT_UNITS or is_ambiguous(unit):
        return None
    if not _WORDS_AND_SIGNS.fullmatch(unit) or _ODD_NUMBER.search(unit):
        return None  # pint leaves out what it does not expect, and so takes `C?` for C
    text = "dimensionless" if unit == "1" else unit
    text = re.sub(r"(?<=[A-Za-z])\.(?=[A-Za-z])", "*", text)  # UDUNITS' product: N.m
    text = re.sub(r"\b([A-Za-z]+)(-?\d+)", r"\1^\2", text)  # UDUNITS' power: m2, s-1
    if text not in _SCALES:
        # In degC/min there is no zero of the scale: what counts is a difference.
        text = re.sub(r"\b(deg[CF])\b", r"delta_\1", text)
    try:
        found = _registry().parse_units(text)
        found.dimensionality  # noqa: B018 - pint computes it now, or raises
    except Exception:  # noqa: BLE001 - pint raises what its tokenizer happens to meet; all of it means "no unit"
        return None
    return found


def quantities() -> pint.UnitRegistry[float]:
    """Pint's registry for computing with measured values, in floats; its units can be spelled as in `convert`."""
    with _LOADING:
        return _load_registry(float)


def unit_of(unit: str) -> pint.Unit:
    """A unit of the registry `quantities()`; an empty text gives the unit without dimension. Raises UnitError."""
    unit = spelling(unit)
    found = _parse(unit) if unit else _registry().dimensionless
    if found is None:
        raise UnitError(f"{unit!r} is not a known unit")
    return quantities().Unit(str(found))


def _registry() -> pint.UnitRegistry[Decimal]:
    # Units of two registries do not mix: two threads must not load one each.
    with _LOADING:
        return _load_registry(Decimal)


@lru_cache(maxsize=2)
def _load_registry(number: type) -> pint.UnitRegistry[Any]:
    """Pint's registry, computing in decimals or floats, with our additions.

    pint computes the dimensions of all units while it loads, so that what changes a base unit must be loaded with its
    own table and not afterwards.
    """
    import pint  # noqa: PLC0415 - costs 0.3 s, which those who convert nothing need not pay

    table = resources.files("pint")
    lines = [
        line
        for name in ("constants_en.txt", "default_en.txt")
        for line in table.joinpath(name).read_text("utf-8").splitlines()
        if not line.startswith("@import")
    ]
    return pint.UnitRegistry([*lines, *_EXTRA], non_int_type=number, on_redefinition="ignore")
