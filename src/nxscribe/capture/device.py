"""One device as the capture sees it: a thread of its own, one request at a time, and a memory of how it behaves.

Whatever a device does, only its own thread waits for it. docs/explanation/capture.md says why there is one thread
for each, and no callbacks.
"""

from __future__ import annotations

import contextlib
import queue
import random
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import tango

from nxscribe.capture.answers import Answers
from nxscribe.capture.costs import Costs
from nxscribe.capture.link import DeviceError, DeviceTimeoutError
from nxscribe.capture.names import TangoName
from nxscribe.errors import Problem
from nxscribe.model import Reading, iso, now

_PATIENCE_S: Final = 5.0
"""How long a check in the background waits for one attribute."""
_CHECK_S: Final = (0.5, 10.0)
"""The first and the longest pause between two checks of a sick device; each is twice the one before."""
_RECHECK_S: Final = (10.0, 300.0)
"""The same for an attribute that is too slow, whose device is well: each check keeps the device from others."""
_REFRESH_S: Final = 60.0
"""How old units and labels may become."""
_SICK_GRACE_S: Final = 0.05
"""How long a trigger waits for a device that is known to be sick, in case it has just come back."""
_LEAST_S: Final = 0.005
"""With less time than this left nothing is asked."""
_WORTH_A_SECOND_LOOK_S: Final = 0.25


class Link(Protocol):
    """Blocking calls to whatever is at the other end. Each raises DeviceError when there is no answer."""

    def read(self, names: Sequence[TangoName], timeout_s: float) -> dict[TangoName, Reading]:
        """A reading for each name, failures of single ones included."""

    def refresh(self, timeout_s: float) -> None:
        """Learn anew what is kept between readings."""


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """What one read wants of one device."""

    names: tuple[TangoName, ...]
    deadline: float
    """Monotonic seconds."""
    timeouts: Mapping[TangoName, float]
    """Attributes with a limit of their own, in seconds."""
    answers: Answers


@dataclass(frozen=True, slots=True)
class Trouble:
    """Since when and why a device is not waited for."""

    since: datetime
    why: str


