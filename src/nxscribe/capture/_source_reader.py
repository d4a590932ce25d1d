"""The reader of sources: it reads many addresses of many endpoints at the same time, by a deadline."""

from __future__ import annotations

import atexit
import contextlib
import heapq
import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from operator import itemgetter
from types import MappingProxyType
from typing import Final, Self, TypeVar

from nxscribe.capture._endpoint_worker import EndpointWorker
from nxscribe.capture._pending import PendingRead
from nxscribe.capture._request import CLOCK, AddressTable, EndpointRequest, MonotonicClock, ReadRequest, unnamed
from nxscribe.errors import InputError
from nxscribe.model import Reading, now
from nxscribe.runtime import SupervisedThread, Supervisor
from nxscribe.sources import NO_SCAN, Address, Connector, Endpoint, Item, ScanNames, SourceKind, kinds

_T = TypeVar("_T")
_CLOSING_S: Final = 1.0
_LEAVING_S: Final = 15.0
"""Longer than any blocking call that is under way takes."""
_NOTHING: Final[Mapping[Item, float]] = MappingProxyType({})
_NOBODY: Final[Mapping[Item, Callable[[Reading], None]]] = MappingProxyType({})
_NO_SETTINGS: Final[Mapping[str, object]] = MappingProxyType({})
CHANGED: Final = "its unit or its labels changed while it was read"


