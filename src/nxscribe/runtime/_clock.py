"""The clock that is handed to what depends on time, so that tests of pauses, ages and deadlines need not wait."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Final, Protocol

from nxscribe.model import now


class Clock(Protocol):
    """Tells the time, and waits."""

    def now(self) -> datetime:
        """The time of the system clock, in UTC. It may be set forward or back, so it measures nothing."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment. They never go back: durations are measured with them."""

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Wait until `event` is set, at most `timeout_s` seconds. Returns whether it is set."""


class SystemClock:
    """The clock of this computer."""

    def now(self) -> datetime:
        """The time of the system clock, in UTC."""
        return now()

    def monotonic(self) -> float:
        """The kernel's monotonic clock, in seconds."""
        return time.monotonic()

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Wait until `event` is set, at most `timeout_s` seconds. Returns whether it is set."""
        return event.wait(timeout_s)


SYSTEM_CLOCK: Final = SystemClock()
