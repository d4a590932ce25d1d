"""How units are written on beamlines, and for each the one spelling that UDUNITS and the NeXus validators accept.

docs/reference/units.md explains the rules for users. Two of them hold for everything in this module:

- A text is changed as a whole or not at all: if one word is not known, the whole text stays as it is written.
- If letters could mean two units of the same dimension (`MM`: mm or Mm), they are not known, because no conversion is
  better than a wrong one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_SYMBOLS: Final = (
    *("m", "s", "g", "A", "K", "mol", "cd", "rad", "sr", "eV", "Hz", "N", "J", "W", "V", "C", "F", "H", "S", "Pa", "T"),
    *("ohm", "bar", "torr", "gauss", "l", "L", "Gy", "Sv", "Bq", "Wb", "lm", "lx", "deg", "angstrom"),
    *("counts", "photons", "electrons", "pixel"),
)
"""Units that take a prefix."""
_PLAIN_SYMBOLS: Final = (
    *("min", "h", "d", "degC", "degF", "%", "rpm", "ppm", "ppb", "mmHg", "psi", "atm", "inch", "arcsec", "arcmin"),
)
"""Units that take none."""
_SHORT_FORMS: Final = {
    "G": "gauss",
    "Ω": "ohm",
    "Ohm": "ohm",
    "Å": "angstrom",
    "°": "deg",
    "ph": "photons",
    "Ph": "photons",
}
"""Other symbols, in this letter case only; they take prefixes as well."""
_WORDS: Final = {
    "m": "meter meters metre metres",
    "s": "sec secs second seconds",
    "g": "gram grams gramme grammes",
    "A": "amp amps ampere amperes",
    "K": "kelvin kelvins",
    "mol": "mole moles",
    "rad": "rad rads radian radians",
    "eV": "electronvolt electronvolts",
    "Hz": "hertz",
    "N": "newton newtons",
    "J": "joule joules",
    "W": "watt watts",
    "V": "volt volts",
    "C": "coulomb coulombs",
    "F": "farad farads",
    "H": "henry henrys",
    "Pa": "pascal pascals",
    "T": "tesla teslas",
    "ohm": "ohm ohms",
    "bar": "bar bars",
    "torr": "torr torrs",
    "gauss": "gauss",
    "l": "liter liters litre litres",
    "Gy": "gray grays",
    "deg": "deg degs degree degrees",
    "angstrom": "angstrom angstroms angstroem ångström ångströms ångstrom ångstroms ang angst",
    "counts": "count counts ct cts cnt cnts",
    "photons": "photon photons phot phots phs",
    "electrons": "electron electrons",
    "pixel": "pixel pixels px pix",
}
"""Words of units that take a prefix, in any letter case."""
_PLAIN_WORDS: Final = {
    "um": "micron microns",
    "min": "mins minute minutes",
    "h": "hr hrs hour hours",
    "d": "day days",
    "degC": "celsius centigrade",
    "degF": "fahrenheit",
    "%": "percent pct",
    "rpm": "rpm",
    "inch": "inches",
    "arcsec": "arcsec arcsecs arcsecond arcseconds",
    "arcmin": "arcmin arcmins arcminute arcminutes",
    "mmHg": "mmhg",
}
"""Words of units that take no prefix, in any letter case."""
_PREFIXES: Final = {"f": "f", "p": "p", "n": "n", "u": "u", "µ": "u", "m": "m", "c": "c", "d": "d", "h": "h"} | {
    "k": "k",
    "K": "k",
    "G": "G",
}
_LONG_PREFIXES: Final = {"femto": "f", "pico": "p", "nano": "n", "micro": "u", "milli": "m", "centi": "c"} | {
    "kilo": "k",
    "mega": "M",
    "giga": "G",
}
_MEGA: Final = frozenset({"eV", "Hz", "Pa", "bar", "V", "W", "J", "ohm", "Gy", "Bq", "counts", "photons"})
"""Units for which `M` means mega. `MA` and `Mm` usually are mA and mm that were written with a capital letter."""
_CAPITALS: Final = {"ev": "eV", "hz": "Hz", "pa": "Pa"}
"""Symbols that are often written in another letter case, as parts of a word, where `m` can mean milli or mega."""
_RATES: Final = {"cps": "counts/s"}
_NONE: Final = frozenset({"", "no unit", "none", "n/a", "-", "unitless"})
"""What Tango gives for an attribute without a unit, and what people write if there is no unit."""

_BY_SYMBOL: Final = {name: name for name in _SYMBOLS} | _SHORT_FORMS
_BY_WORD: Final = {word: unit for unit, words in _WORDS.items() for word in words.split()}
_PLAIN: Final = {name: name for name in _PLAIN_SYMBOLS}
_PLAIN_BY_WORD: Final = {word: unit for unit, words in _PLAIN_WORDS.items() for word in words.split()}

# Unicode has several characters for most signs.
_SIGNS: Final = str.maketrans(
    {
        "\u03bc": "µ",  # the Greek letter; the other one is the micro sign
        "\u212b": "Å",  # the angstrom sign; the other one is the letter
        "\u2126": "Ω",  # the ohm sign
        "\u00ba": "°",  # the masculine ordinal
        "\u02da": "°",  # the ring above
        "\u2103": "°C",
        "\u2109": "°F",
        "\u00b7": "*",
        "\u22c5": "*",
        "\u00d7": "*",
        "\u2212": "-",
    }
)
_SUPERSCRIPTS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SUPERSCRIPT: Final = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
_SCALE: Final = re.compile(
    r"(?:\bdeg(?:ree)?s?\.?|°)[\s_]*(?:(C|celsius|centigrade)|(F|fahrenheit)|(K|kelvins?))\b",
    re.IGNORECASE,
)
_RING: Final = re.compile(r"(?<!\w)(?:A°|°A)(?!\w)")
_DIFFERENCE: Final = re.compile(r"Δ°C|delta_(?:degC|degree_Celsius)\b")
_PER: Final = re.compile(r"\s+per\s+", re.IGNORECASE)
_TOKEN: Final = re.compile(r"(?P<word>[^\W\d_]+|[°%])|(?P<power>\^?[+-]?\d+)|(?P<sign>\s*[*/()]\s*|\.|\s+)")
_LETTERS: Final = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=4096)
def spelling(unit: str) -> str:
    """The spelling that UDUNITS and the NeXus validators accept: `μm` is `um`, `Å²` is `angstrom^2`, `kev` is `keV`.

    A text that is not a unit is returned unchanged, except for white space around it. "No unit", which Tango gives for
    an attribute without a unit, becomes an empty text. Raises nothing.
    """
    written = " ".join("".join(letter if letter.isprintable() else " " for letter in unit).split())
    if written.casefold() in _NONE:
        return ""
    text = unicodedata.normalize("NFC", written).translate(_SIGNS)
    text = _SUPERSCRIPT.sub(lambda found: "^" + found.group().translate(_SUPERSCRIPTS), text).replace("**", "^")
    text = _DIFFERENCE.sub("K", text)  # the difference of two temperatures
    text = _RING.sub("Å", _SCALE.sub(_scale, text))
    text = _PER.sub("/", text)
    return _spelled("1" + text if text.startswith("/") else text) or written


def is_spelled(unit: str) -> bool:
    """Whether a text is a unit of the tables of this module, in the spelling that `spelling` gives."""
    return bool(unit) and _spelled(unit) == unit


def is_ambiguous(unit: str) -> bool:
    """Whether a spelled unit has a word that could mean two units of one dimension: `Mm`, `mhz`, `pa`."""
    return any(_is_ambiguous_word(word) for word in _LETTERS.findall(unit))


def _is_ambiguous_word(word: str) -> bool:
    if _word(word) is not None:
        return False
    rest = word.removeprefix("M")
    in_millions = rest != word and (rest in _BY_SYMBOL or rest.casefold() in _BY_WORD)
    return in_millions or word[-2:].casefold() in _CAPITALS or word in ("KG", "MM", "µ")


def _scale(found: re.Match[str]) -> str:
    return "degC" if found[1] else "degF" if found[2] else "K"


def _spelled(text: str) -> str:
    """The text with the spelling of each word; empty if one word is not known."""
    parts: list[str] = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if not found:
            return ""
        if word := found["word"]:
            spelled = _rate(word) if not place else None
            if spelled is None:
                spelled = _word(word)
            if spelled is None:
                return ""
            parts.append(spelled)
        elif power := found["power"]:
            if not (place or power == "1"):
                return ""  # a factor, as in `10 mm`
            parts.append(power)
        else:
            parts.append(found["sign"].strip() or " ")
        place = found.end()
    return "".join(parts)


def _rate(word: str) -> str | None:
    """The spelling of a word that means a number per second, which cannot be part of a denominator."""
    for prefix in ("", "k", "K", "M"):
        if rate := _RATES.get(word.removeprefix(prefix).casefold()) if word.startswith(prefix) else None:
            return prefix.replace("K", "k") + rate
    return None


def _word(word: str) -> str | None:
    """The spelling of one word; None if it is not known, or could mean two units."""
    folded = word.casefold()
    plain = _PLAIN.get(word) or _BY_SYMBOL.get(word) or _PLAIN_BY_WORD.get(folded) or _BY_WORD.get(folded)
    return plain or _prefixed(word) or _in_other_case(word) or _with_long_prefix(folded)


def _prefixed(word: str) -> str | None:
    first, rest = word[:1], word[1:]
    if first == "M":
        unit = _BY_SYMBOL.get(rest)
        return "M" + unit if unit in _MEGA else None
    if first not in _PREFIXES or word == "KG":  # kg, or kG
        return None
    unit = _BY_SYMBOL.get(rest) or _BY_WORD.get(rest.casefold())
    if first == "K" and unit in ("s", "K"):
        return None
    return _PREFIXES[first] + unit if unit else None


def _in_other_case(word: str) -> str | None:
    """`kev`, `KHZ`: but not `mev` and `MPA`, which may be either of two."""
    prefix, unit = word[:-2], _CAPITALS.get(word[-2:].casefold())
    if unit is None:
        return None
    if prefix in ("k", "K", "g", "G") and unit != "Pa":
        return prefix.replace("K", "k").replace("g", "G") + unit
    if prefix in ("h", "k", "K") and unit == "Pa":
        return prefix.replace("K", "k") + unit
    if prefix == "M" and not word.isupper():
        return "M" + unit
    return unit if not prefix and unit != "Pa" else None


def _with_long_prefix(folded: str) -> str | None:
    for prefix, letter in _LONG_PREFIXES.items():
        if folded.startswith(prefix) and (unit := _BY_WORD.get(folded.removeprefix(prefix))):
            return letter + unit
    return None
