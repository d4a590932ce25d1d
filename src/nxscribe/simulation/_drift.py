"""Values that drift like those of real devices: smoothly, within limits, and the same for all readers at one time.

The functions have no state: a value depends only on the name and the time.
"""

from __future__ import annotations

import math
import zlib

# Periods in seconds with no common multiple: a slow drift, a breath, and the flicker of the last digits.
_PERIODS_S = (617.0, 37.1, 2.3, 0.083)
_WEIGHTS = (0.5, 0.3, 0.15, 0.05)


def wander(name: str, time_s: float) -> float:
    """A number from -1 to 1 that drifts with time (seconds since the epoch), in a different way for each name."""
    phase = zlib.crc32(name.encode()) / 2**32
    return sum(
        weight * math.sin(2 * math.pi * (time_s / period + phase * (index + 1)))
        for index, (weight, period) in enumerate(zip(_WEIGHTS, _PERIODS_S, strict=True))
    )


def around(value: float, relative: float, name: str, time_s: float) -> float:
    """A measured value: `value` with a drift of at most the share `relative` of it, such as 0.01."""
    return value * (1 + relative * wander(name, time_s))
