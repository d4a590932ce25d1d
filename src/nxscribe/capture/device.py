"""One device as the capture sees it: a thread of its own, one request at a time, and a memory of how it behaves.

Whatever a device does, only its own thread waits for it. docs/explanation/capture.md says why each has one.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Final

import tango

from nxscribe.capture.care import Care
from nxscribe.capture.costs import Costs
from nxscribe.capture.health import Health, Trouble
from nxscribe.capture.link import DeviceError, RequestError
from nxscribe.capture.memory import Memory
from nxscribe.capture.names import TangoName
from nxscribe.capture.order import Link, Order
from nxscribe.errors import Problem
from nxscribe.model import Reading, iso, now

_SICK_GRACE_S: Final = 0.05
"""How long a read waits for a device that is known to be sick, in case it has just come back."""
_REST_S: Final = 0.2
"""How long after an order it is seen what else is due: then no trigger waits any more, whose other devices it would
hold up.
"""
_LEAST_S: Final = 0.005
"""With less time than this left nothing is asked."""


class Device:
    """A device and the thread that talks to it."""

    def __init__(self, name: str, link: Link) -> None:
        self.name = name
        self._costs = Costs()
        self._health = Health()
        self._memory = Memory()
        self._orders: queue.SimpleQueue[Order | tuple[TangoName, ...]] = queue.SimpleQueue()
        self._care = Care(link, self._costs, self._health, self._memory, wanted=lambda: not self._orders.empty())
        self._busy = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tango {name}", daemon=True)
        self._thread.start()

    def watch(self, names: Iterable[TangoName]) -> None:
        """Get to know attributes before they are asked for: connect, learn units, see which are slow."""
        self._orders.put(tuple(names))

    def keep_fresh(self, ages: Mapping[TangoName, float]) -> None:
        """Remember the values of these, and of no others, so that none gets older than its seconds, if that can be."""
        self._care.freshness.want(ages)
        self._orders.put(())

    def remembered(self, ages: Mapping[TangoName, float]) -> dict[TangoName, Reading]:
        """What is remembered of those attributes of which it is young enough (seconds)."""
        return self._memory.fresh(ages)

    def hear(self, readings: Mapping[TangoName, Reading], asked: float) -> None:
        """Remember what is to be kept fresh, asked for at a moment (monotonic seconds)."""
        self._memory.hear(readings, asked)

    def send(self, order: Order, started: float) -> None:
        """Have an order served, and its answers wait for it: fully, briefly, or not at all, as the device behaves."""
        is_well = self._health.trouble is None
        if is_well or not self._busy:
            order.answers.expect(self, order.deadline if is_well else min(order.deadline, started + _SICK_GRACE_S))
        if is_well and not self._busy:
            order.relay.add(partial(self._orders.put, order))
        else:
            # It has little time, or none to pass anything on.
            self._orders.put(order)

    def give_up(self, waited_s: float) -> None:
        """Note that a read waited in vain."""
        self._health.fall_ill(f"it did not answer within {waited_s:.2g} s")

    def why_silent(self, name: TangoName, waited_s: float) -> Reading:
        """The reading of an attribute that nothing was heard of."""
        trouble = self._health.trouble
        if trouble:
            why = f"its device has been failing since {iso(trouble.since)}: {trouble.why}"
            remedy = "see the device; nxscribe looks again by itself, and reads it as soon as it is well"
        else:
            why, remedy = f"nothing was heard of it within {waited_s:.2g} s", "see whether the device is slow"
        return Reading(name.full, now(), error=Problem(f"{name.full} could not be read", why, remedy).explanation)

    def late(self, name: TangoName, since: datetime) -> Reading | None:
        """A reading that came, after `since`, when nobody waited for it any more."""
        return self._memory.late(name, since)

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong with the device, as last seen."""
        return self._health.trouble

    @property
    def timings(self) -> dict[TangoName, float]:
        """How many seconds each attribute takes, as last measured."""
        return self._costs.seconds

    @property
    def kept_fresh(self) -> dict[TangoName, str]:
        """How each attribute that is remembered is kept fresh, in words."""
        return self._care.freshness.told

    def close(self) -> None:
        """Let the thread end, without waiting for it."""
        self._closing.set()
        self._orders.put(())

    def join(self, until: float) -> bool:
        """Wait for the thread's end, until a moment, and say whether it has come."""
        self._thread.join(max(0.0, until - time.monotonic()))
        return not self._thread.is_alive()

    # All below runs in the device's own thread.

    def _run(self) -> None:
        # Python's threads are not omniORB's: each says once that it will be its guest.
        with tango.EnsureOmniThread():
            look_at = 0.0
            while not self._closing.is_set():
                order: Order | tuple[TangoName, ...] | None = None
                with contextlib.suppress(queue.Empty):
                    order = self._orders.get(timeout=max(0.0, look_at - time.monotonic()))
                if self._closing.is_set():
                    break
                self._busy = True
                if isinstance(order, Order):
                    rest_s = _REST_S if self._serve(order) else self._care.idle_s
                    look_at = min(look_at, time.monotonic() + rest_s)
                else:
                    if order is None:
                        self._care.look_after()
                    else:
                        self._care.get_to_know(order)
                    look_at = time.monotonic() + self._care.idle_s
                self._busy = False
            self._care.freshness.end()

    def _serve(self, order: Order) -> bool:
        """Serve an order; say whether the device is well, so that nothing is urgent."""
        order.relay.pass_on()
        self._care.note(order.names)
        if order.answers.closed:
            if self._health.trouble:
                self._health.check_later(order.names)
            return False
        try:
            well = self._ask(order)
            if well:
                self._health.recover()
        except DeviceError as error:
            self._health.fall_ill(str(error))
            self._health.check_later(self._care.known)
            self._tell(order, order.names, str(error))
            well = False
        finally:
            order.answers.finish(self)
        return well

    def _ask(self, order: Order) -> bool:
        """Ask together what is known to be quick, alone what is not known; say whether all of it answered in time."""
        begun = time.monotonic()
        requests = self._requests(order)
        well, split = True, False
        while requests:
            names = requests.pop(0)
            present = time.monotonic()
            remaining = order.deadline - present
            if remaining < _LEAST_S or order.answers.closed:
                self._health.check_later([*names, *(name for request in requests for name in request)])
                return False
            timeout_s = remaining / (1 + len(requests)) if split else self._costs.timeout_s(names, remaining, requests)
            if own := [begun + order.timeouts[name] - present for name in names if name in order.timeouts]:
                timeout_s = min(timeout_s, max(min(own), self._costs.needed_s(names)))
            if timeout_s < _LEAST_S:
                self._health.check_later(names)
                self._tell(order, names, "there was no time left for it after its neighbours")
                continue
            try:
                told = self._care.read(names, timeout_s)
            except RequestError as error:
                if error.slow:
                    well = False
                    self._health.fall_ill(str(error))
                    self._health.check_later(names)
                self._costs.forget(names)
                self._tell(order, names, str(error))
                if len(names) > 1:
                    # Together they failed for the sake of one: what time remains is for each alone.
                    requests = [[name] for name in names] + requests
                    split = True
                continue
            if not order.answers.give(told):
                self._memory.keep(told())
                self._health.check_later(names)
                well = False
        return well

    def _requests(self, order: Order) -> list[list[TangoName]]:
        """What to ask, request by request; what would take too long is told so, and not asked."""
        remaining = order.deadline - time.monotonic()
        together, alone, too_slow = self._costs.divide(order.names, remaining)
        if order.timeouts:
            slow = {name for name in together if not self._costs.fits(name, order.timeouts.get(name, remaining))}
            together = [name for name in together if name not in slow]
            too_slow += slow
            # Who has little patience with an attribute shall not lose others to it.
            alone.sort(key=lambda name: name in order.timeouts)
        self._health.leave_out(too_slow)
        if too_slow:
            self._refuse(order, {name: self._too_slow(name) for name in too_slow})
        return ([together] if together else []) + [[name] for name in alone]

    def _too_slow(self, name: TangoName) -> str:
        why = f"it {self._costs.told(name)}, which is more time than there is"
        remedy = "see the device, or raise limits.deadline_s or the source's timeout_s; nxscribe looks again by itself"
        return Problem(f"{name.full} was not asked for", why, remedy).explanation

    def _tell(self, order: Order, names: Iterable[TangoName], why: str) -> None:
        self._refuse(order, {name: f"{name.full}: {why}" for name in names})

    @staticmethod
    def _refuse(order: Order, errors: Mapping[TangoName, str]) -> None:
        readings = {name: Reading(name.full, now(), error=error) for name, error in errors.items()}
        order.answers.give(lambda: readings)
