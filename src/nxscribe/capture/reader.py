"""The Tango reader: many attributes of many devices, side by side, by a deadline."""

from __future__ import annotations

import atexit
import heapq
import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Self

import tango

from nxscribe.capture.answers import Answers
from nxscribe.capture.device import Device
from nxscribe.capture.link import DeviceLink
from nxscribe.capture.names import DATABASE, TangoName
from nxscribe.capture.order import Order
from nxscribe.capture.properties import DatabaseLink
from nxscribe.capture.question import NOTHING, Names, Question
from nxscribe.capture.relay import Relay
from nxscribe.errors import InputError
from nxscribe.model import Reading, now

_CLOSING_S = 1.0
_LEAVING_S = 15.0
"""Longer than any call to Tango takes that is under way."""


class TangoReader:
    """Reads Tango attributes. Whatever a device does, a read ends by its deadline with what the others said.

    Its connections are made once and kept; several threads may read at the same time.
    """

    def __init__(self, host: str | None = None) -> None:
        """`host` is the Tango database (`host:port`) of names without one; by default that of TANGO_HOST."""
        self._names = Names(host or str(tango.ApiUtil.get_env_var("TANGO_HOST") or ""))
        self._lock = threading.Lock()
        self._devices: dict[str, Device] = {}
        self._kept: Mapping[str, Mapping[TangoName, float]] = {}
        """What is kept fresh, by device, and how old it may become (seconds)."""
        self._left_behind: list[Device] = []
        atexit.register(self._leave)

    def prepare(self, attributes: Iterable[str]) -> None:
        """Begin to connect to the attributes' devices and to learn their units, in the background."""
        for device, names in self.question(attributes).by_device.items():
            self._device(device).watch(names)

    def keep_fresh(self, attributes: Mapping[str, float]) -> None:
        """Remember the values of these, and of no others, so that a read need not ask for them: by events where their
        devices push them, else by reading them in the background before they are as old as allowed (seconds).
        """
        wanted = self.question(attributes, max_ages=attributes).max_ages
        with self._lock:
            had = [device for device in self._devices if device not in wanted]
        for device in (*had, *wanted):
            self._device(device).keep_fresh(wanted.get(device, {}))
        self._kept = wanted

    def question(
        self,
        attributes: Iterable[str],
        properties: Iterable[str] = (),
        *,
        timeouts: Mapping[str, float] = NOTHING,
        max_ages: Mapping[str, float] = NOTHING,
    ) -> Question:
        """What `ask` takes: put once, it may be asked many times.

        Args:
            attributes: Full names: `domain/family/member/attribute`, with `host:port/` before it for another database
                and `#write` after it for the set point.
            properties: Of devices (`domain/family/member/property`) and of their attributes
                (`domain/family/member/attribute/property`), from the Tango database.
            timeouts: Attributes that have less time than the whole read, in seconds.
            max_ages: Attributes that are not asked for where what is remembered of them is so young, in seconds.
        """
        return self._names.question(attributes, properties, timeouts, max_ages)

    def ask(
        self, question: Question, deadline: float, *, afresh: bool = False, stop: threading.Event | None = None
    ) -> tuple[dict[str, Reading], dict[str, Reading]]:
        """A reading for each attribute, and for each property: its value, or why there is none.

        Args:
            question: What to ask, all of it side by side.
            deadline: When to give up (monotonic seconds).
            afresh: Ask also for what is remembered and young enough.
            stop: Ends it at once when it is set.
        """
        started = time.monotonic()
        answers, relay = Answers(), Relay()
        fresh: dict[TangoName, Reading] = {}
        for device, ages in () if afresh else question.max_ages.items():
            fresh.update(self._device(device).remembered(ages))
        for device, names in question.by_device.items():
            wanted = tuple(name for name in names if name not in fresh) if fresh else names
            if wanted:
                self._device(device).send(Order(wanted, deadline, question.timeouts, answers, relay), started)
        relay.set_off()
        answers.wait(stop, relay.set_off)
        heard, silent = answers.close()
        for device in self._kept.keys() & question.by_device.keys() if heard else ():
            self._device(device).hear({name: heard[name] for name in self._kept[device] if name in heard}, started)
        waited_s = time.monotonic() - started
        if time.monotonic() >= deadline:
            for late in silent:
                late.give_up(waited_s)

        def readings(wanted: Mapping[str, TangoName], wrong: Mapping[str, str]) -> dict[str, Reading]:
            found = {
                text: fresh.get(name) or heard.get(name) or self._device(name.device).why_silent(name, waited_s)
                for text, name in wanted.items()
            }
            return found | {text: Reading(text, now(), error=why) for text, why in wrong.items()}

        return (
            readings(question.attributes, question.wrong_attributes),
            readings(question.properties, question.wrong_properties),
        )

    def read(
        self,
        attributes: Collection[str],
        deadline: float,
        *,
        timeouts: Mapping[str, float] = NOTHING,
        max_ages: Mapping[str, float] = NOTHING,
        stop: threading.Event | None = None,
    ) -> dict[str, Reading]:
        """Put a question for attributes alone, and ask it once."""
        return self.ask(self.question(attributes, timeouts=timeouts, max_ages=max_ages), deadline, stop=stop)[0]

    def properties(
        self, names: Collection[str], deadline: float, *, stop: threading.Event | None = None
    ) -> dict[str, Reading]:
        """The same for properties alone."""
        return self.ask(self.question((), names), deadline, stop=stop)[1]

    def late(self, attribute: str, since: datetime) -> Reading | None:
        """The reading of an attribute that came after `since`, too late for the read that asked for it."""
        try:
            name = self._names.attribute(attribute)
        except InputError:
            return None
        return self._device(name.device).late(name, since)

    @property
    def troubles(self) -> dict[str, str]:
        """The devices that do not answer as they should, with since when and why."""
        with self._lock:
            devices = list(self._devices.values())
        return {
            device.name: f"since {trouble.since}: {trouble.why}" for device in devices if (trouble := device.trouble)
        }

    @property
    def kept_fresh(self) -> dict[str, str]:
        """How each attribute that is remembered is kept fresh, in words."""
        with self._lock:
            devices = list(self._devices.values())
        return {name.full: how for device in devices for name, how in device.kept_fresh.items()}

    def slowest(self, count: int, attributes: Collection[str] | None = None) -> dict[str, float]:
        """Those of `attributes`, or of all, that take longest: seconds as last measured, the most first; infinite for
        one that never answers.
        """
        with self._lock:
            devices = list(self._devices.values())
        known = {name: seconds for device in devices for name, seconds in device.timings.items()}
        if attributes is not None:
            wanted = set(self.question(attributes).attributes.values())
            known = {name: seconds for name, seconds in known.items() if name in wanted}
        most = heapq.nlargest(count, known.items(), key=itemgetter(1))
        return {name.full: seconds for name, seconds in most}

    def time_each(self, attributes: Iterable[str], deadline: float) -> None:
        """Read each attribute alone, so that it is known how long each takes, side by side where devices differ."""
        by_device: dict[str, list[str]] = defaultdict(list)
        for text, name in self.question(attributes).attributes.items():
            by_device[name.device].append(text)
        for one_of_each in itertools.zip_longest(*by_device.values()):
            self.read([text for text in one_of_each if text], deadline)

    def close(self) -> None:
        """End all threads. One that hangs in a device is left behind after a second; the program's end waits for it."""
        with self._lock:
            devices = list(self._devices.values())
            self._devices.clear()
        for device in devices:
            device.close()
        until = time.monotonic() + _CLOSING_S
        self._left_behind += [device for device in devices if not device.join(until)]
        if not self._left_behind:
            atexit.unregister(self._leave)

    def _leave(self) -> None:
        # A thread that comes back from Tango when the interpreter is gone takes the whole process down with SIGABRT.
        self.close()
        until = time.monotonic() + _LEAVING_S
        for device in self._left_behind:
            device.join(until)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _device(self, name: str) -> Device:
        device = self._devices.get(name)
        if device is None:
            with self._lock:
                device = self._devices.get(name)
                if device is None:
                    host = name.removeprefix(DATABASE)
                    link = DeviceLink(name) if host == name else DatabaseLink(host)
                    device = self._devices[name] = Device(name.removeprefix("tango://"), link)
        return device
