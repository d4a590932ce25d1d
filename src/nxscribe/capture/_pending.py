"""A read that is not finished: its requests, which the workers get, and their answers until the deadline."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final

from nxscribe.model import Reading, now
from nxscribe.sources import Address, DeferredReadings, Endpoint

_LOOK_S: Final = 0.01
"""How often a wait looks whether to go on: an abort takes effect within this."""
_SETTLE_SHARE: Final = 1 / 40
"""The thread that brings news of changes gets this part of the settling time in any case."""


_AT_ONCE: Final = 24


class StaggeredDispatch:
    """A queue of the requests of one read that were not handed out yet.

    If hundreds of workers are woken at once, all of them compete for Python's global lock, and those that wait take
    processor time from those that work. Therefore 24 workers are woken at first, and each wakes another one when it
    begins. For 2,100 attributes of 300 devices this saves a sixth of the time (decision 18).
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()

    def add(self, send: Callable[[], None]) -> None:
        """Add a request; `send` hands it out when its turn comes."""
        self._waiting.append(send)

    def send_next(self) -> None:
        """Hand out one more request. Any thread may call this."""
        try:
            send = self._waiting.popleft()
        except IndexError:
            return
        send()

    def send_some(self) -> None:
        """Hand out 24 more requests: at the beginning, and again while the read waits, in case a worker is held up."""
        for _ in range(_AT_ONCE):
            self.send_next()


class PendingRead:
    """One read's readings. Workers add to it from their threads; once it is closed, what comes is late."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._given: list[DeferredReadings] = []
        self._made: list[DeferredReadings] = []
        self._readings: dict[Address, Reading] = {}
        self._awaited: dict[Endpoint, float] = {}
        self._all_in = threading.Event()
        self._answered: set[Endpoint] = set()
        self.dispatch = StaggeredDispatch()
        """The requests of the read that no worker has yet."""
        self.closed_at: datetime | None = None
        """Since when nobody waits any more."""
        self._closed = 0.0
        """The same in monotonic seconds."""

    @property
    def closed(self) -> bool:
        """Whether nobody waits any more."""
        return self.closed_at is not None

    def give(self, answer: DeferredReadings) -> bool:
        """Add an answer; returns False when it comes too late."""
        with self._lock:
            if self.closed_at is None:
                self._given.append(answer)
                return True
            return False

    def expect(self, endpoint: Endpoint, until: float) -> None:
        """Have `wait` wait for an endpoint, until a moment (monotonic seconds)."""
        with self._lock:
            self._awaited[endpoint] = until
            self._all_in.clear()

    def finish(self, endpoint: Endpoint, *, in_time: bool) -> None:
        """Note that an endpoint will give no more answers, and whether it gave all of them in time."""
        with self._lock:
            if in_time:
                self._answered.add(endpoint)
            self._awaited.pop(endpoint, None)
            if not self._awaited:
                self._all_in.set()

    def was_answered_by(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint gave all its answers in time."""
        with self._lock:
            return endpoint in self._answered

    def wait(self, stop: threading.Event | None) -> None:
        """Hand out the requests, and wait for each endpoint that is expected until it has finished or its time is up,
        or until `stop`.
        """
        self.dispatch.send_some()
        while not (stop and stop.is_set()):
            with self._lock:
                until = max(self._awaited.values(), default=0.0)
            remaining = until - self._clock()
            if remaining <= 0 or self._all_in.wait(min(remaining, _LOOK_S)):
                return
            self.dispatch.send_some()
            self._make_readings()

    def close(self) -> tuple[dict[Address, Reading], frozenset[Endpoint]]:
        """The readings, and the endpoints that have not finished. What comes from now on is late."""
        self._closed = self._clock()
        with self._lock:
            self.closed_at = now()
            silent = frozenset(self._awaited)
        self._make_readings()
        return self._readings, silent

    def outdated(self) -> set[Address]:
        """What has to be read once more, after it was closed. Waits until news of changes had the time to arrive."""
        if settle_s := max((answer.settle_s for answer in self._made), default=0.0):
            time.sleep(max(settle_s * _SETTLE_SHARE, self._closed + settle_s - self._clock()))
        return {address for answer in self._made for address in answer.outdated()}

    def _make_readings(self) -> None:
        with self._lock:
            answers, self._given = self._given, []
        self._made += answers
        for answer in answers:
            for address, reading in answer.make().items():
                # A value is never replaced by an error.
                if reading.ok or address not in self._readings:
                    self._readings[address] = reading
