"""A unit as something to compute with: its words and their powers, its dimensions, its factor.

The words that beamlines use are in a table here, with the values of the SI, because pint takes a third of a second and
10 MB to load. Every other word is pint's, which is loaded when the first such word comes. The tests compare the table
with pint.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from nxscribe.model._unit_spelling import is_ambiguous, spelling

if TYPE_CHECKING:
    import pint

Dimensions = tuple[tuple[str, Fraction], ...]
"""The powers of the base dimensions, sorted, without those that are 0."""


@dataclass(frozen=True, slots=True)
class _Word:
    """One unit without a power."""

    dimensions: Mapping[str, Fraction]
    factor: Fraction
    """How many base units it is: m, g, s, A, K, mol, cd, rad."""
    offset: Fraction | None = Fraction(0)
    """Its zero in base units; None if the scale is not linear."""

    def is_like(self, other: _Word) -> bool:
        """Whether the two are the same, but for the digits that a decimal has not."""
        if self.dimensions != other.dimensions or self.offset is None or other.offset is None:
            return False
        differences = (self.factor - other.factor, self.offset - other.offset)
        return all(abs(difference) <= abs(other.factor) / 10**20 for difference in differences)


@dataclass(frozen=True)
class Unit:
    """A product of powers of words."""

    powers: tuple[tuple[str, Fraction], ...] = ()
    """Words and their powers, sorted by the words, without those that are 0."""

    @cached_property
    def dimensions(self) -> Dimensions:
        """What it measures."""
        every: dict[str, Fraction] = {}
        for name, power in self.powers:
            for base, own in _word(name).dimensions.items():
                every[base] = every.get(base, Fraction(0)) + own * power
        return tuple(sorted((base, power) for base, power in every.items() if power))

    @cached_property
    def factor(self) -> Fraction:
        """How many base units it is."""
        product = Fraction(1)
        for name, power in self.powers:
            factor = _word(name).factor
            product *= factor**power.numerator if power.denominator == 1 else Fraction(float(factor) ** float(power))
        return product

    @cached_property
    def offset(self) -> Fraction | None:
        """Its zero in base units, which a unit of several words has not; None if its scale is not linear."""
        offsets = [_word(name).offset for name, _ in self.powers]
        if None in offsets:
            return None
        return offsets[0] if len(self.powers) == 1 and self.powers[0][1] == 1 else Fraction(0)

    def __mul__(self, other: Unit) -> Unit:
        return _product((*self.powers, *other.powers))

    def __truediv__(self, other: Unit) -> Unit:
        return _product((*self.powers, *((name, -power) for name, power in other.powers)))

    def __pow__(self, exponent: Fraction) -> Unit:
        return _product((name, power * exponent) for name, power in self.powers)

    def __str__(self) -> str:
        """As `spelling` spells it: `keV^2/angstrom`."""
        above = [_with_power(name, power) for name, power in self.powers if power > 0]
        below = [_with_power(name, -power) for name, power in self.powers if power < 0]
        return "/".join(["*".join(above) or "1", *below]) if self.powers else ""


def _product(powers: Iterable[tuple[str, Fraction]]) -> Unit:
    every: dict[str, Fraction] = {}
    for name, power in powers:
        every[name] = every.get(name, Fraction(0)) + power
    return Unit(tuple(sorted(((n, p) for n, p in every.items() if p), key=lambda one: (one[0].casefold(), one[0]))))


def _with_power(name: str, power: Fraction) -> str:
    if power == 1:
        return name
    return f"{name}^{power.numerator if power.denominator == 1 else float(power)}"


_LENGTH, _MASS, _TIME, _CURRENT = "[length]", "[mass]", "[time]", "[current]"
_ANGLE, _LIGHT, _HEAT = "[angle]", "[luminosity]", "[temperature]"
_PI: Final = Fraction("3.141592653589793238462643383279")
_POUND_AND_GRAVITY: Final = Fraction("453.59237") * Fraction("9.80665")


def _made(factor: Fraction | str | int, **powers: int) -> _Word:
    names = {"m": _LENGTH, "g": _MASS, "s": _TIME, "A": _CURRENT, "rad": _ANGLE, "cd": _LIGHT, "K": _HEAT}
    names["mol"] = "[substance]"
    return _Word({names[name]: Fraction(power) for name, power in powers.items()}, Fraction(factor))


_WITH_PREFIX: Final = {
    **{name: _made(1, **{name: 1}) for name in ("m", "s", "g", "A", "K", "mol", "cd", "rad")},
    "sr": _made(1, rad=2),
    "eV": _made("1.602176634e-16", g=1, m=2, s=-2),
    "Hz": _made(1, s=-1),
    "N": _made(1000, g=1, m=1, s=-2),
    "J": _made(1000, g=1, m=2, s=-2),
    "W": _made(1000, g=1, m=2, s=-3),
    "V": _made(1000, g=1, m=2, s=-3, A=-1),
    "C": _made(1, A=1, s=1),
    "F": _made("0.001", g=-1, m=-2, s=4, A=2),
    "H": _made(1000, g=1, m=2, s=-2, A=-2),
    "S": _made("0.001", g=-1, m=-2, s=3, A=2),
    "Pa": _made(1000, g=1, m=-1, s=-2),
    "T": _made(1000, g=1, s=-2, A=-1),
    "ohm": _made(1000, g=1, m=2, s=-3, A=-2),
    "bar": _made("1e8", g=1, m=-1, s=-2),
    "torr": _made(Fraction(101_325_000, 760), g=1, m=-1, s=-2),
    "gauss": _made("0.1", g=1, s=-2, A=-1),
    "l": _made("0.001", m=3),
    "L": _made("0.001", m=3),
    "Gy": _made(1, m=2, s=-2),
    "Sv": _made(1, m=2, s=-2),
    "Bq": _made(1, s=-1),
    "Wb": _made(1000, g=1, m=2, s=-2, A=-1),
    "lm": _made(1, cd=1, rad=2),
    "lx": _made(1, cd=1, rad=2, m=-2),
    "deg": _made(_PI / 180, rad=1),
    "angstrom": _made("1e-10", m=1),
    **dict.fromkeys(("counts", "photons", "electrons", "pixel"), _made(1)),
}
_WITHOUT_PREFIX: Final = {
    "min": _made(60, s=1),
    "h": _made(3600, s=1),
    "d": _made(86_400, s=1),
    "degC": _Word({_HEAT: Fraction(1)}, Fraction(1), Fraction("273.15")),
    "degF": _Word({_HEAT: Fraction(1)}, Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)),
    "%": _made("0.01"),
    "rpm": _made(_PI / 30, rad=1, s=-1),
    "ppm": _made("1e-6"),
    "mmHg": _made("133322.387415", g=1, m=-1, s=-2),
    "psi": _made(_POUND_AND_GRAVITY / Fraction("0.0254") ** 2, g=1, m=-1, s=-2),
    "atm": _made(101_325_000, g=1, m=-1, s=-2),
    "inch": _made("0.0254", m=1),
    "arcsec": _made(_PI / 180 / 3600, rad=1),
    "arcmin": _made(_PI / 180 / 60, rad=1),
}
_PREFIXES: Final = {"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "d": -1, "h": 2, "k": 3, "M": 6, "G": 9}
_TABLE: Final = _WITHOUT_PREFIX | {
    prefix + name: _Word(word.dimensions, word.factor * Fraction(10) ** power)
    for name, word in _WITH_PREFIX.items()
    for prefix, power in ({"": 0} | _PREFIXES).items()
    # Words of their own come first: `min` is a minute, `cd` candela; and `hbar` is Planck's.
    if not prefix or prefix + name not in (*_WITHOUT_PREFIX, *_WITH_PREFIX, "hbar")
}
"""The units that `spelling` gives, of which tests see that pint has the same."""

# What pint's own table lacks, or has otherwise: angles are a dimension here, as degrees are not counts.
_EXTRA: Final = (
    "radian = [angle] = rad",
    "pixel = [] = _ = px",
    "photon = [] = _ = photons",
    "electron = [] = _ = electrons",
    "ohm = volt / ampere = Ω = Ohm = ohms",
    "gauss = 1e-4 * tesla = G",
)
# Letters that are one unit to pint and another thing, or nothing, to whoever writes them on a beamline.
_NOT_UNITS: Final = frozenset({"a.u.", "au", "arb", "arb.", "a b"})
_SCALES: Final = frozenset({"degC", "degF"})
_WORDS_AND_SIGNS: Final = re.compile(r"[\w%°Δ*/^.+\- ()]+")
_ODD_NUMBER: Final = re.compile(r"\d{3}|\d[^\W\d]")
"""An exponent that is not useful for a unit: its factor would exceed every number."""
_LONGEST: Final = 80
_FACTOR: Final = re.compile(r"(?P<sign>^1/|[*/]|\.|(?<=\w) |^)(?P<word>[A-Za-z]+|%)\^?(?P<power>-?[1-9]\d?)?(?!\w)")
_LOADING: Final = threading.RLock()


@lru_cache(maxsize=4096)
def parse(unit: str) -> Unit | None:
    """The unit for a spelled text that is not empty; None if nobody knows it."""
    if not unit or len(unit) > _LONGEST or unit.casefold() in _NOT_UNITS or is_ambiguous(unit):
        return None
    if not _WORDS_AND_SIGNS.fullmatch(unit) or _ODD_NUMBER.search(unit):
        return None  # pint leaves out what it does not expect, and so takes `C?` for C
    found = _by_table(unit)
    return found if found is not None else _by_pint(unit)


def _by_table(text: str) -> Unit | None:
    """The unit if all words are in the table, and nothing else is in the text but signs between them."""
    if text == "1":
        return Unit()
    place, powers = 0, []
    while place < len(text):
        found = _FACTOR.match(text, place)
        if not found or found["word"] not in _TABLE:
            return None
        power = Fraction(found["power"] or 1)
        powers.append((found["word"], -power if "/" in found["sign"] else power))
        place = found.end()
    return _product(powers)


@lru_cache(maxsize=1024)
def _word(name: str) -> _Word:
    return _TABLE.get(name) or _words_of_pint[name]


_words_of_pint: dict[str, _Word] = {}
"""Those that were looked up, by the names that they have in a `Unit`."""


def _by_pint(unit: str) -> Unit | None:
    text = re.sub(r"(?<=[A-Za-z])\.(?=[A-Za-z])", "*", unit)  # UDUNITS' product: N.m
    text = re.sub(r"\b([A-Za-z]+)(-?\d+)", r"\1^\2", text)  # UDUNITS' power: m2, s-1
    if text not in _SCALES:
        # In degC/min there is no zero of the scale: what counts is a difference.
        text = re.sub(r"\b(deg[CF])\b", r"delta_\1", text)
    # Units of two registries do not mix: two threads must not load one each.
    with _LOADING:
        try:
            registry = _registry()
            found = registry.parse_units(text)
            found.dimensionality  # noqa: B018 - pint computes it now, or raises
            items = [
                (_noted(registry, name), Fraction(Decimal(str(power))))
                for name, power in found._units.items()  # noqa: SLF001 - pint has no other name for the parts
            ]
        except Exception:  # noqa: BLE001 - pint raises what its tokenizer happens to meet; all of it means "no unit"
            return None
    return _product(items)


def _noted(registry: pint.UnitRegistry[Any], name: str) -> str:
    """Look up a word of pint, and give its name in a `Unit`: that of the table if it is the same unit."""
    word = _looked_up(registry, name)
    symbol = name if name.startswith("delta_") else f"{registry.Unit(name):~}"
    for known in ("K" if name == "delta_degree_Celsius" else spelling(symbol), f"{symbol}s"):
        if known in _TABLE and word.is_like(_TABLE[known]):
            return known
    own = name if symbol in _TABLE else symbol
    _words_of_pint[own] = word
    return own


def _looked_up(registry: pint.UnitRegistry[Any], name: str) -> _Word:
    unit = registry.Unit(name)
    dimensions = {base: Fraction(Decimal(str(power))) for base, power in unit.dimensionality.items()}
    try:
        zero, one, two = (
            Fraction(Decimal(registry.Quantity(Decimal(number), unit).to_root_units().magnitude)) for number in range(3)
        )
    except Exception:  # noqa: BLE001 - pint raises what it happens to meet in a unit; a scale of its own is all that is left
        return _Word(dimensions, Fraction(1), None)
    # Decimals carry 28 digits: what is left of a zero after them is nothing.
    negligible = abs(one) / 10**20
    offset = zero if abs(zero) > negligible else Fraction(0)
    is_linear = abs(two - 2 * one + zero) <= negligible and one != offset
    return _Word(dimensions, one - offset if is_linear else Fraction(1), offset if is_linear else None)


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry[Any]:
    """Pint's registry, computing in decimals, with our additions.

    pint computes the dimensions of all units while it loads, so that what changes a base unit must be loaded with its
    own table and not afterwards.
    """
    import pint  # noqa: PLC0415 - costs a third of a second, which those whose units are in the table need not pay

    table = resources.files("pint")
    lines = [
        line
        for name in ("constants_en.txt", "default_en.txt")
        for line in table.joinpath(name).read_text("utf-8").splitlines()
        if not line.startswith("@import")
    ]
    return pint.UnitRegistry([*lines, *_EXTRA], non_int_type=Decimal, on_redefinition="ignore")
