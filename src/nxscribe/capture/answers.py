"""What the devices say to one read, gathered until all have spoken or the time is up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from nxscribe.capture.names import TangoName
from nxscribe.model import Reading

if TYPE_CHECKING:
    from nxscribe.capture.device import Device

Told: TypeAlias = Callable[[], Mapping[TangoName, Reading]]
"""What a device said: readings are made of it when it is called, by whoever waits for them. The devices' threads have
no time for that: hundreds may answer at once, and each would keep Python's one lock from all others.
"""

_LOOK_S = 0.01
"""How often a wait looks whether to go on: an abort takes effect within this."""


class Answers:
    """One read's readings. Devices add to it from their threads; once it is closed, what comes is late."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: list[Told] = []
        self._readings: dict[TangoName, Reading] = {}
        self._awaited: dict[Device, float] = {}
        self._all_in = threading.Event()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether nobody waits any more."""
        return self._closed

    def give(self, told: Told) -> bool:
        """Add what was said; False when it comes too late."""
        with self._lock:
            if not self._closed:
                self._told.append(told)
            return not self._closed

    def expect(self, who: Device, until: float) -> None:
        """Have `wait` wait for someone, until a moment (monotonic seconds)."""
        with self._lock:
            self._awaited[who] = until
            self._all_in.clear()

    def finish(self, who: Device) -> None:
        """Say that someone has no more to say."""
        with self._lock:
            self._awaited.pop(who, None)
            if not self._awaited:
                self._all_in.set()

    def wait(self, stop: threading.Event | None, look: Callable[[], None]) -> None:
        """Wait for each who is expected until it has finished or its time is up, or until `stop`. Meanwhile `look` is
        called again and again.
        """
        while not (stop and stop.is_set()):
            with self._lock:
                until = max(self._awaited.values(), default=0.0)
            remaining = until - time.monotonic()
            if remaining <= 0 or self._all_in.wait(min(remaining, _LOOK_S)):
                return
            look()
            self._make_readings()

    def close(self) -> tuple[dict[TangoName, Reading], frozenset[Device]]:
        """What was said, and who has not finished. From now on all is late."""
        with self._lock:
            self._closed = True
            silent = frozenset(self._awaited)
        self._make_readings()
        return self._readings, silent

    def _make_readings(self) -> None:
        with self._lock:
            told, self._told = self._told, []
        for one in told:
            for name, reading in one().items():
                # A value is never replaced by an error.
                if reading.ok or name not in self._readings:
                    self._readings[name] = reading
