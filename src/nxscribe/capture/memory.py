"""What attributes said last: one that is fresh enough need not be read again, and one that came late is not lost."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from nxscribe.capture.names import TangoName
from nxscribe.model import Reading, now

AGE = "age"
"""The detail of a reading from memory: how long ago it was heard, in seconds."""


class _Heard(NamedTuple):
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

    def hear(self, readings: Mapping[TangoName, Reading], at: float) -> None:
        """Take in what is to be kept fresh, unless it was heard since (monotonic seconds). What has no value now is
        forgotten.
        """
        ages, came = self.ages, now()
        with self._lock:
            for name, reading in readings.items():
                if name in ages and self.heard_at(name) <= at:
                    if reading.ok:
                        self._heard[name] = _Heard(reading, at, came)
                    else:
                        self._heard.pop(name, None)

    def keep(self, readings: Mapping[TangoName, Reading]) -> None:
        """Take in every value."""
        at, came = time.monotonic(), now()
        with self._lock:
            self._heard.update((name, _Heard(reading, at, came)) for name, reading in readings.items() if reading.ok)

    def forget(self, name: TangoName) -> None:
        """What was heard may not be true any more."""
        with self._lock:
            self._heard.pop(name, None)

    def fresh(self, max_ages: Mapping[TangoName, float]) -> dict[TangoName, Reading]:
        """The readings of those attributes that are young enough (seconds), each with its age."""
        present = time.monotonic()
        found: dict[TangoName, Reading] = {}
        for name, max_age_s in max_ages.items():
            heard = self._heard.get(name)
            if heard is not None and (age := present - heard.at) <= max_age_s:
                kept = heard.reading
                details = {**kept.details, AGE: round(age, 6)}
                found[name] = Reading(kept.source, kept.time, kept.value, kept.unit, kept.quality, "", details)
        return found

    def late(self, name: TangoName, since: datetime) -> Reading | None:
        """A reading that came after `since`."""
        heard = self._heard.get(name)
        return heard.reading if heard and heard.came > since else None

    def heard_at(self, name: TangoName) -> float:
        """When an attribute was heard last (monotonic seconds)."""
        heard = self._heard.get(name)
        return heard.at if heard else -math.inf