class SourceReader:
    """Reads sources of all kinds. A read ends by its deadline, with the answers that have arrived by then.

    Connections are made once and kept. Several threads can read at the same time.
    """

    def __init__(
        self,
        settings: Mapping[str, object] = _NO_SETTINGS,
        *,
        kinds: Mapping[str, SourceKind] = kinds(),
        supervisor: Supervisor | None = None,
        clock: MonotonicClock = CLOCK,
    ) -> None:
        """Prepare the reader. Nothing is connected yet.

        Args:
            settings: The settings of each kind by its key, from `SourceKind.settings`. A kind that is absent has its
                defaults.
            kinds: The kinds that can be read.
            supervisor: Watches over the threads; None: nobody does.
            clock: Tells monotonic seconds.
        """
        self._supervisor = supervisor or Supervisor()
        self._kinds, self._clock = kinds, clock
        self._settings = dict(settings)
        self._connectors: dict[str, Connector] = {}
        self._table = AddressTable(self._parse)
        self.generation = 0
        """Changes when requests have to be put together anew, because the settings of a kind changed."""
        self._lock = threading.Lock()
        self._workers: dict[Endpoint, EndpointWorker] = {}
        self._kept: Mapping[Endpoint, Mapping[Address, float]] = {}
        """What is kept fresh, by endpoint, and how old it may become (seconds)."""
        self._named: Collection[Endpoint] | None = None
        """The endpoints to keep between two reads; None: all."""
        self._reads = 0
        """How many reads are under way."""
        self._is_to_look = False
        """Whether there may be endpoints that nothing names."""
        self._retired: list[SupervisedThread] = []
        """Threads of workers that were let go, as long as they may live."""
        self._outdated: list[EndpointWorker] = []
        """Workers of kinds whose settings changed, as long as a read may be asking them."""
        self._left_behind: list[SupervisedThread] = []
        self._leaves_at_exit = False

    def configure(
        self,
        items: Iterable[Item],
        max_ages: Mapping[Item, float] = _NOTHING,
        settings: Mapping[str, object] | None = None,
        listeners: Mapping[Item, Callable[[Reading], None]] = _NOBODY,
    ) -> None:
        """Set what is read from now on.

        In the background, connections are made, latencies are measured, and the units of known endpoints are read
        again. An endpoint that is not named any more is released. A read that still needs it connects again.

        Args:
            items: Everything that will be read.
            max_ages: Items whose values are kept fresh, so that a read does not have to wait for them, and how many
                seconds old each can be. They are kept fresh by events, or by reading in the background.
            settings: The new settings of the kinds; None if they have not changed.
            listeners: Who hears of each reading of an item that is kept fresh, whether it has a value or a reason for
                none. It is called in whatever thread brings the reading, also those of the control system, so it must
                be short.
        """
        if settings is not None:
            self._set_up(settings)
        named = self.request([*items, *max_ages], max_ages=max_ages)
        with self._lock:
            self._named = named.by_endpoint.keys()
            self._is_to_look = True
        hearing = self._by_address(listeners)
        for endpoint, addresses in named.by_endpoint.items():
            of_endpoint = {address: hearing[address] for address in addresses if address in hearing}
            self._worker(endpoint).configure(addresses, named.max_ages.get(endpoint, {}), of_endpoint)
        self._kept = named.max_ages
        self._let_go()

    def _by_address(
        self, listeners: Mapping[Item, Callable[[Reading], None]]
    ) -> dict[Address, Callable[[Reading], None]]:
        """The listeners of each address; an address that is spelled in several ways has those of all of them."""
        found: dict[Address, list[Callable[[Reading], None]]] = defaultdict(list)
        for item, address in self.request(listeners).addresses.items():
            found[address].append(listeners[item])

        def tell(those: list[Callable[[Reading], None]], reading: Reading) -> None:
            for heard in those:
                heard(reading)

        return {address: partial(tell, those) for address, those in found.items()}

    def request(
        self,
        items: Iterable[Item],
        *,
        timeouts: Mapping[Item, float] = _NOTHING,
        max_ages: Mapping[Item, float] = _NOTHING,
    ) -> ReadRequest:
        """Make a request for `ask`, which can be used any number of times.

        Args:
            items: What to read.
            timeouts: Items that have less time than the whole read, in seconds.
            max_ages: Items that are not read while their last value is at most this number of seconds old.
        """
        return self._table.request(items, timeouts, max_ages)

    def ask(
        self,
        request: ReadRequest,
        deadline: float,
        *,
        scan: ScanNames = NO_SCAN,
        afresh: bool = False,
        stop: threading.Event | None = None,
    ) -> dict[Item, Reading]:
        """Read all items of a request at the same time. Returns a reading for each: a value, or why there is none.

        Args:
            request: What to read.
            deadline: When to give up (monotonic seconds).
            scan: The names of the scan.
            afresh: Whether to read also the items whose last value is recent enough.
            stop: Ends the read immediately when it is set.
        """
        return self.ask_for(dict, request, deadline, scan=scan, afresh=afresh, stop=stop)

    def ask_for(
        self,
        make: Callable[[Mapping[Item, Reading]], _T],
        request: ReadRequest,
        deadline: float,
        *,
        scan: ScanNames = NO_SCAN,
        afresh: bool = False,
        stop: threading.Event | None = None,
    ) -> _T:
        """Read like `ask`, and return what `make` makes of the readings.

        `make` is called at once, while news of a changed unit may still be on its way. If there are such news, the
        values that they concern are read again, and `make` is called once more.
        """
        with self._reading():
            return self._ask_for(make, request, deadline, scan=scan, afresh=afresh, stop=stop)

    def _ask_for(
        self,
        make: Callable[[Mapping[Item, Reading]], _T],
        request: ReadRequest,
        deadline: float,
        *,
        scan: ScanNames,
        afresh: bool,
        stop: threading.Event | None,
    ) -> _T:
        started = self._clock()
        fresh: dict[Address, Reading] = {}
        if not request.scan_names <= scan.keys():
            depending = (one for one in request.addresses.values() if not scan.keys() >= set(one.scan_names))
            fresh.update((one, unnamed(one, scan)) for one in depending)
        for endpoint, ages in () if afresh else request.max_ages.items():
            fresh.update(self._worker(endpoint).remembered(ages, scan))
        wanted = {
            endpoint: left
            for endpoint, addresses in request.by_endpoint.items()
            if (left := tuple(one for one in addresses if one not in fresh) if fresh else addresses)
        }
        pending, heard, silent = self._sent(wanted, deadline, request.timeouts, scan, stop)
        waited_s = self._clock() - started
        if started + waited_s >= deadline:
            for endpoint in silent:
                self._worker(endpoint).give_up(pending, waited_s)

        def made() -> _T:
            found = {
                item: fresh.get(one) or heard.get(one) or self._worker(one.endpoint).why_silent(one, waited_s)
                for item, one in request.addresses.items()
            }
            found.update((item, Reading(item.name, now(), error=why)) for item, why in request.wrong.items())
            return make(found)

        answer = made()
        if outdated := pending.outdated():
            heard.update(self._once_more(outdated, deadline, scan, stop))
            answer = made()
        for endpoint in self._kept.keys() & request.by_endpoint.keys() if heard else ():
            answered = {one: heard[one] for one in self._kept[endpoint] if one in heard}
            self._worker(endpoint).hear(answered, started, scan)
        return answer

    def _sent(
        self,
        wanted: Mapping[Endpoint, tuple[Address, ...]],
        deadline: float,
        timeouts: Mapping[Address, float],
        scan: ScanNames,
        stop: threading.Event | None,
    ) -> tuple[PendingRead, dict[Address, Reading], frozenset[Endpoint]]:
        """Ask all endpoints at once; returns the readings, and the endpoints that did not finish."""
        pending, started = PendingRead(self._clock), self._clock()
        for endpoint, addresses in wanted.items():
            self._worker(endpoint).send(EndpointRequest(addresses, deadline, timeouts, scan, pending), started)
        pending.wait(stop)
        return pending, *pending.close()

    def _once_more(
        self, addresses: Collection[Address], deadline: float, scan: ScanNames, stop: threading.Event | None
    ) -> dict[Address, Reading]:
        """The readings of those whose units or labels were changed while they were read."""
        by_endpoint: dict[Endpoint, tuple[Address, ...]] = defaultdict(tuple)
        for address in addresses:
            by_endpoint[address.endpoint] += (address,)
        pending, heard, _ = self._sent(by_endpoint, deadline, {}, scan, stop)
        outdated = pending.outdated()
        changed = {one: Reading(one.full, now(), error=f"{one.full} could not be read; {CHANGED}") for one in addresses}
        return {one: reading if one not in outdated else changed[one] for one, reading in (changed | heard).items()}

    def scan_names(self, item: Item) -> tuple[str, ...]:
        """The names of the scan on which an item depends."""
        try:
            return self._table.address(item).scan_names
        except InputError:
            return ()

    def late(self, item: Item, since: datetime, scan: ScanNames = NO_SCAN) -> Reading | None:
        """The reading of an item that arrived after `since`, too late for the read that requested it."""
        try:
            address = self._table.address(item)
        except InputError:
            return None
        worker = self._workers.get(address.endpoint)
        return worker.late(address, since, scan) if worker else None

    @property
    def troubles(self) -> dict[str, str]:
        """The endpoints that do not answer as they should, with since when and why."""
        return {
            worker.name: f"since {trouble.since}: {trouble.why}"
            for worker in self._all_workers()
            if (trouble := worker.trouble)
        }

    @property
    def kept_fresh(self) -> dict[str, str]:
        """A description of how each item is kept fresh."""
        return {one.full: how for worker in self._all_workers() for one, how in worker.kept_fresh.items()}

    def slowest(self, count: int, items: Collection[Item] | None = None) -> dict[str, float]:
        """Those of `items`, or of all, that take longest: seconds as last measured, the most first; infinite for one
        that never answers.
        """
        known = {one: seconds for worker in self._all_workers() for one, seconds in worker.timings.items()}
        if items is not None:
            wanted = set(self.request(items).addresses.values())
            known = {one: seconds for one, seconds in known.items() if one in wanted}
        most = heapq.nlargest(count, known.items(), key=itemgetter(1))
        return {one.full: seconds for one, seconds in most}

    def time_each(self, items: Iterable[Item], deadline: float, scan: ScanNames = NO_SCAN) -> None:
        """Read each item alone, to measure how long it takes. Different endpoints are read at the same time."""
        by_endpoint: dict[Endpoint, list[Item]] = defaultdict(list)
        for item, address in self.request(items).addresses.items():
            by_endpoint[address.endpoint].append(item)
        for one_of_each in itertools.zip_longest(*by_endpoint.values()):
            self.ask(self.request([item for item in one_of_each if item]), deadline, scan=scan)

    def close(self) -> None:
        """End all threads. One that hangs in a call is left after a second; the program waits for it at its end."""
        with self._lock:
            workers = [*self._workers.values(), *self._outdated]
            self._workers.clear()
            self._outdated.clear()
            threads, self._retired = self._retired, []
            connectors = list(self._connectors.values())
            self._connectors.clear()
        for connector in connectors:
            self._close(connector)
        threads += self._dismissed(workers)
        until = CLOCK() + _CLOSING_S
        self._left_behind += [thread for thread in threads if not thread.stop(max(0.0, until - CLOCK()))]
        if not self._left_behind:
            atexit.unregister(self._leave)
            self._leaves_at_exit = False

    def _leave(self) -> None:
        # A thread that comes back from Tango when the interpreter is gone takes the whole process down with SIGABRT.
        self.close()
        until = CLOCK() + _LEAVING_S
        for thread in self._left_behind:
            thread.stop(max(0.0, until - CLOCK()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _set_up(self, settings: Mapping[str, object]) -> None:
        """Take other settings. The workers of kinds whose settings changed are let go."""
        changed = {key for key in self._kinds if settings.get(key) != self._settings.get(key)}
        if not changed:
            return
        with self._lock:
            self._settings = dict(settings)
            self._table.forget(changed)
            of_changed = [endpoint for endpoint in self._workers if endpoint.kind in changed]
            self._outdated += [self._workers.pop(endpoint) for endpoint in of_changed]
            connectors = [self._connectors.pop(key) for key in changed if key in self._connectors]
            self.generation += 1
        for connector in connectors:
            self._close(connector)

    def _all_workers(self) -> list[EndpointWorker]:
        with self._lock:
            return list(self._workers.values())

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """A read under way: no endpoint is let go that it may be asking."""
        with self._lock:
            self._reads += 1
        try:
            yield
        finally:
            with self._lock:
                self._reads -= 1
            self._let_go()

    def _let_go(self) -> None:
        """Let go the endpoints that nothing names any more, unless a read may be asking them: then its end does so."""
        if not self._is_to_look:
            return
        with self._lock:
            if self._named is None or self._reads:
                return
            self._is_to_look = False
            gone = [self._workers.pop(endpoint) for endpoint in self._workers.keys() - self._named]
            gone += self._outdated
            self._outdated.clear()
            if gone:
                self._retired = [thread for thread in self._retired if not thread.stop(0.0)] + self._dismissed(gone)

    def _dismissed(self, workers: Iterable[EndpointWorker]) -> list[SupervisedThread]:
        """Let workers end, and give their threads, which may live on for a while."""
        for worker in workers:
            self._supervisor.remove(worker.thread)
            worker.close()
        return [worker.thread for worker in workers]

    def _close(self, connector: Connector) -> None:
        for thread in connector.threads:
            self._supervisor.remove(thread)
        connector.close()

    def _worker(self, endpoint: Endpoint) -> EndpointWorker:
        worker = self._workers.get(endpoint)
        if worker is None:
            connector = self._connector(endpoint.kind)
            with self._lock:
                worker = self._workers.get(endpoint)
                if worker is None:
                    self._is_to_look = True
                    if not self._leaves_at_exit:
                        self._leaves_at_exit = True
                        atexit.register(self._leave)
                    peer = self._kinds[endpoint.kind].peer
                    worker = EndpointWorker(endpoint, connector.connect(endpoint), peer=peer, clock=self._clock)
                    self._workers[endpoint] = worker
                    worker.thread.start()
                    self._supervisor.add(worker.thread)
        return worker

    def _connector(self, kind: str) -> Connector:
        connector = self._connectors.get(kind)
        if connector is None:
            with self._lock:
                connector = self._connectors.get(kind)
                if connector is None:
                    connector = self._kinds[kind].connector(self._settings.get(kind))
                    for thread in connector.threads:
                        self._supervisor.add(thread)
                    self._connectors[kind] = connector
        return connector

    def _parse(self, item: Item) -> Address:
        return self._connector(item.kind).address(item.name)