class Device:
    """A device and the thread that talks to it."""

    def __init__(self, name: str, link: Link) -> None:
        self.name = name
        self._link = link
        self._costs = Costs()
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._trouble: Trouble | None = None
        self._busy = False
        self._late: dict[TangoName, tuple[datetime, Reading]] = {}
        # All below is the thread's own.
        self._watched: dict[TangoName, float] = {}
        self._unchecked: list[TangoName] = []
        self._refused: set[TangoName] = set()
        self._blamed: TangoName | None = None
        self._check_pause_s, self._recheck_pause_s = _CHECK_S[0], _RECHECK_S[0]
        self._check_at, self._recheck_at = 0.0, 0.0
        self._refresh_at = time.monotonic() + _REFRESH_S * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the load
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tango {self.name}", daemon=True)
        self._thread.start()

    # --- from the threads of those who read ---

    def watch(self, names: Iterable[TangoName]) -> None:
        """Get to know attributes before they are asked for: connect, learn units, see which are slow."""
        self._orders.put(Order(tuple(names), 0.0, {}, _NOBODY))

    def send(self, order: Order, started: float) -> None:
        """Have an order served, and its answers wait for it: fully, briefly, or not at all, as the device behaves."""
        with self._lock:
            sick, busy = self._trouble is not None, self._busy
        if not sick:
            order.answers.expect(self, order.deadline)
        elif not busy:
            order.answers.expect(self, min(order.deadline, started + _SICK_GRACE_S))
        self._orders.put(order)

    def give_up(self, after_s: float) -> None:
        """Note that a read waited in vain."""
        self._fall_ill(f"it did not answer within {after_s:.2g} s")

    def why_silent(self, name: TangoName, after_s: float) -> Reading:
        """The reading of an attribute that nothing was heard of."""
        trouble = self._trouble
        if trouble:
            why = f"its device has been failing since {iso(trouble.since)}: {trouble.why}"
            remedy = "see the device; nxscribe looks again by itself, and reads it as soon as it is well"
        else:
            why, remedy = f"nothing was heard of it within {after_s:.2g} s", "see whether the device is slow"
        return Reading(name.full, now(), error=Problem(f"{name.full} could not be read", why, remedy).explanation)

    def late(self, name: TangoName, since: datetime) -> Reading | None:
        """A reading that came, after `since`, when nobody waited for it any more."""
        with self._lock:
            came, reading = self._late.get(name, (since, None))
        return reading if came > since else None

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong with the device, as last seen."""
        return self._trouble

    def close(self) -> None:
        """Let the thread end, without waiting for it."""
        self._closing.set()
        self._orders.put(None)

    def join(self, until: float) -> None:
        """Wait for the thread's end, until a moment: one that hangs in Tango is left behind."""
        self._thread.join(max(0.0, until - time.monotonic()))

    # --- the thread ---

    def _run(self) -> None:
        # Python's threads are not omniORB's: each says once that it will be its guest.
        with tango.EnsureOmniThread():
            while not self._closing.is_set():
                order: Order | None = None
                with contextlib.suppress(queue.Empty):
                    order = self._orders.get(timeout=max(0.0, self._next_duty() - time.monotonic()))
                if self._closing.is_set():
                    return
                self._busy = True
                if order is None:
                    self._do_duty()
                elif order.answers is _NOBODY:
                    self._get_to_know(order.names)
                elif not order.answers.closed:
                    self._serve(order)
                self._busy = False

    def _serve(self, order: Order) -> None:
        self._watched.update((name, order.timeouts.get(name, _PATIENCE_S)) for name in order.names)
        try:
            well = self._ask(order)
        except DeviceError as error:
            self._fall_ill(str(error))
            self._tell(order, order.names, str(error))
            self._check_later(self._watched)
        else:
            if well:
                self._recover()
        finally:
            order.answers.finish(self)

    def _ask(self, order: Order) -> bool:
        """Ask together what is known to be quick, alone what is not known. Whether all that was asked answered."""
        remaining = order.deadline - time.monotonic()
        common = [name for name in order.names if name not in order.timeouts]
        together, alone, too_slow = self._costs.divide(common, remaining)
        for name in order.timeouts:
            (alone if self._costs.fits(name, min(order.timeouts[name], remaining)) else too_slow).append(name)
        self._refuse(order, too_slow)
        well = True
        requests = [together] if together else []
        requests += [[name] for name in alone]
        while requests:
            batch = requests.pop(0)
            remaining = order.deadline - time.monotonic()
            if remaining < _LEAST_S or order.answers.closed:
                self._check_later([*batch, *(name for request in requests for name in request)])
                return False
            timeout_s = self._costs.timeout_s(batch, remaining, last=not requests)
            timeout_s = min(timeout_s, order.timeouts.get(batch[0], timeout_s))
            try:
                readings = self._read(batch, timeout_s)
            except DeviceTimeoutError as error:
                well = False
                self._tell(order, batch, str(error))
                self._fall_ill(str(error))
                self._check_later(batch)
                self._costs.forget(batch)
                # Together they failed for one: what time remains is for each alone.
                requests = ([[name] for name in batch] if len(batch) > 1 else []) + requests
            else:
                if not order.answers.give(readings):
                    self._keep_late(readings)
                    self._check_later(batch)
                    well = False
        return well

    def _read(self, names: list[TangoName], timeout_s: float) -> dict[TangoName, Reading]:
        started = time.monotonic()
        readings = self._link.read(names, timeout_s)
        seconds = time.monotonic() - started
        if len(names) == 1:
            self._costs.note(names[0], seconds)
        else:
            self._costs.note_together(names, seconds)
        return readings

    def _refuse(self, order: Order, names: list[TangoName]) -> None:
        if not names:
            return
        if not self._refused:
            self._recheck_at = time.monotonic() + self._recheck_pause_s
        self._refused.update(names)
        for name in names:
            why = f"it {self._costs.told(name)}, which is more time than a scan's trigger has"
            remedy = (
                "see the device, or raise limits.deadline_s or the source's timeout_s; nxscribe looks again by itself"
            )
            error = Problem(f"{name.full} was not asked for", why, remedy).explanation
            order.answers.give({name: Reading(name.full, now(), error=error)})

    def _tell(self, order: Order, names: Iterable[TangoName], why: str) -> None:
        order.answers.give({name: _failure(name, why) for name in names})

    def _keep_late(self, readings: Mapping[TangoName, Reading]) -> None:
        came = now()
        with self._lock:
            self._late.update((name, (came, reading)) for name, reading in readings.items() if reading.ok)

    # --- sick and well ---

    def _fall_ill(self, why: str) -> None:
        with self._lock:
            self._trouble = Trouble(self._trouble.since if self._trouble else now(), why)

    def _recover(self) -> None:
        with self._lock:
            self._trouble = None
        self._blamed = None
        self._check_pause_s = _CHECK_S[0]

    def _get_to_know(self, names: Iterable[TangoName]) -> None:
        new = [name for name in names if name not in self._watched]
        self._watched.update((name, _PATIENCE_S) for name in new)
        self._unchecked += new
        self._check_at = 0.0

    def _check_later(self, names: Iterable[TangoName]) -> None:
        self._unchecked += [name for name in names if name not in self._unchecked]
        self._check_at = time.monotonic() + self._check_pause_s
        self._check_pause_s = min(2 * self._check_pause_s, _CHECK_S[1])

    def _next_duty(self) -> float:
        check = self._check_at if self._unchecked else self._refresh_at
        return min(check, self._refresh_at, self._recheck_at if self._refused else self._refresh_at)

    def _do_duty(self) -> None:
        present = time.monotonic()
        try:
            if self._unchecked and present >= self._check_at:
                self._check()
            elif self._refused and present >= self._recheck_at:
                self._recheck()
            elif present >= self._refresh_at:
                self._refresh_at = present + _REFRESH_S
                self._link.refresh(_PATIENCE_S)
        except DeviceError as error:
            self._fall_ill(str(error))
            self._check_later(self._watched)

    def _check(self) -> None:
        """Read what was not heard of, each alone, the one that failed last at the end. Orders go before."""
        self._unchecked.sort(key=lambda name: name == self._blamed)
        while self._unchecked and self._orders.empty():
            name = self._unchecked[0]
            try:
                self._measure(name)
            except DeviceTimeoutError as error:
                self._fall_ill(str(error))
                if name != self._blamed or len(self._watched) == 1:
                    # It may have waited for a neighbour that hangs: the others shall be heard first.
                    self._blamed = name
                    self._check_later(())
                    return
                self._costs.note_never(name)
            self._unchecked.remove(name)
        if not self._unchecked:
            self._recover()

    def _measure(self, name: TangoName) -> None:
        patience_s = max(_PATIENCE_S, self._watched.get(name, 0.0))
        for _ in range(2):
            started = time.monotonic()
            self._keep_late(self._read([name], patience_s))
            if time.monotonic() - started < _WORTH_A_SECOND_LOOK_S or self._trouble is None:
                return
            # The device may have been busy with something else before.

    def _recheck(self) -> None:
        """See whether the attributes that are too slow have become quicker."""
        for name in list(self._refused):
            if not self._orders.empty():
                return
            self._refused.discard(name)
            with contextlib.suppress(DeviceTimeoutError):
                self._measure(name)
        self._recheck_pause_s = min(2 * self._recheck_pause_s, _RECHECK_S[1])


_NOBODY: Final = Answers()


def _failure(name: TangoName, why: str) -> Reading:
    return Reading(name.full, now(), error=why if name.full in why else f"{name.full}: {why}")
