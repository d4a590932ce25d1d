"""The types that a field can have: those of NeXus, and those of the NAPI, which the dialect of the ESRF uses.

See https://manual.nexusformat.org/nxdl-types.html. `NX_FLOAT64` and similar names are the storage types of the NAPI.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from nxscribe.model.arrays import number_of
from nxscribe.model.times import from_iso

Kind: TypeAlias = Literal["text", "integer", "float", "number", "boolean", "time", "binary", "any"]
"""What a value of a type is, independent of its size. A "number" keeps the kind that its source gave it."""

_KINDS: Final[dict[str, Kind]] = {
    "NX_CHAR": "text",
    "NX_DATE_TIME": "time",
    "ISO8601": "time",
    "NX_BOOLEAN": "boolean",
    "NX_BINARY": "binary",
    "NX_NUMBER": "number",
    "NX_FLOAT": "float",
    "NX_FLOAT32": "float",
    "NX_FLOAT64": "float",
    "NX_INT": "integer",
    "NX_INT8": "integer",
    "NX_INT16": "integer",
    "NX_INT32": "integer",
    "NX_INT64": "integer",
    "NX_UINT": "integer",
    "NX_UINT8": "integer",
    "NX_UINT16": "integer",
    "NX_UINT32": "integer",
    "NX_UINT64": "integer",
    "NX_POSINT": "integer",
    "NX_CHAR_OR_NUMBER": "any",
    "NX_COMPLEX": "any",
    "NX_CCOMPLEX": "any",
    "NX_PCOMPLEX": "any",
    "NX_QUATERNION": "any",
}

NX_TYPES: Final[frozenset[str]] = frozenset(_KINDS)
"""Every type name that a definition may use."""

_UNIT_CATEGORIES: Final = """
NX_ANGLE NX_ANY NX_AREA NX_CHARGE NX_COUNT NX_CROSS_SECTION NX_CURRENT NX_DIMENSIONLESS NX_EMITTANCE NX_ENERGY
NX_FLUX NX_FREQUENCY NX_LENGTH NX_MASS NX_MASS_DENSITY NX_MOLECULAR_WEIGHT NX_PERIOD NX_PER_AREA NX_PER_LENGTH
NX_POWER NX_PRESSURE NX_PULSES NX_SCATTERING_LENGTH_DENSITY NX_SOLID_ANGLE NX_TEMPERATURE NX_TIME
NX_TIME_OF_FLIGHT NX_TRANSFORMATION NX_UNITLESS NX_VOLTAGE NX_VOLUME NX_WAVELENGTH NX_WAVENUMBER
"""

UNIT_CATEGORIES: Final[frozenset[str]] = frozenset(_UNIT_CATEGORIES.split())
"""https://manual.nexusformat.org/nxdl-types.html#unit-categories-allowed-in-nxdl-specifications"""


BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}
"""The texts that stand for true and false."""


def is_text_of(text: str, type_name: str) -> bool:
    """Whether a text that is not a sequence can be read as a value of this type."""
    wanted = kind(type_name)
    try:
        if wanted == "boolean":
            return text.lower() in BOOLEANS
        if wanted == "time":
            from_iso(text)
        elif wanted in ("integer", "float", "number"):
            return isinstance(number_of(text), int) or wanted != "integer"
    except ValueError:
        return False
    return True


def kind(type_name: str) -> Kind:
    """The kind of the values of a type. Raises KeyError for a name that is not in `NX_TYPES`."""
    return _KINDS[type_name]
