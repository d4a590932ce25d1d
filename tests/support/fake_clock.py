"""A clock that stands still until a test moves it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Both clocks in one: `advance` moves them together, `set_system_clock` the system clock alone."""

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self._monotonic = 1000.0
        self._now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.waits: list[float] = []
        """How long each waiter wanted to wait (seconds)."""

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Wait until the event is set or the clock has been moved so far."""
        with self._moved:
            self.waits.append(timeout_s)
            until = self._monotonic + timeout_s
            while not event.is_set() and self._monotonic < until:
                self._moved.wait(0.01)  # nobody tells the condition of the event
        return event.is_set()

    def advance(self, seconds: float) -> None:
        with self._moved:
            self._monotonic += seconds
            self._now += timedelta(seconds=seconds)
            self._moved.notify_all()

    def set_system_clock(self, by_s: float) -> None:
        """Set the system clock forward or back, as an administrator would."""
        self._now += timedelta(seconds=by_s)
