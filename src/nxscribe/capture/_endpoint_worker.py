"""The worker of one endpoint: a thread that makes one request at a time, and everything that is known of the endpoint.

Only the worker waits for its endpoint. docs/explanation/capture.md explains why each endpoint has a thread.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias

from nxscribe.capture._cache import ReadingCache
from nxscribe.capture._circuit import CircuitBreaker, Trouble
from nxscribe.capture._latencies import LatencyTable
from nxscribe.capture._monitor import PATIENCE_S, EndpointMonitor
from nxscribe.capture._pending import PendingRead
from nxscribe.capture._request import CLOCK, EndpointRequest, MonotonicClock
from nxscribe.errors import Problem
from nxscribe.model import Reading, iso, now
from nxscribe.runtime import SupervisedThread
from nxscribe.sources import Address, Connection, DeferredReadings, Endpoint, RequestError, ScanNames, SourceError

_OPEN_GRACE_S: Final = 0.05
"""How long a read waits for an endpoint that is known to fail, in case it has just come back."""
_REST_S: Final = 0.2
"""Delay between serving a request and resuming background work, so that it does not compete with the other endpoints of
the same trigger.
"""
_LEAST_S: Final = 0.005
"""With less time than this left nothing is asked."""
_NOBODY: Final[Mapping[Address, Callable[[Reading], None]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class _Configured:
    """The message that a worker is configured for some addresses from now on."""

    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _GivenUp:
    """The message that a read did not get an answer by its deadline."""

    pending: PendingRead
    at: float
    """Monotonic seconds."""
    trouble: Trouble


_Message: TypeAlias = EndpointRequest | _Configured | _GivenUp | None
"""None only wakes the worker."""


class EndpointWorker:
    """An endpoint and the thread that talks to it. The thread alone changes what is known of the endpoint; other
    threads send it messages.
    """

    def __init__(
        self, endpoint: Endpoint, connection: Connection, *, peer: str = "device", clock: MonotonicClock = CLOCK
    ) -> None:
        """`peer` is what messages call the other end."""
        self.endpoint = endpoint
        self.name = connection.name
        self._connection, self._peer, self._clock = connection, peer, clock
        self._latencies = LatencyTable(clock)
        self._breaker = CircuitBreaker(clock)
        self._cache = ReadingCache(clock)
        self._messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._monitor = EndpointMonitor(
            connection,
            self._latencies,
            self._breaker,
            self._cache,
            wanted=lambda: not self._messages.empty(),
            clock=clock,
        )
        self._unread: _GivenUp | None = None
        """The last message of that kind, until the thread has read it."""
        self._well_at = 0.0
        """When a request was last answered in full (monotonic seconds)."""
        self._busy = False
        self._look_at = 0.0
        """When to look what is due (monotonic seconds)."""
        # A turn may last as long as the endpoint hangs: that is the endpoint's trouble, and not the thread's.
        self.thread = SupervisedThread(
            f"worker of {self.name}", self._next_turn, surroundings=self._connected, daemon=True
        )

    def configure(
        self,
        addresses: Iterable[Address],
        ages: Mapping[Address, float],
        listeners: Mapping[Address, Callable[[Reading], None]] = _NOBODY,
    ) -> None:
        """Connect and measure these addresses before they are asked for, and forget all others.

        Args:
            addresses: Everything that will be asked for.
            ages: Those whose values are remembered, and how old each may become (seconds).
            listeners: Who hears of each reading of those, in whatever thread brings it.
        """
        self._connection.doubt()
        self._cache.listeners = listeners
        self._monitor.refresher.want(ages)
        self._messages.put(_Configured(tuple(addresses)))

    def remembered(self, ages: Mapping[Address, float], scan: ScanNames) -> dict[Address, Reading]:
        """The remembered readings that are young enough (seconds) and true for this scan."""
        return self._cache.fresh(ages, scan)

    def hear(self, readings: Mapping[Address, Reading], asked: float, scan: ScanNames) -> None:
        """Remember what is kept fresh, asked for at a moment (monotonic seconds)."""
        self._cache.hear(readings, asked, scan)

    def send(self, request: EndpointRequest, started: float) -> None:
        """Have a request served. The read waits for it until its deadline; where the endpoint is known to fail, only
        shortly, and not at all while it is still busy.
        """
        is_well = self.trouble is None
        if is_well or not self._busy:
            until = request.deadline if is_well else min(request.deadline, started + _OPEN_GRACE_S)
            request.pending.expect(self.endpoint, until)
        if is_well and not self._busy:
            request.pending.dispatch.add(partial(self._messages.put, request))
        else:
            # It has little time, or would be late to wake the next one.
            self._messages.put(request)

    def give_up(self, pending: PendingRead, waited_s: float) -> None:
        """Tell the worker that a read waited in vain."""
        why = f"it did not answer within {waited_s:.2g} s"
        message = _GivenUp(pending, self._clock(), Trouble(pending.closed_at or now(), why))
        self._unread = message
        self._messages.put(message)

    def why_silent(self, address: Address, waited_s: float) -> Reading:
        """The reading of an address of which nothing was heard."""
        trouble = self.trouble
        if trouble:
            why = f"its {self._peer} has been failing since {iso(trouble.since)}: {trouble.why}"
            remedy = (
                f"see the {self._peer}; a running nxscribe looks again by itself, and reads it as soon as it is well"
            )
        else:
            why = f"nothing was heard of it within {waited_s:.2g} s"
            remedy = f"see whether the {self._peer} is slow"
        return Reading(address.full, now(), error=Problem(f"{address.full} could not be read", why, remedy).explanation)

    def late(self, address: Address, since: datetime, scan: ScanNames) -> Reading | None:
        """A reading that came, after `since`, when nobody waited for it any more."""
        return self._cache.late(address, since, scan)

    @property
    def trouble(self) -> Trouble | None:
        """Why the endpoint is not waited for, as last seen; also what the thread was told and has not read yet."""
        unread = self._unread
        return self._breaker.trouble or (unread.trouble if unread else None)

    @property
    def timings(self) -> dict[Address, float]:
        """How many seconds each address takes, as last measured."""
        return self._latencies.seconds

    @property
    def kept_fresh(self) -> dict[Address, str]:
        """How each address that is remembered is kept fresh, in words."""
        return self._monitor.refresher.in_words

    def close(self) -> None:
        """Let the thread end, without waiting for it."""
        self.thread.stopping.set()
        self._messages.put(None)

    # All below runs in the worker's own thread.

    @contextlib.contextmanager
    def _connected(self) -> Iterator[None]:
        with self._connection.thread_context():
            yield
            # Not after an error that ends the thread: the next one goes on with the connection.
            self._monitor.refresher.end()
            self._connection.close()

    def _next_turn(self) -> None:
        message: _Message = None
        with contextlib.suppress(queue.Empty):
            message = self._messages.get(timeout=max(0.0, self._look_at - self._clock()))
        if not self.thread.stopping.is_set():
            # After an error it looks at once.
            look_at, self._look_at = self._look_at, 0.0
            self._look_at = self.turn(message, look_at)

    def turn(self, message: _Message, look_at: float) -> float:
        """Do what a message asks for, or else what is due; returns when to look again (monotonic seconds).

        Raises what nobody foresaw, for the supervision to log and tell. The endpoint is then checked like one that did
        not answer, and no read waits for it.
        """
        self._busy = True
        try:
            return self._do(message, look_at)
        except BaseException as error:
            self._breaker.open(f"an unforeseen error: {type(error).__name__}: {error}")
            self._monitor.check_known()
            self._breaker.extend_backoff()
            if isinstance(message, EndpointRequest):
                why = "it could not be read for a reason that nobody foresaw; see the log"
                self._tell(message, message.addresses, why)
                message.pending.finish(self.endpoint, in_time=False)
            raise
        finally:
            self._busy = False

    def _do(self, message: _Message, look_at: float) -> float:
        match message:
            case EndpointRequest():
                rest_s = _REST_S if self._serve(message) else self._monitor.idle_s
                return min(look_at, self._clock() + rest_s)
            case _Configured(addresses):
                self._monitor.configure(addresses)
            case _GivenUp():
                self._consider(message)
            case None:
                self._monitor.look_after()
        return self._clock() + self._monitor.idle_s

    def _consider(self, message: _GivenUp) -> None:
        """Open the breaker, unless the endpoint answered at the very moment when it was given up, or since."""
        if not message.pending.was_answered_by(self.endpoint) and self._well_at < message.at:
            self._breaker.open(message.trouble.why, message.trouble.since)
            if not self._breaker.unchecked:
                self._monitor.check_known()
        if self._unread is message:
            self._unread = None

    def _serve(self, request: EndpointRequest) -> bool:
        """Serve a request; returns whether the endpoint is well, so that nothing is urgent."""
        request.pending.dispatch.send_next()
        self._monitor.note(request.addresses, request.scan)
        self._breaker.asked()
        pending = request.pending
        if pending.closed:
            if self._breaker.trouble:
                self._breaker.check_later(request.addresses)
            return False
        well = False
        try:
            well = self._ask(request)
            if well:
                self._breaker.close()
                self._well_at = self._clock()
        except SourceError as error:
            self._breaker.open(str(error))
            self._monitor.check_known()
            self._tell(request, request.addresses, str(error))
        pending.finish(self.endpoint, in_time=well)
        return well

    def _ask(self, request: EndpointRequest) -> bool:
        """Ask together what is known to be quick, alone what is not; returns whether all of it answered in time."""
        begun = self._clock()
        groups = self._groups(request)
        well, split, answered = True, False, False
        while groups:
            addresses = groups.pop(0)
            present = self._clock()
            remaining = request.deadline - present
            if remaining < _LEAST_S or request.pending.closed:
                self._breaker.check_later([*addresses, *(address for group in groups for address in group)])
                return False
            timeout_s = (
                remaining / (1 + len(groups)) if split else self._latencies.timeout_s(addresses, remaining, groups)
            )
            if own := [begun + request.timeouts[one] - present for one in addresses if one in request.timeouts]:
                timeout_s = min(timeout_s, max(min(own), self._latencies.needed_s(addresses)))
            if timeout_s < _LEAST_S:
                self._breaker.check_later(addresses)
                self._tell(request, addresses, "there was no time left for it after its neighbours")
                continue
            try:
                answer = self._monitor.read(addresses, timeout_s, request.scan)
            except RequestError as error:
                if error.slow:
                    well = False
                    self._breaker.open(str(error))
                    self._breaker.check_later(addresses)
                    if len(addresses) == 1 and answered:
                        self._latencies.note_excess(addresses[0])
                self._latencies.forget(addresses)
                self._tell(request, addresses, str(error))
                if len(addresses) > 1:
                    # Together they failed for the sake of one: what time remains is for each alone.
                    groups = [[address] for address in addresses] + groups
                    split = True
                continue
            answered = True
            if not request.pending.give(answer):
                self._keep_late(request, answer)
                self._breaker.check_later(addresses)
                well = False
        return well

    def _keep_late(self, request: EndpointRequest, answer: DeferredReadings) -> None:
        """Keep the values that came when nobody waited for them any more: the scan's end may still want them."""
        outdated = answer.outdated()
        readings = {address: reading for address, reading in answer.make().items() if address not in outdated}
        self._cache.keep(readings, request.scan)

    def _groups(self, request: EndpointRequest) -> list[list[Address]]:
        """What to ask, group by group; what would take too long is not asked, and its reading says so."""
        remaining = request.deadline - self._clock()
        latencies = self._latencies
        together, alone, too_slow = latencies.divide(request.addresses, remaining)
        if request.timeouts:
            slow = {one for one in together if not latencies.fits(one, request.timeouts.get(one, remaining))}
            together = [address for address in together if address not in slow]
            too_slow += slow
            # An address with little time of its own comes last, so that no other is lost to it.
            alone.sort(key=lambda address: address in request.timeouts)
        if too_slow:
            longest_s = max(latencies.seconds_of(address) for address in too_slow)
            self._breaker.leave_out(too_slow, min(longest_s, PATIENCE_S))
            self._refuse(request, {address: self._too_slow(address) for address in too_slow})
        return ([together] if together else []) + [[address] for address in alone]

    def _too_slow(self, address: Address) -> str:
        why = f"it {self._latencies.in_words(address)}, which is more time than there is"
        remedy = (
            f"see the {self._peer}, or raise limits.deadline_s or the source's timeout_s; "
            "a running nxscribe looks again by itself"
        )
        return Problem(f"{address.full} was not asked for", why, remedy).explanation

    def _tell(self, request: EndpointRequest, addresses: Iterable[Address], why: str) -> None:
        self._refuse(request, {address: f"{address.full}: {why}" for address in addresses})

    @staticmethod
    def _refuse(request: EndpointRequest, errors: Mapping[Address, str]) -> None:
        readings = {address: Reading(address.full, now(), error=error) for address, error in errors.items()}
        request.pending.give(DeferredReadings(lambda: readings))
