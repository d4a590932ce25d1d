"""Units, in one place: how they are spelled in a file, which ones fit together, how a value is converted.

Dimensions and factors are pint's; the spelling is the one that UDUNITS and the NeXus validators take. pint is
imported when the first unit is looked up, so that those who only spell do not wait for it.

An empty unit says nothing: it is no complaint, it fits every category, and it converts into nothing but itself.
"""

from __future__ import annotations

import re
import threading
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from nxscribe.model.reading import Value

if TYPE_CHECKING:
    import pint


class UnitError(ValueError):
    """A value cannot be converted: a unit is not known, the dimensions differ, or it is no number."""


# What people and devices write, and what UDUNITS takes for it.
_WORDS: Final = {"°": "deg", "ph": "photons"}
# The same without regard to case: only words that mean one thing in any case, as `nA` or `pH` do not.
_WORDS_OF_ANY_CASE: Final = {
    "angstrom": "angstrom",
    "angstroms": "angstrom",
    "micron": "um",
    "microns": "um",
    "degree": "deg",
    "degrees": "deg",
    "celsius": "degC",
    "ev": "eV",
    "kev": "keV",
    "gev": "GeV",
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "hz": "Hz",
    "khz": "kHz",
    "hertz": "Hz",
    "ohm": "ohm",
    "torr": "torr",
    "photon": "photons",
    "electron": "electrons",
    "cts": "counts",
    "count": "counts",
    "pixels": "pixel",
    "px": "pixel",
}
# Tango's own word for an attribute whose unit nobody set, and what people write for none at all.
_NONE: Final = frozenset({"", "no unit", "none", "n/a", "-", "unitless"})
_SUPERSCRIPTS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_SUPERSCRIPT: Final = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_DEGREES_OF: Final = re.compile(r"\b(?:deg(?:rees?)?\b|°)\s*([CF])\b|°\s*([CF])\b")
_WORD: Final = re.compile(r"[^\W\d_]+|°")
# Unicode has two characters for each of micro, angstrom and ohm: a letter, and a sign.
_LETTERS: Final = str.maketrans(
    {
        "\u03bc": "u",
        "\u00b5": "u",
        "\u00c5": "angstrom",
        "\u212b": "angstrom",
        "\u03a9": "ohm",
        "\u2126": "ohm",
        "\u2103": "degC",
        "\u00b7": "*",
        "\u22c5": "*",
    }
)
# Letters that are one unit to pint and another thing, or nothing, to whoever writes them on a beamline.
_NOT_UNITS: Final = frozenset({"a.u.", "au", "arb", "arb.", "a b"})
_LONGEST: Final = 80
_LOADING: Final = threading.Lock()
# What pint's own table lacks, or has otherwise: angles are a dimension here, as degrees are no counts.
_EXTRA: Final = (
    "radian = [angle] = rad",
    "pixel = [] = _ = px",
    "photon = [] = _ = photons",
    "electron = [] = _ = electrons",
    "ohm = volt / ampere = Ω = Ohm = ohms",
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


@lru_cache(maxsize=4096)
def spelling(unit: str) -> str:
    """The spelling that UDUNITS and the NeXus validators take: `μm` is `um`, `Å²` is `angstrom^2`, `kev` is `keV`.

    A text that is no unit comes back as it is, and "No unit", Tango's word for an unset one, as nothing.
    """
    text = unit.strip()
    if text.casefold() in _NONE:
        return ""
    text = _SUPERSCRIPT.sub(lambda found: "^" + found.group().translate(_SUPERSCRIPTS), text)
    text = text.translate(_LETTERS).replace("**", "^")
    text = _DEGREES_OF.sub(lambda found: f"deg{found.group(1) or found.group(2)}", text)
    return _WORD.sub(lambda found: _spell_word(found.group()), text)


def _spell_word(word: str) -> str:
    return _WORDS.get(word) or _WORDS_OF_ANY_CASE.get(word.casefold(), word)


def is_known(unit: str) -> bool:
    """Whether the unit is one. An empty unit is known: it says nothing."""
    return not spelling(unit) or _parse(spelling(unit)) is not None


def convertible(one: str, other: str) -> bool:
    """Whether values in one unit can be told in the other."""
    one, other = spelling(one), spelling(other)
    if one == other:
        return True
    if not one or not other:
        return False
    first, second = _parse(one), _parse(other)
    return first is not None and second is not None and bool(first.dimensionality == second.dimensionality)


def fits(unit: str, category: str) -> bool:
    """Whether a unit is of a NeXus unit category, such as `um` of `NX_LENGTH`.

    `NX_ANY`, an empty category and one that NeXus does not know take everything; so does an empty unit. A unit that is
    not known fits no other category.
    """
    dimensions = _CATEGORIES.get(category)
    return dimensions is None or not spelling(unit) or any(convertible(unit, example) for example in dimensions)


def convert(value: Value, unit: str, to: str) -> Value:
    """A value told in another unit.

    Where both are spelled alike it is the same object, whatever its type. Otherwise the result is float64, or float32
    where the value was: computed in float64, so that 0.1 mm is 100 um in either. Raises UnitError.
    """
    one, other = spelling(unit), spelling(to)
    if one == other:
        return value
    if value.dtype.kind not in "iuf":
        raise UnitError(f"a value of type {value.dtype} cannot be converted from {unit!r} to {to!r}: it is no number")
    factor, offset = _linear(one, other)
    exact = value.astype(np.float64)
    if _is_float(factor.numerator) and _is_float(factor.denominator):
        # 7 um are 7 / 1000 mm, which is nearer to 0.007 than 7 * 0.001.
        result = exact * factor.numerator / factor.denominator + float(offset)
    else:
        result = exact * float(factor) + float(offset)
    return np.asarray(result, dtype=value.dtype if value.dtype == np.float32 else np.float64)


def _is_float(number: int) -> bool:
    """Whether a float64 holds the number without loss."""
    return abs(number) <= 2**53


@lru_cache(maxsize=1024)
def _linear(unit: str, to: str) -> tuple[Fraction, Fraction]:
    """Factor and offset of a conversion. Raises UnitError when there is none."""
    for name in (unit, to):
        if not name:
            raise UnitError(f"{unit!r} cannot be converted to {to!r}: an empty unit says nothing")
        if _parse(name) is None:
            raise UnitError(f"{unit!r} cannot be converted to {to!r}: {name!r} is not a known unit")
    if not convertible(unit, to):
        raise UnitError(f"{unit!r} cannot be converted to {to!r}: they measure different things")
    try:
        zero, one, two = (Fraction(_told_in(to, number, unit)) for number in range(3))
    except (TypeError, ValueError, ArithmeticError) as error:
        raise UnitError(f"{unit!r} cannot be converted to {to!r}: the scale is not linear") from error
    # Decimals carry 28 digits: what is left of a zero after them is nothing.
    negligible = abs(one) / 10**20
    if abs(two - 2 * one + zero) > negligible:
        raise UnitError(f"{unit!r} cannot be converted to {to!r}: the scale is not linear")
    offset = zero if abs(zero) > negligible else Fraction(0)
    return one - offset, offset


def _told_in(to: str, number: int, unit: str) -> Decimal:
    quantity = _registry().Quantity(Decimal(number), _parse(unit))
    return Decimal(quantity.to(_parse(to)).magnitude)


@lru_cache(maxsize=4096)
def _parse(unit: str) -> pint.Unit | None:
    """Pint's idea of a spelled unit; None where it is no unit."""
    if not unit or len(unit) > _LONGEST or unit.casefold() in _NOT_UNITS:
        return None
    text = "dimensionless" if unit == "1" else unit
    text = re.sub(r"(?<=[A-Za-z])\.(?=[A-Za-z])", "*", text)  # UDUNITS' product: N.m
    text = re.sub(r"\b([A-Za-z]+)(-?\d+)", r"\1^\2", text)  # UDUNITS' power: m2, s-1
    try:
        return _registry().parse_units(text)
    except Exception:  # noqa: BLE001 - pint raises what its tokenizer happens to meet; all of it means "no unit"
        return None


def quantities() -> pint.UnitRegistry[float]:
    """Pint's registry for computing with measured values, in floats; its units can be spelled as in `convert`."""
    with _LOADING:
        return _load_registry(float)


def unit_of(unit: str) -> pint.Unit:
    """A unit of `quantities()`; an empty one has no dimension. Raises UnitError for what is none."""
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
