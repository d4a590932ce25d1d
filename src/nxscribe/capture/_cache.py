"""The last readings of one endpoint: a recent one does not have to be read again, and a late one is not lost."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from nxscribe.capture._request import CLOCK, NO_AGES, MonotonicClock
from nxscribe.model import Reading, now
from nxscribe.model.reading import AGE
from nxscribe.sources import NO_SCAN, Address, ScanNames


class _CachedReading(NamedTuple):
    reading: Reading
    at: float
    """Monotonic seconds: what counts is when it was received here, whatever the source's clock says."""
    came: datetime
    scan: tuple[str, ...]
    """The names of the scan for which it is true, as far as its address depends on them."""


class ReadingCache:
    """The last reading of each address of one endpoint. Every method may be called from any thread."""

    def __init__(self, clock: MonotonicClock = CLOCK) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[Address, _CachedReading] = {}
        self.ages: Mapping[Address, float] = MappingProxyType({})
        """What is kept fresh, and how old it may become (seconds)."""
        self.listeners: Mapping[Address, Callable[[Reading], None]] = MappingProxyType({})
        """Who hears of each reading, with or without a value, of an address that is kept fresh. They are told under
        the lock, in the order in which readings are taken in, so a listener must not wait, nor give readings to the
        cache."""

    def hear(self, readings: Mapping[Address, Reading], at: float, scan: ScanNames = NO_SCAN) -> None:
        """Take in what is kept fresh, unless something younger is there (monotonic seconds). What has no value now is
        forgotten.
        """
        ages, came, listeners = self.ages, now(), self.listeners
        with self._lock:
            for address, reading in readings.items():
                if address in ages and self.heard_at(address) <= at:
                    if reading.ok:
                        self._entries[address] = _CachedReading(reading, at, came, _names_of(address, scan))
                    else:
                        self._entries.pop(address, None)
                    # Under the lock, so that what was taken in first is told first.
                    if address in listeners:
                        listeners[address](reading)

    def keep(self, readings: Mapping[Address, Reading], scan: ScanNames = NO_SCAN) -> None:
        """Take in every value."""
        at, came = self._clock(), now()
        with self._lock:
            self._entries.update(
                (address, _CachedReading(reading, at, came, _names_of(address, scan)))
                for address, reading in readings.items()
                if reading.ok
            )

    def forget(self, address: Address) -> None:
        """Forget a reading: it may not be true any more."""
        with self._lock:
            self._entries.pop(address, None)

    def fresh(self, max_ages: Mapping[Address, float] = NO_AGES, scan: ScanNames = NO_SCAN) -> dict[Address, Reading]:
        """The readings that are young enough (seconds), and true for this scan, each with its age."""
        present = self._clock()
        found: dict[Address, Reading] = {}
        for address, max_age_s in max_ages.items():
            entry = self._entries.get(address)
            if entry is None:
                continue
            kept, at, _, names = entry
            age = present - at
            if age > max_age_s or (address.scan_names and names != _names_of(address, scan)):
                continue
            details = {**kept.details, AGE: round(age, 6)}
            found[address] = Reading(kept.source, kept.time, kept.value, kept.unit, kept.quality, "", details)
        return found

    def late(self, address: Address, since: datetime, scan: ScanNames = NO_SCAN) -> Reading | None:
        """A reading that came after `since`, and is true for this scan."""
        entry = self._entries.get(address)
        return entry.reading if entry and entry.came > since and entry.scan == _names_of(address, scan) else None

    def heard_at(self, address: Address) -> float:
        """When the last reading of an address came (monotonic seconds); minus infinity where there is none."""
        entry = self._entries.get(address)
        return entry.at if entry else -math.inf


def _names_of(address: Address, scan: ScanNames) -> tuple[str, ...]:
    return tuple([scan.get(name, "") for name in address.scan_names]) if address.scan_names else ()
