"""Background work of a worker: measure new addresses, check an endpoint that failed, keep the cache fresh.

All of this is done in the thread of the worker, and stops as soon as a request waits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from nxscribe.capture._cache import ReadingCache
from nxscribe.capture._circuit import CircuitBreaker
from nxscribe.capture._latencies import LatencyTable
from nxscribe.capture._refresher import CacheRefresher
from nxscribe.capture._request import CLOCK, MonotonicClock
from nxscribe.sources import NO_SCAN, Address, Connection, DeferredReadings, RequestError, ScanNames, SourceError

PATIENCE_S: Final = 5.0
"""How long a check in the background waits for one address."""
_WORTH_A_SECOND_LOOK_S: Final = 0.25


class EndpointMonitor:
    """The background work for one endpoint."""

    def __init__(
        self,
        connection: Connection,
        latencies: LatencyTable,
        breaker: CircuitBreaker,
        cache: ReadingCache,
        wanted: Callable[[], bool],
        *,
        clock: MonotonicClock = CLOCK,
    ) -> None:
        """`wanted` says whether a request waits."""
        self._connection, self._latencies, self._breaker, self._cache = connection, latencies, breaker, cache
        self._wanted, self._clock = wanted, clock
        self._known: dict[Address, None] = {}
        self._scan = NO_SCAN
        self.refresher = CacheRefresher(connection, latencies, cache, self._known, clock)

    @property
    def known(self) -> Collection[Address]:
        """Every address that the config names, and those that open scans asked for besides."""
        return self._known

    def configure(self, addresses: Collection[Address]) -> None:
        """Check addresses that are new at the next occasion, and forget all others that were known."""
        new = [address for address in addresses if address not in self._known]
        gone = self._known.keys() - set(addresses)
        for address in gone:
            del self._known[address]
        self._known.update(dict.fromkeys(new))
        self._latencies.keep_only(self._known)
        self._breaker.keep_only(self._known)
        # What the endpoint suffered from may have been among those that are gone.
        self._breaker.check_soon(self._askable(self._known if gone and self._breaker.trouble else new))

    def check_known(self) -> None:
        """Check everything that is known, after a pause."""
        self._breaker.check_later(self._askable(self._known))

    def note(self, addresses: Iterable[Address], scan: ScanNames) -> None:
        """Remember that addresses are asked for, and for which scan."""
        self._scan = scan
        for address in addresses:
            if address not in self._known:
                self._known[address] = None

    @property
    def idle_s(self) -> float:
        """How long nothing is due."""
        if self._breaker.trouble:
            return self._breaker.idle_s
        return min(self._breaker.idle_s, self.refresher.idle_s)

    def look_after(self) -> None:
        """Do what is due."""
        breaker = self._breaker
        try:
            if breaker.check_due:
                self._check()
            elif breaker.recheck_due:
                self._recheck()
            elif breaker.refresh_due:
                breaker.refreshed()
                if not self._connection.refresh(PATIENCE_S, self._wanted):
                    breaker.refresh_soon()
            elif not breaker.trouble and (due := self.refresher.renew(self._wanted)):
                breaker.check_soon(self._askable(due))
        except SourceError as error:
            if isinstance(error, RequestError) and not error.slow:
                return
            breaker.open(str(error))
            self.check_known()
            breaker.extend_backoff()

    def read(
        self, addresses: Sequence[Address], timeout_s: float, scan: ScanNames, *, asks_units: bool = False
    ) -> DeferredReadings:
        """Read, and learn from it how long it takes. Raises SourceError."""
        started = self._clock()
        answer = self._connection.read(addresses, timeout_s, scan=scan, asks_units=asks_units)
        self._latencies.note(addresses, self._clock() - started)
        return answer

    def _askable(self, addresses: Iterable[Address]) -> list[Address]:
        """Those that can be read without a scan, or as the last scan is called."""
        return [one for one in addresses if not one.scan_names or self._scan.keys() >= set(one.scan_names)]

    def _check(self) -> None:
        """Read what has to answer, each alone, the one that is blamed at the end."""
        breaker = self._breaker
        breaker.unchecked.sort(key=lambda address: address is breaker.blamed)
        while breaker.unchecked and not self._wanted():
            address = breaker.unchecked[0]
            try:
                self._measure(address)
            except RequestError as error:
                if error.slow:
                    breaker.open(str(error))
                    if address is not breaker.blamed or len(self._known) == 1:
                        # It may have waited for a neighbour that hangs: the others are read first.
                        breaker.blamed = address
                        breaker.extend_backoff()
                        return
                    self._latencies.note_never(address)
            breaker.unchecked.remove(address)
        if not breaker.unchecked:
            breaker.close()

    def _recheck(self) -> None:
        """See whether addresses that are left out have become quicker, the quickest first."""
        latencies, breaker = self._latencies, self._breaker
        for address in sorted(breaker.left_out, key=latencies.seconds_of):
            if self._wanted():
                return
            before_s = latencies.seconds_of(address)
            try:
                self._measure(address, keep=True)
            except RequestError as error:
                if error.slow:
                    latencies.note_never(address)
            latencies.trust(address)
            if latencies.is_quick(address) or latencies.seconds_of(address) < before_s / 2:
                # What is still too slow is left out again by the next read.
                breaker.left_out.discard(address)
        breaker.rechecked(in_vain=bool(breaker.left_out))

    def _measure(self, address: Address, *, keep: bool = False) -> None:
        """Measure how long an address takes, and keep its value for the scan that missed it."""
        for _ in range(2):
            started, scan = self._clock(), self._scan
            readings = self.read([address], PATIENCE_S, scan, asks_units=True).make()
            self._cache.hear(readings, started, scan)
            if keep or self._breaker.trouble:
                self._cache.keep(readings, scan)
            if self._clock() - started < _WORTH_A_SECOND_LOOK_S or not self._breaker.trouble:
                return
            # The endpoint may have been busy with something else before: once more.
