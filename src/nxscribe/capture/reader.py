"""The Tango reader: many attributes of many devices, side by side, by a deadline."""

from __future__ import annotations

import atexit
import heapq
import itertools
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from operator import itemgetter
from types import MappingProxyType
from typing import Self

import tango

from nxscribe.capture.answers import Answers
from nxscribe.capture.device import Device
from nxscribe.capture.link import DeviceLink
from nxscribe.capture.names import DATABASE, TangoName, parse_name, parse_property
from nxscribe.capture.order import Order
from nxscribe.capture.properties import DatabaseLink
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
        self._host = host or str(tango.ApiUtil.get_env_var("TANGO_HOST") or "")
        self._lock = threading.Lock()
        self._attributes: dict[str, TangoName] = {}
        self._properties: dict[str, TangoName] = {}
        self._names: dict[tuple[str, str, bool], TangoName] = {}
        self._devices: dict[str, Device] = {}
        self._left_behind: list[Device] = []
        atexit.register(self._leave)

    def prepare(self, attributes: Iterable[str]) -> None:
        """Begin to connect to the attributes' devices and to learn their units, in the background."""
        by_device = defaultdict(list)
        for text in attributes:
            try:
                name = self._attribute(text)
            except InputError:
                continue  # the reading will say it
            by_device[name.device].append(name)
        for device, names in by_device.items():
            self._device(device).watch(names)

    def keep_fresh(self, attributes: Mapping[str, float]) -> None:
        """Remember the values of these, and of no others, so that a read need not ask for them: by events where their
        devices push them, else by reading them in the background before they are as old as allowed (seconds).
        """
        by_device: dict[str, dict[TangoName, float]] = defaultdict(dict)
        for text, name in self._names_of(attributes, self._attribute)[0].items():
            by_device[name.device][name] = min(attributes[text], by_device[name.device].get(name, math.inf))
        with self._lock:
            had = [device for device in self._devices if device not in by_device]
        for device in (*had, *by_device):
            self._device(device).keep_fresh(by_device[device])

    def read(
        self,
        attributes: Collection[str],
        deadline: float,
        *,
        timeouts: Mapping[str, float] = MappingProxyType({}),
        max_ages: Mapping[str, float] = MappingProxyType({}),
        stop: threading.Event | None = None,
    ) -> dict[str, Reading]:
        """A reading for each attribute: its value, or why there is none.

        Args:
            attributes: Full names: `domain/family/member/attribute`, with `host:port/` before it for another database
                and `#write` after it for the set point.
            deadline: When to give up (monotonic seconds).
            timeouts: Attributes that have less time than that, in seconds.
            max_ages: Attributes that are not asked for where what is remembered of them is so young, in seconds.
            stop: Ends the read at once when it is set.
        """
        return self.read_all(attributes, (), deadline, timeouts=timeouts, max_ages=max_ages, stop=stop)[0]

    def properties(
        self, names: Collection[str], deadline: float, *, stop: threading.Event | None = None
    ) -> dict[str, Reading]:
        """The same for properties of devices (`domain/family/member/property`) and of their attributes
        (`domain/family/member/attribute/property`), from the Tango database.
        """
        return self.read_all((), names, deadline, stop=stop)[1]

    def read_all(
        self,
        attributes: Collection[str],
        properties: Collection[str],
        deadline: float,
        *,
        timeouts: Mapping[str, float] = MappingProxyType({}),
        max_ages: Mapping[str, float] = MappingProxyType({}),
        stop: threading.Event | None = None,
    ) -> tuple[dict[str, Reading], dict[str, Reading]]:
        """Attributes and properties side by side, by one deadline."""
        started = time.monotonic()
        known, unknown = self._names_of(attributes, self._attribute)
        known_properties, unknown_properties = self._names_of(properties, self._property)
        limits = {known[text]: seconds for text, seconds in timeouts.items() if text in known}
        fresh = self._remembered(known, max_ages) if max_ages else {}
        answers = Answers()
        by_device: dict[str, dict[TangoName, None]] = defaultdict(dict)
        for name in (*known.values(), *known_properties.values()):
            if name not in fresh:
                by_device[name.device][name] = None
        for device, wanted in by_device.items():
            own = {name: limits[name] for name in wanted if name in limits} if limits else {}
            self._device(device).send(Order(tuple(wanted), deadline, own, answers), started)
        answers.wait(stop)
        heard, silent = answers.close()
        waited_s = time.monotonic() - started
        if time.monotonic() >= deadline:
            for late in silent:
                late.give_up(waited_s)

        def reading(name: TangoName) -> Reading:
            return fresh.get(name) or heard.get(name) or self._device(name.device).why_silent(name, waited_s)

        return (
            unknown | {text: reading(name) for text, name in known.items()},
            unknown_properties | {text: reading(name) for text, name in known_properties.items()},
        )

    def late(self, attribute: str, since: datetime) -> Reading | None:
        """The reading of an attribute that came after `since`, too late for the read that asked for it."""
        try:
            name = self._attribute(attribute)
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
            wanted = set(self._names_of(attributes, self._attribute)[0].values())
            known = {name: seconds for name, seconds in known.items() if name in wanted}
        most = heapq.nlargest(count, known.items(), key=itemgetter(1))
        return {name.full: seconds for name, seconds in most}

    def time_each(self, attributes: Iterable[str], deadline: float) -> None:
        """Read each attribute alone, so that it is known how long each takes, side by side where devices differ."""
        by_device: dict[str, list[str]] = defaultdict(list)
        for text, name in self._names_of(attributes, self._attribute)[0].items():
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

    def _attribute(self, text: str) -> TangoName:
        name = self._attributes.get(text)
        if name is None:
            name = self._attributes[text] = self._one(parse_name(text, self._host))
        return name

    def _property(self, text: str) -> TangoName:
        name = self._properties.get(text)
        if name is None:
            name = self._properties[text] = self._one(parse_property(text, self._host))
        return name

    def _remembered(self, known: Mapping[str, TangoName], max_ages: Mapping[str, float]) -> dict[TangoName, Reading]:
        # One attribute may be spelled in two ways: who asks for the younger value decides.
        ages: dict[TangoName, float] = {}
        for text, name in known.items():
            ages[name] = min(max_ages.get(text, 0.0), ages.get(name, math.inf))
        found = ((name, self._device(name.device).remembered(name, age_s)) for name, age_s in ages.items() if age_s)
        return {name: reading for name, reading in found if reading}

    def _one(self, name: TangoName) -> TangoName:
        """The one object for an attribute or property, however it is spelled."""
        return self._names.setdefault((name.device, name.member, name.is_write_part), name)

    @staticmethod
    def _names_of(
        texts: Iterable[str], parse: Callable[[str], TangoName]
    ) -> tuple[dict[str, TangoName], dict[str, Reading]]:
        """The names, and a reading with the reason for each text that is none."""
        names: dict[str, TangoName] = {}
        wrong: dict[str, Reading] = {}
        for text in texts:
            try:
                names[text] = parse(text)
            except InputError as error:
                wrong[text] = Reading(text, now(), error=error.problems[0].explanation)
        return names, wrong

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
