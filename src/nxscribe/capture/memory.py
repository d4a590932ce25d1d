"""What attributes said last: one that is fresh enough need not be read again, and one that came late is not lost."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from nxscribe.capture.names import TangoName
from nxscribe.model import Reading, now

AGE = "age"
"""The detail of a reading from memory: how long ago it was heard, in seconds."""


@dataclass(frozen=True, slots=True)
class _Heard:
    reading: Reading
    at: float
    """Monotonic seconds: what counts is when it was heard here, whatever the device's clock says."""
    came: datetime


class Memory:
    """One device's last values. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: dict[TangoName, _Heard] = {}
        self.ages: Mapping[TangoName, float] = MappingProxyType({})
        """What shall be kept fresh, and how old it may become (seconds)."""

    def hear(self, readings: Mapping[TangoName, Reading]) -> None:
        """Take in what is to be kept fresh. What has no value now is forgotten."""
        if not self.ages:
            return
        wanted = {name: reading for name, reading in readings.items() if name in self.ages}
        for name, reading in wanted.items():
            if not reading.ok:
                self.forget(name)
        self.keep(wanted)

    def keep(self, readings: Mapping[TangoName, Reading]) -> None:
        """Take in every value."""
        at, came = time.monotonic(), now()
        with self._lock:
            self._heard.update((name, _Heard(reading, at, came)) for name, reading in readings.items() if reading.ok)

    def forget(self, name: TangoName) -> None:
        """What was heard may not be true any more."""
        with self._lock:
            self._heard.pop(name, None)

    def fresh(self, name: TangoName, max_age_s: float) -> Reading | None:
        """The reading of an attribute if it is young enough, with its age."""
        heard = self._heard.get(name)
        if heard is None or (age := time.monotonic() - heard.at) > max_age_s:
            return None
        kept = heard.reading
        # A scan may take thousands: `replace` would take four times as long.
        details = {**kept.details, AGE: round(age, 6)}
        return Reading(kept.source, kept.time, kept.value, kept.unit, kept.quality, kept.error, details)

    def late(self, name: TangoName, since: datetime) -> Reading | None:
        """A reading that came after `since`."""
        heard = self._heard.get(name)
        return heard.reading if heard and heard.came > since else None

    def heard_at(self, name: TangoName) -> float:
        """When an attribute was heard last (monotonic seconds)."""
        heard = self._heard.get(name)
        return heard.at if heard else -math.inf
