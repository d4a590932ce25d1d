"""A reading: what one source said, when, and how well; or why it said nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

Value: TypeAlias = npt.NDArray[np.generic]
"""Scalars are 0-d. The dtype is the source's own (kinds b, i, u, f); texts are of kind U; opaque bytes are uint8."""

Detail: TypeAlias = str | int | float | list[int]

DEFAULT: Final = "default"
"""The source that a value names which stands in where no source gave one."""
DEFAULTED: Final = "defaulted"
"""The detail of a computed value that names those of its operands that are defaults."""


class Quality(StrEnum):
    """Tango's attribute qualities, which are also those of every other source."""

    VALID = "VALID"
    CHANGING = "CHANGING"
    WARNING = "WARNING"
    ALARM = "ALARM"
    INVALID = "INVALID"


class Phase(StrEnum):
    """When a reading is taken."""

    INITIAL = "initial"
    FINAL = "final"


class Reading(msgspec.Struct, frozen=True, eq=False, omit_defaults=True):
    """One value with all that makes it trustworthy, or the reason why there is none. Never both.

    A capture makes thousands: a struct is made in a sixth of a frozen dataclass's time, and written in half of it.
    """

    source: str
    """Where it came from: a full Tango name (`host:port/domain/family/member/attribute`), `parameter`, `literal` …"""
    time: datetime
    """When the source says that the value was true (aware, microseconds); for an error, when it was noticed."""
    value: Value | None = None
    unit: str = ""
    """As the source spells it; empty when it says nothing."""
    quality: Quality = Quality.VALID
    error: str = ""
    """Why there is no value: what, likely cause, remedy. Empty when there is one."""
    details: Mapping[str, Detail] = {}
    """What else its source said of it, as docs/reference/tango-types.md names it: `enum_value`, `age` …"""

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    @property
    def is_default(self) -> bool:
        """Whether the value, or one that it was computed from, stands in for one that could not be had. Any other value
        is better.
        """
        return self.source == DEFAULT or DEFAULTED in self.details

    def __eq__(self, other: object) -> bool:
        """Equal in everything, NaN equal to NaN, dtypes included."""
        if not isinstance(other, Reading):
            return NotImplemented
        rest = (self.source, self.time, self.unit, self.quality, self.error, self.details)
        others = (other.source, other.time, other.unit, other.quality, other.error, other.details)
        return rest == others and _same(self.value, other.value)

    def __hash__(self) -> int:
        return hash((self.source, self.time))


def _same(one: Value | None, other: Value | None) -> bool:
    if one is None or other is None:
        return one is other
    if one.dtype.kind != other.dtype.kind or one.shape != other.shape:
        return False
    if one.dtype.kind != "U" and one.dtype != other.dtype:
        return False
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All readings of one phase, keyed by placeholder name."""

    phase: Phase
    started: datetime
    """When the trigger was taken (aware)."""
    duration_s: float
    """How long it took until the last reading was in, or was given up."""
    readings: dict[str, Reading] = field(default_factory=dict)
    """One for each placeholder asked for in this phase: those without a value say why."""
    span_s: float = 0.0
    """From the earliest to the latest time stamp of what the devices gave: how far the snapshot is from one moment."""

    @property
    def missing(self) -> dict[str, Reading]:
        """The placeholders that have no value."""
        return {name: reading for name, reading in self.readings.items() if not reading.ok}
