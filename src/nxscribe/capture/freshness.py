"""Keeping what is remembered of a device fresh: by events where it pushes them, by reading where it does not.

Only what was heard counts: events that stop without a word, or that come only when a value changes, are made good by
reading once half of the allowed age is over.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Final

from nxscribe.capture.costs import Costs
from nxscribe.capture.link import DeviceError, EventsNotReadyError
from nxscribe.capture.memory import Memory
from nxscribe.capture.names import TangoName
from nxscribe.capture.order import Link
from nxscribe.model import Reading

_READ: Final = "read"
_LOAD: Final = 0.1
"""The most of a device's time that keeping its attributes fresh by reading may cost."""
_SOON_S: Final = 0.05
_QUICK_S: Final = 0.1
"""What takes longer is not read in the background where scans read others of the device: it would hold them up."""


class Freshness:
    """Which attributes of a device are kept fresh, and how. For the device's own thread, unless a method says more."""

    def __init__(self, link: Link, costs: Costs, memory: Memory, known: Collection[TangoName]) -> None:
        """`known` is every attribute of the device that is ever asked for."""
        self._link, self._costs, self._memory, self._known = link, costs, memory, known
        self._ways: dict[TangoName, str] = {}
        """By what each is kept fresh: the events that it pushes, or being read."""
        self._silent: dict[TangoName, str] = {}
        """Those whose events have stopped, with the reason."""
        self._tried: dict[TangoName, float] = {}
        """When each was last asked for (monotonic seconds): one that fails is not asked at once again."""
        self._wanted: Mapping[TangoName, float] = {}
        self._asked = 0
        """With which connection the device was asked for events."""
        self._not_before = 0.0
        """When to ask for events again (monotonic seconds)."""

    def want(self, ages: Mapping[TangoName, float]) -> None:
        """Keep these fresh from now on, and nothing else; seconds that each may be old. Any thread may say so."""
        self._wanted = dict(ages)
        self._asked = 0
        self._memory.ages = self._wanted

    def renew(self, interrupted: Callable[[], bool]) -> list[TangoName]:
        """Subscribe to what is new, let go what is not wanted any more; say what has to be read now."""
        wanted = self._wanted
        for name in [name for name in self._ways if name not in wanted]:
            del self._ways[name]
            self._silent.pop(name, None)
            self._link.unsubscribe(name)
            self._memory.forget(name)
        if self._link.connections != self._asked:
            # Another server may push what the one before did not. Tango itself renews the subscriptions there are.
            self._ways = {name: way for name, way in self._ways.items() if way is not _READ}
            self._asked = self._link.connections
        for name in [name for name in wanted if name not in self._ways]:
            if interrupted():
                return []
            try:
                self._ways[name] = self._link.subscribe(name, partial(self._heard, name)) or _READ
            except EventsNotReadyError:
                self._not_before = time.monotonic() + _SOON_S
                return []
            except DeviceError:
                self._ways[name] = _READ  # it is tried again with the next connection
                raise
        present = time.monotonic()
        due = [name for name, due_at in self._due(wanted) if due_at <= present]
        self._tried.update(dict.fromkeys(due, present))
        return due

    def end(self) -> None:
        """Let all go."""
        for name in self._ways:
            self._link.unsubscribe(name)
        self._ways.clear()

    @property
    def idle_s(self) -> float:
        """How long nothing is due."""
        wanted = self._wanted
        if wanted.keys() != self._ways.keys() or (wanted and self._link.connections != self._asked):
            return max(0.0, self._not_before - time.monotonic())
        return max(0.0, min((due_at for _, due_at in self._due(wanted)), default=math.inf) - time.monotonic())

    @property
    def told(self) -> dict[TangoName, str]:
        """How each is kept fresh, in words; any thread may ask."""
        return {name: self._told(name) for name in self._wanted}

    def _told(self, name: TangoName) -> str:
        way = self._ways.get(name, f"{_READ}, and not yet asked for events")
        if reason := self._silent.get(name):
            way = f"{_READ}, as its {way} have stopped ({reason})"
        age_s = time.monotonic() - self._memory.heard_at(name)
        return f"{way}; " + ("no value" if math.isinf(age_s) else f"heard {age_s:.1f} s ago")

    def _due(self, wanted: Mapping[TangoName, float]) -> Iterator[tuple[TangoName, float]]:
        """When each attribute has to be read (monotonic seconds), if nothing is heard of it until then."""
        least_s = sum(self._costs.seconds_of(name) for name in wanted) / _LOAD
        holds_others_up = len(self._known) > len(wanted)
        for name, max_age_s in wanted.items():
            if not (holds_others_up and self._costs.seconds_of(name) > _QUICK_S):
                heard = max(self._memory.heard_at(name), self._tried.get(name, -math.inf))
                yield name, heard + max(max_age_s / 2, least_s)

    def _heard(self, name: TangoName, reading: Reading) -> None:
        # In a thread of Tango's.
        if reading.ok:
            self._silent.pop(name, None)
        else:
            self._silent[name] = reading.error
        self._memory.hear({name: reading}, time.monotonic())
