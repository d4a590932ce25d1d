"""The link to one device: a proxy that is made once and kept, and what is known of its attributes."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import tango

from nxscribe.capture.answers import Told
from nxscribe.capture.explain import explain, is_connection, is_timeout
from nxscribe.capture.names import TangoName
from nxscribe.capture.values import Configuration, configuration_of, reading_of
from nxscribe.errors import Problem
from nxscribe.model import Reading, now

_SUBSCRIBING_S: Final = 3.0
"""Tango's own timeout for it, which no setting of ours changes."""
_EVENTS: Final = {
    tango.EventType.CHANGE_EVENT: "change events",
    tango.EventType.PERIODIC_EVENT: "periodic events",
    tango.EventType.ARCHIVE_EVENT: "archive events",
}
"""What an attribute may push, the best first."""
_NOT_POLLED: Final = "API_AttributePollingNotStarted"


class DeviceError(Exception):
    """The device as a whole did not answer. Its text is in the form of every error: what; why; remedy."""


class RequestError(DeviceError):
    """This request failed, another one may do better: one attribute may have spoilt it for all."""

    def __init__(self, text: str, *, slow: bool = False) -> None:
        super().__init__(text)
        self.slow = slow
        """Whether it took too long: the device may still be busy with it."""


class EventsNotReadyError(Exception):
    """Tango's events are being set up by another thread: ask again in a moment."""


_events_are_up = threading.Event()
_setting_up = threading.Lock()


@contextmanager
def _event_system() -> Iterator[None]:
    """Let one thread alone make the first subscription of the program: it sets up Tango's events, and where several
    do so at once there are several, of which only one works (PyTango 10.3.1). Raises EventsNotReadyError for others.
    """
    if _events_are_up.is_set():
        yield
        return
    if not _setting_up.acquire(blocking=False):
        raise EventsNotReadyError
    try:
        yield
    finally:
        _events_are_up.set()
        _setting_up.release()


