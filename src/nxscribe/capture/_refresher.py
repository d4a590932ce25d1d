"""Keeps the cache of an endpoint fresh, by events if it pushes them, and otherwise by reading.

Only values that arrived count. If events stop without an error, or come only when a value changes, the value is read
when half of the allowed age has passed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Final

from nxscribe.capture._cache import ReadingCache
from nxscribe.capture._latencies import LatencyTable
from nxscribe.capture._request import CLOCK, MonotonicClock
from nxscribe.model import Reading
from nxscribe.sources import Address, Connection, EventsNotReadyError, SourceError

_READ: Final = "read"
_LOAD: Final = 0.1
"""The part of an endpoint's time that keeping its addresses fresh by reading may cost at most."""
_SOON_S: Final = 0.05
_QUICK_S: Final = 0.1
"""An address that takes longer is not read in the background if scans read others of the endpoint: these would wait."""


class CacheRefresher:
    """Which addresses of an endpoint are kept fresh, and how. For the worker's thread, unless a method says more."""

    def __init__(
        self,
        connection: Connection,
        latencies: LatencyTable,
        cache: ReadingCache,
        known: Collection[Address],
        clock: MonotonicClock = CLOCK,
    ) -> None:
        """`known` is every address of the endpoint that is ever asked for."""
        self._connection, self._latencies, self._cache, self._known = connection, latencies, cache, known
        self._clock = clock
        self._ways: dict[Address, str] = {}
        """How each is kept fresh: by which events, or by reading."""
        self._silent: dict[Address, str] = {}
        """Those whose events have stopped, with the reason."""
        self._tried: dict[Address, float] = {}
        """When each was last read in the background (monotonic seconds): one that fails is not read again at once."""
        self._wanted: Mapping[Address, float] = {}
        self._asked = 0
        """The number of the connection with which events were subscribed to."""
        self._renewed: set[Address] = set()
        """The addresses that were subscribed to with that connection."""
        self._not_before = 0.0
        """When to try to subscribe again (monotonic seconds)."""

    def want(self, ages: Mapping[Address, float]) -> None:
        """Keep these fresh from now on, and nothing else; seconds that each may be old. Any thread may call this."""
        self._wanted = dict(ages)
        self._asked = 0
        self._cache.ages = self._wanted

    def renew(self, interrupted: Callable[[], bool]) -> list[Address]:
        """Subscribe to what is new, end what is not wanted any more; returns what has to be read now."""
        wanted = self._wanted
        for address in [address for address in self._ways if address not in wanted]:
            del self._ways[address]
            self._renewed.discard(address)
            self._silent.pop(address, None)
            self._connection.unsubscribe(address)
            self._cache.forget(address)
        if self._connection.connections != self._asked:
            # Another server may push what the one before did not.
            self._renewed.clear()
            self._asked = self._connection.connections
        for address in [address for address in wanted if address not in self._renewed]:
            if interrupted():
                return []
            try:
                self._ways[address] = self._connection.subscribe(address, partial(self._heard, address)) or _READ
                self._renewed.add(address)
            except EventsNotReadyError:
                self._not_before = self._clock() + _SOON_S
                return []
            except SourceError:
                self._ways[address] = _READ  # it is tried again with the next connection
                self._renewed.add(address)
                raise
        present = self._clock()
        due = [address for address, due_at in self._due(wanted) if due_at <= present]
        self._tried.update(dict.fromkeys(due, present))
        return due

    def end(self) -> None:
        """End all subscriptions."""
        for address in self._ways:
            self._connection.unsubscribe(address)
        self._ways.clear()
        self._renewed.clear()

    @property
    def idle_s(self) -> float:
        """How long nothing is due."""
        wanted = self._wanted
        if wanted.keys() != self._renewed or (wanted and self._connection.connections != self._asked):
            return max(0.0, self._not_before - self._clock())
        return max(0.0, min((due_at for _, due_at in self._due(wanted)), default=math.inf) - self._clock())

    @property
    def in_words(self) -> dict[Address, str]:
        """How each is kept fresh, in words; any thread may ask."""
        return {address: self._way_in_words(address) for address in self._wanted}

    def _way_in_words(self, address: Address) -> str:
        way = self._ways.get(address, f"{_READ}, and not yet asked for events")
        if reason := self._silent.get(address):
            way = f"{_READ}, as its {way} have stopped ({reason})"
        age_s = self._clock() - self._cache.heard_at(address)
        return f"{way}; " + ("no value" if math.isinf(age_s) else f"heard {age_s:.1f} s ago")

    def _due(self, wanted: Mapping[Address, float]) -> Iterator[tuple[Address, float]]:
        """When each attribute has to be read (monotonic seconds), if nothing is heard of it until then."""
        least_s = sum(self._latencies.seconds_of(address) for address in wanted) / _LOAD
        holds_others_up = len(self._known) > len(wanted)
        for address, max_age_s in wanted.items():
            if not (holds_others_up and self._latencies.seconds_of(address) > _QUICK_S):
                heard = max(self._cache.heard_at(address), self._tried.get(address, -math.inf))
                yield address, heard + max(max_age_s / 2, least_s)

    def _heard(self, address: Address, reading: Reading) -> None:
        # In whatever thread brings events.
        if reading.ok:
            self._silent.pop(address, None)
        else:
            self._silent[address] = reading.error
        self._cache.hear({address: reading}, self._clock())
