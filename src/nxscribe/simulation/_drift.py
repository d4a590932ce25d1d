"""Values that wander as those of real devices do: smooth, bounded, and the same for everyone who asks at one time.

Nothing here has a state: a device is asked, and says what it is at that instant.
"""

from __future__ import annotations

import math
import zlib

# Periods in seconds with no common multiple: a slow drift, a breath, and the flicker of the last digits.
_PERIODS_S = (617.0, 37.1, 2.3, 0.083)
_WEIGHTS = (0.5, 0.3, 0.15, 0.05)


def wander(name: str, time_s: float) -> float:
    """A number between -1 and 1 that drifts with time, differently for each name."""
    phase = zlib.crc32(name.encode()) / 2**32
    return sum(
        weight * math.sin(2 * math.pi * (time_s / period + phase * (index + 1)))
        for index, (weight, period) in enumerate(zip(_WEIGHTS, _PERIODS_S, strict=True))
    )


def around(value: float, relative: float, name: str, time_s: float) -> float:
    """The value as it is measured: within `relative` of what it should be."""
    return value * (1 + relative * wander(name, time_s))
