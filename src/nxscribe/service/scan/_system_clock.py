"""The system clock is for telling, never for measuring: it can be set while a scan runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

_NOTABLE: Final = timedelta(seconds=2)
"""Less is the clock being steered, not set."""


def clock_note(start: datetime, end: datetime, elapsed_s: float) -> tuple[str, ...]:
    """What an entry should say of a clock that was set between two times; nothing where it was not.

    Args:
        start: By the system clock.
        end: By the system clock.
        elapsed_s: What the monotonic clock says lay between the two.
    """
    step = end - start - timedelta(seconds=elapsed_s)
    if abs(step) < _NOTABLE:
        return ()
    way = "forward" if step > timedelta() else "back"
    seconds = abs(step).total_seconds()
    what = f"the system clock was set {way} by {seconds:.0f} s during the scan, which lasted {elapsed_s:.1f} s"
    return (f"{what}: times before and after that do not compare",)