class DeviceLink:
    """Blocking calls to one device, for one thread. Each raises DeviceError when there is no answer."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._name = device.removeprefix("tango://")
        self._proxy: tango.DeviceProxy | None = None
        self._connected = False
        self._connections = 0
        self._timeout_ms = 0
        self._configurations: Mapping[TangoName, Configuration] = {}
        """Never changed, but replaced: who reads has the ones that were known when the device answered."""
        self._subscriptions: dict[TangoName, int] = {}

    @property
    def connections(self) -> int:
        """How often it was connected: a new number may mean a new server, with other events."""
        return self._connections

    def read(self, names: Sequence[TangoName], timeout_s: float) -> Told:
        """A reading for each attribute, those that failed alone included, in one request; from the hardware, not from
        Tango's polling cache.
        """
        members = [name.member for name in names]
        if len(set(members)) < len(members):
            # Tango refuses a request with the same attribute twice: both parts come in one answer.
            members = list(dict.fromkeys(members))
        proxy = self._connect(timeout_s)
        asked = time.time()
        try:
            found = proxy.read_attributes(members)
        except tango.DevFailed as error:
            raise self._failed(error) from None
        except Exception as error:
            raise RequestError(Problem(f"{self._name} could not be read", repr(error)).explanation) from error
        moments = asked, time.time()
        by_member = dict(zip(members, found, strict=True))
        unlearnt = ""
        new = [name for name in names if name not in self._configurations and not by_member[name.member].has_failed]
        if new:
            try:
                self._learn(new)
            except DeviceError as error:
                unlearnt = f"its unit could not be learned: {error}"
        known = self._configurations
        return lambda: {
            name: _reading(by_member[name.member], name, known.get(name), moments, unlearnt) for name in names
        }

    def subscribe(self, name: TangoName, heard: Callable[[Reading], None]) -> str:
        """Have `heard` called with each event of an attribute, in a thread of Tango's; also with the bad news that
        they have stopped. Says which events it pushes, or nothing where it pushes none.

        Raises DeviceError, and EventsNotReadyError when it has to be asked again.
        """
        proxy = self._connect(_SUBSCRIBING_S)
        if not name.is_write_part:
            self._learn([name])

            def tell(event: tango.EventData) -> None:
                if event.err:
                    heard(Reading(name.full, now(), error=explain(name.full, event.errors)))
                else:
                    present = time.time()
                    known = self._configurations.get(name)
                    unlearnt = "its unit is not known any more"
                    heard(_reading(event.attr_value, name, known, (present, present), unlearnt))

            is_polled = True
            for kind, told in _EVENTS.items():
                if kind is tango.EventType.PERIODIC_EVENT and not is_polled:
                    continue  # each vain attempt costs some milliseconds, and this one depends on polling alone
                try:
                    with _event_system():
                        self._subscriptions[name] = proxy.subscribe_event(name.member, kind, tell)
                except tango.DevFailed as error:
                    if is_connection(error) or is_timeout(error):
                        raise self._failed(error) from None
                    is_polled = error.args[0].reason != _NOT_POLLED
                else:
                    return told
        return ""

    def unsubscribe(self, name: TangoName) -> None:
        """Let an attribute's events go."""
        subscription = self._subscriptions.pop(name, None)
        if self._proxy is not None and subscription is not None:
            with contextlib.suppress(tango.DevFailed):  # its server is gone, and the subscription with it
                self._proxy.unsubscribe_event(subscription)

    def refresh(self, timeout_s: float) -> None:
        """Learn the units and labels anew: they may have been changed, by hand or with a new server."""
        self._connect(timeout_s)
        for name in tuple(self._configurations):
            # One by one: a question for several fails as a whole when one of them is gone.
            with contextlib.suppress(RequestError):
                self._learn([name])

    def _learn(self, names: Iterable[TangoName]) -> None:
        """Raises RequestError, and forgets what was known of these, when one of them is not there."""
        wanted: dict[str, list[TangoName]] = defaultdict(list)
        for name in names:
            wanted[name.member].append(name)
        if not wanted or self._proxy is None:
            return
        try:
            found = self._proxy.get_attribute_config_ex(list(wanted))
        except tango.DevFailed as error:
            gone = set(itertools.chain(*wanted.values()))
            self._configurations = {name: known for name, known in self._configurations.items() if name not in gone}
            raise self._failed(error) from None
        learnt = {name: configuration_of(info) for info in found for name in wanted[info.name.lower()]}
        self._configurations = {**self._configurations, **learnt}

    def _connect(self, timeout_s: float) -> tango.DeviceProxy:
        try:
            return self._connected_proxy(timeout_s)
        except tango.DevFailed as error:
            raise self._failed(error) from None

    def _connected_proxy(self, timeout_s: float) -> tango.DeviceProxy:
        if self._proxy is None:
            self._proxy = tango.DeviceProxy(self._device, green_mode=tango.GreenMode.Synchronous)
            self._proxy.set_source(tango.DevSource.DEV)
        if not self._connected:
            self._proxy.ping()
            self._connected = True
            self._connections += 1
        timeout_ms = max(1, round(timeout_s * 1000))
        if timeout_ms != self._timeout_ms:
            # Only while connected: otherwise it would try to connect, with Python's one lock held, and with a frozen
            # server the whole program would stand still for three seconds (PyTango 10.3.1).
            self._proxy.set_timeout_millis(timeout_ms)
            self._timeout_ms = timeout_ms
        return self._proxy

    def _failed(self, error: tango.DevFailed) -> DeviceError:
        text = explain(self._name, error.args)
        if is_timeout(error):
            return RequestError(text, slow=True)
        # An attribute that is not there says nothing of the connection.
        self._connected = any(entry.reason == "API_AttrNotFound" for entry in error.args)
        return DeviceError(text) if is_connection(error) else RequestError(text)


def _reading(
    attribute: tango.DeviceAttribute,
    name: TangoName,
    configuration: Configuration | None,
    moments: tuple[float, float],
    unlearnt: str,
) -> Reading:
    if configuration is not None or attribute.has_failed:
        return reading_of(attribute, name, configuration or Configuration(), *moments)
    # A number of unknown unit is no reading.
    return Reading(name.full, now(), error=Problem(f"{name.full} could not be read", unlearnt).explanation)
