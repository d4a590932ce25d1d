"""What is done for a device while nobody wants anything of it: it gets known, checked, and kept in memory.

All of it runs in the device's own thread, and gives way to orders.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from nxscribe.capture.answers import Told
from nxscribe.capture.costs import Costs
from nxscribe.capture.freshness import Freshness
from nxscribe.capture.health import Health
from nxscribe.capture.link import DeviceError, RequestError
from nxscribe.capture.memory import Memory
from nxscribe.capture.names import TangoName
from nxscribe.capture.order import Link

_PATIENCE_S: Final = 5.0
"""How long a check in the background waits for one attribute."""
_WORTH_A_SECOND_LOOK_S: Final = 0.25


class Care:
    """The care for one device."""

    def __init__(self, link: Link, costs: Costs, health: Health, memory: Memory, wanted: Callable[[], bool]) -> None:
        """`wanted` says whether an order waits."""
        self._link, self._costs, self._health, self._memory = link, costs, health, memory
        self._wanted = wanted
        self._known: dict[TangoName, None] = {}
        self._freshness = Freshness(link, costs, memory, self._known)

    @property
    def known(self) -> Collection[TangoName]:
        """Every attribute that was ever asked for."""
        return self._known

    @property
    def freshness(self) -> Freshness:
        """How what is remembered is kept fresh."""
        return self._freshness

    def get_to_know(self, names: Iterable[TangoName]) -> None:
        """Have attributes that are new checked at the next occasion."""
        new = [name for name in names if name not in self._known]
        self._known.update(dict.fromkeys(new))
        self._health.check_soon(new)

    def note(self, names: Iterable[TangoName]) -> None:
        """Remember that attributes are asked for."""
        for name in names:
            if name not in self._known:
                self._known[name] = None

    @property
    def idle_s(self) -> float:
        """How long nothing is due."""
        if self._health.trouble:
            return self._health.idle_s
        return min(self._health.idle_s, self._freshness.idle_s)

    def look_after(self) -> None:
        """Do what is due."""
        health = self._health
        try:
            if health.check_due:
                self._check()
            elif health.recheck_due:
                self._recheck()
            elif health.refresh_due:
                health.refreshed()
                self._link.refresh(_PATIENCE_S)
            elif not health.trouble and (due := self._freshness.renew(self._wanted)):
                health.check_soon(due)
        except DeviceError as error:
            if isinstance(error, RequestError) and not error.slow:
                return
            health.fall_ill(str(error))
            health.check_later(self._known)
            health.check_in_vain()

    def read(self, names: Sequence[TangoName], timeout_s: float) -> Told:
        """Read, and learn from it how long it takes. Raises DeviceError."""
        started = time.monotonic()
        told = self._link.read(names, timeout_s)
        self._costs.note(names, time.monotonic() - started)
        return told

    def _check(self) -> None:
        """Read what has to be heard, each alone, the one that is blamed at the end."""
        health = self._health
        health.unchecked.sort(key=lambda name: name is health.blamed)
        while health.unchecked and not self._wanted():
            name = health.unchecked[0]
            try:
                self._measure(name)
            except RequestError as error:
                if error.slow:
                    health.fall_ill(str(error))
                    if name is not health.blamed or len(self._known) == 1:
                        # It may have waited for a neighbour that hangs: the others shall be heard first.
                        health.blamed = name
                        health.check_in_vain()
                        return
                    self._costs.note_never(name)
            health.unchecked.remove(name)
        if not health.unchecked:
            health.recover()

    def _recheck(self) -> None:
        """See whether attributes that are left out have become quicker."""
        for name in list(self._health.left_out):
            if self._wanted():
                return
            # What is still too slow is left out again by the next read.
            self._health.left_out.discard(name)
            with contextlib.suppress(RequestError):
                self._measure(name, keep=True)

    def _measure(self, name: TangoName, *, keep: bool = False) -> None:
        """See how long an attribute takes, and keep its value for who wanted it in vain."""
        for _ in range(2):
            started = time.monotonic()
            readings = self.read([name], _PATIENCE_S)()
            self._memory.hear(readings, started)
            if keep or self._health.trouble:
                self._memory.keep(readings)
            if time.monotonic() - started < _WORTH_A_SECOND_LOOK_S or not self._health.trouble:
                return
            # The device may have been busy with something else before: once more.
