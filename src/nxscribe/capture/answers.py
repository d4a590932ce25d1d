"""What the devices say to one read, gathered until all have spoken or the time is up."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nxscribe.capture.names import TangoName
from nxscribe.model import Reading

if TYPE_CHECKING:
    from nxscribe.capture.device import Device

_LOOK_S = 0.01
"""How often a wait looks whether to go on: an abort takes effect within this."""


class Answers:
    """One read's readings. Devices add to it from their threads; once it is closed, what comes is late."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readings: dict[TangoName, Reading] = {}
        self._awaited: dict[Device, float] = {}
        self._all_in = threading.Event()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether nobody waits any more."""
        return self._closed

    def give(self, readings: Mapping[TangoName, Reading]) -> bool:
        """Add readings; False when they come too late. A value is never replaced by an error."""
        with self._lock:
            if not self._closed:
                for name, reading in readings.items():
                    if reading.ok or name not in self._readings:
                        self._readings[name] = reading
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

    def wait(self, stop: threading.Event | None) -> None:
        """Wait for each who is expected until it has finished or its time is up, or until `stop`."""
        while not (stop and stop.is_set()):
            with self._lock:
                until = max(self._awaited.values(), default=0.0)
            remaining = until - time.monotonic()
            if remaining <= 0 or self._all_in.wait(min(remaining, _LOOK_S)):
                return

    def close(self) -> tuple[dict[TangoName, Reading], frozenset[Device]]:
        """What was said, and who has not finished. From now on all is late."""
        with self._lock:
            self._closed = True
            return self._readings, frozenset(self._awaited)
