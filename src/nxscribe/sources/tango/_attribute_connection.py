"""The connection to one Tango device: a proxy that is made once and kept, and the configurations of its attributes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final, cast

import tango

from nxscribe.errors import Problem
from nxscribe.model import Reading, now
from nxscribe.runtime.logger import get_logger
from nxscribe.sources._connection import NO_SCAN, Address, DeferredReadings, RequestError, ScanNames, SourceError
from nxscribe.sources.tango._addresses import PROTOCOL, WRITE, read_from
from nxscribe.sources.tango._configuration_events import ConfigurationFollower
from nxscribe.sources.tango._configurations import Configurations
from nxscribe.sources.tango._event_system import event_system
from nxscribe.sources.tango._tango_values import Configuration, reading_of
from nxscribe.sources.tango.databases import connect_device, is_alias, may_change
from nxscribe.sources.tango.tango_errors import explain, is_broken, is_connection, is_delayed, is_timeout

log = get_logger()

_SUBSCRIBING_S: Final = 3.0
"""Tango's own timeout for a subscription. No setting changes it."""
_EVENTS: Final = {
    tango.EventType.CHANGE_EVENT: "change events",
    tango.EventType.PERIODIC_EVENT: "periodic events",
    tango.EventType.ARCHIVE_EVENT: "archive events",
}
"""The kinds of events that an attribute may push, in the order in which they are tried."""
_RECONNECTION_S: Final = 1.05
"""Tango waits for a second between two attempts to connect (Connection::check_and_reconnect, cppTango 10)."""
_TRIES: Final = 3
"""How often a value is read in all, when its unit changes while it is read."""
_LEAST_S: Final = 0.005
EVENTS_S: Final = 0.002
"""How much later than the value the event of a changed unit may arrive: the two come over different connections."""
_REFRESHED_AT_ONCE: Final = 4
"""So many configurations are read in one request. A read that arrives meanwhile waits for one such request."""
CHANGED: Final = "its unit or its labels changed while it was read"
_IN_DOUBT: Final = "its unit and labels are being learned anew"
_NOT_POLLED: Final = "API_AttributePollingNotStarted"


class AttributeConnection:
    """Blocking calls to one device, for one thread. Each raises SourceError if the device does not answer."""

    def __init__(self, device: str, follower: ConfigurationFollower) -> None:
        """`follower` subscribes to changes of units and labels."""
        self._device = device
        self.name = device.removeprefix(PROTOCOL)
        self._may_change, self._is_alias = may_change(device), is_alias(device)
        self._connect_anew = False
        self._address = ""
        self._true_names: dict[Address, Address] = {}
        """The addresses with the device and the server of this connection. The next connection may have others."""
        self._proxy: tango.DeviceProxy | None = None
        self._events: tango.DeviceProxy | None = None
        self._connected = False
        self._unreachable = ""
        """Why it could not be connected; empty while it can."""
        self._timeout_ms = 0
        self._configurations = Configurations()
        self._absent: set[str] = set()
        """The attributes that the device does not have."""
        self._follower = follower
        self._followed = follower.follow(device, self._configurations)
        self._subscriptions: dict[Address, tuple[int, str]] = {}
        """Tango's number of each subscription, and which events it brings."""
        self._to_refresh: tuple[str, ...] = ()
        """The attributes that an interrupted refresh has still to read."""

    @property
    def connections(self) -> int:
        """How often it was connected: a new number may mean a new server, with other events."""
        return self._configurations.connection

    def thread_context(self) -> AbstractContextManager[object]:
        """Register the thread with omniORB. Every thread that calls Tango has to do this once."""
        return cast("AbstractContextManager[object]", tango.EnsureOmniThread())

    def read(
        self, names: Sequence[Address], timeout_s: float, *, scan: ScanNames = NO_SCAN, asks_units: bool = False
    ) -> DeferredReadings:
        """Read attributes in one request, from the hardware and not from the polling cache of Tango.

        Returns a reading for each attribute; one that failed has the reason. With `asks_units`, units and labels that
        are known from events are read as well.
        """
        del scan
        until = time.monotonic() + timeout_s
        # Tango refuses a request with the same attribute twice: both parts come in one answer.
        members = list(dict.fromkeys(name.member for name in names))
        for tries_left in reversed(range(_TRIES)):
            proxy = self._connect(timeout_s if tries_left == _TRIES - 1 else max(_LEAST_S, until - time.monotonic()))
            self._learn_new(members)
            known = self._configurations.learnt
            asked = time.time()
            try:
                found = proxy.read_attributes(members)
            except tango.DevFailed as error:
                if tries_left and is_broken(error):
                    # The server may have been restarted with other units: they are read before the value.
                    self._connected = False
                    continue
                raise self._failed(error) from None
            except Exception as error:
                raise RequestError(Problem(f"{self.name} could not be read", repr(error)).explanation) from error
            moments = asked, time.time()
            by_member = dict(zip(members, found, strict=True))
            told = [member for member in members if not by_member[member].has_failed]
            followed = [] if asks_units else self._configurations.followed(told)
            changed, unlearnt = self._changed([member for member in told if member not in followed], known)
            if unlearnt or not changed or time.monotonic() > until:
                break
        self._follow(told)
        true_names = self._as_connected(names)

        def make() -> dict[Address, Reading]:
            return {
                name: _reading(
                    by_member[name.member],
                    true_names.get(name, name),
                    None if name.member in changed else known.get(name.member),
                    moments,
                    unlearnt or CHANGED,
                )
                for name in names
            }

        def outdated() -> list[Address]:
            if not self._configurations.doubtful(followed) and self._configurations.learnt is known:
                return []
            return [name for name in names if name.member in followed and self._is_outdated(name.member, known)]

        return DeferredReadings(make, outdated, EVENTS_S)

    def subscribe(self, name: Address, heard: Callable[[Reading], None]) -> str:
        """Subscribe to the events of an attribute. `heard` is called with each event, in a thread of Tango, and with
        the error if the events stop. Returns a description of the events; empty if the attribute pushes none.

        Raises SourceError, and EventsNotReadyError if it has to be called again.
        """
        self._connect(_SUBSCRIBING_S)
        if name in self._subscriptions:
            return self._subscriptions[name][1]  # Tango renews it by itself
        if name.part == WRITE:
            return ""
        self._followed.members |= {name.member}
        try:
            self._followed.renew()
        except tango.DevFailed as error:
            raise self._failed(error) from None
        events = self._event_proxy()
        true = self._as_connected([name]).get(name, name)

        def tell(event: tango.EventData) -> None:
            if event.err:
                self.doubt()
                heard(Reading(true.full, now(), error=explain(true.full, event.errors)))
            else:
                present = time.time()
                known = self._configurations.current(name.member)
                heard(_reading(event.attr_value, true, known, (present, present), _IN_DOUBT))

        return self._subscribe(name, events, tell)

    def _subscribe(self, name: Address, events: tango.DeviceProxy, tell: Callable[[tango.EventData], None]) -> str:
        is_polled = True
        for kind, told in _EVENTS.items():
            if kind is tango.EventType.PERIODIC_EVENT and not is_polled:
                continue  # each vain attempt costs some milliseconds, and this one depends on polling alone
            try:
                with event_system():
                    self._subscriptions[name] = events.subscribe_event(name.member, kind, tell), told
            except tango.DevFailed as error:
                if is_connection(error) or is_timeout(error):
                    raise self._failed(error) from None
                is_polled = error.args[0].reason != _NOT_POLLED
            else:
                return told
        return ""

    def _event_proxy(self) -> tango.DeviceProxy:
        """A proxy for events alone: Tango's reconnection for events must not hide that the connection was lost."""
        if self._events is None:
            try:
                _, self._events = connect_device(self._device)
            except tango.DevFailed as error:
                raise self._failed(error) from None
        return self._events

    def unsubscribe(self, name: Address) -> None:
        """End the subscription to an attribute."""
        subscription, _ = self._subscriptions.pop(name, (None, ""))
        if self._events is not None and subscription is not None:
            with contextlib.suppress(tango.DevFailed):  # its server is gone, and the subscription with it
                self._events.unsubscribe_event(subscription)

    def refresh(self, timeout_s: float, interrupted: Callable[[], bool]) -> bool:
        """Read the units and labels again, because an event of a change may have been lost. They are read a few at a
        time, because a server can need milliseconds for each. Returns whether all were read; the next call continues.
        """
        self._connect(timeout_s)
        left, self._to_refresh = self._to_refresh or tuple(self._configurations.learnt), ()
        while left and not interrupted():
            some, left = left[:_REFRESHED_AT_ONCE], left[_REFRESHED_AT_ONCE:]
            self._learn_if_there(some)
        self._to_refresh = left
        return not left

    def doubt(self) -> None:
        """Read units and labels again at the next read, and look up an alias again. Any thread may call this."""
        self._connect_anew = self._is_alias
        self._configurations.doubt()
        if self._followed.members:
            self._follower.soon(self._followed)

    def close(self) -> None:
        """End all subscriptions, and release the proxies."""
        self._follower.forget(self._followed)
        self._let_go()

    def _is_outdated(self, member: str, known: Mapping[str, Configuration]) -> bool:
        return self._configurations.current(member) != known.get(member)

    def _changed(self, members: Sequence[str], known: Mapping[str, Configuration]) -> tuple[set[str], str]:
        """Of which attributes units and labels are not those that were known before they were read; and why they could
        not be learnt, if so.
        """
        try:
            self._learn(members)
        except SourceError as error:
            return set(members), f"its unit could not be learned: {error}"
        learnt = self._configurations.learnt
        return {member for member in members if learnt.get(member) != known.get(member)}, ""

    def _learn_new(self, members: Sequence[str]) -> None:
        known = self._configurations.learnt
        if new := [member for member in members if member not in known and member not in self._absent]:
            self._learn_if_there(new)
            self._absent |= set(new) - self._configurations.learnt.keys()

    def _learn_if_there(self, members: Sequence[str]) -> None:
        """Read the configurations of those attributes that exist. A request for several fails if one does not exist."""
        try:
            self._learn(members)
        except RequestError as error:
            if error.slow:
                raise
            for member in members if len(members) > 1 else ():
                with contextlib.suppress(RequestError):
                    self._learn([member])

    def _learn(self, members: Sequence[str]) -> None:
        """Raises RequestError when one of them is not there."""
        if members and self._proxy is not None:
            try:
                self._configurations.ask(members, self._proxy.get_attribute_config_ex)
            except tango.DevFailed as error:
                raise self._failed(error) from None

    def _follow(self, members: Iterable[str]) -> None:
        """Subscribe to changes of the configurations of these as well."""
        if not self._followed.members.issuperset(members):
            self._followed.members |= set(members)
            self._follower.begin(self._followed)

    def _connect(self, timeout_s: float) -> tango.DeviceProxy:
        try:
            return self._connected_proxy(timeout_s)
        except tango.DevFailed as error:
            raise self._failed(error) from None

    def _connected_proxy(self, timeout_s: float) -> tango.DeviceProxy:
        if self._may_change and (self._connect_anew or not self._connected):
            self._let_go()
        if self._proxy is None:
            self._address, self._proxy = connect_device(self._device)
            self._proxy.set_source(tango.DevSource.DEV)
            # Else a server that was restarted would go unnoticed, with other units perhaps.
            self._proxy.set_transparency_reconnection(False)
        if not self._connected:
            self._ping(self._proxy, timeout_s)
            self._connected, self._unreachable = True, ""
            self._configurations.forget()
            self._absent.clear()
            if self._followed.members:
                self._follower.later(self._followed)
        timeout_ms = max(1, round(timeout_s * 1000))
        if timeout_ms != self._timeout_ms:
            # Only while connected: otherwise it would connect and hold Python's global lock, for three seconds if the
            # server is frozen (PyTango 10.3.1).
            self._proxy.set_timeout_millis(timeout_ms)
            self._timeout_ms = timeout_ms
        return self._proxy

    def _let_go(self) -> None:
        """Release the proxies: another server of the database may answer by now, or the alias may have been moved."""
        for name in tuple(self._subscriptions):
            self.unsubscribe(name)
        self._proxy = self._events = None
        self._connected = self._connect_anew = False
        self._timeout_ms = 0
        self._true_names = {}

    def _as_connected(self, names: Iterable[Address]) -> Mapping[Address, Address]:
        """The names with the device and the server by which they are read, where that is not in them already."""
        if self._may_change and self._proxy is not None:
            device = f"{self._address}/{self._proxy.dev_name()}"
            new = {name: read_from(name, device) for name in names if name not in self._true_names}
            self._true_names = self._true_names | new if new else self._true_names
        return self._true_names

    def _ping(self, proxy: tango.DeviceProxy, timeout_s: float) -> None:
        try:
            proxy.ping()
        except tango.DevFailed as error:
            if self._unreachable or not is_delayed(error) or timeout_s < _RECONNECTION_S:
                raise
            # Tango tried when the proxy was made, did not tell the reason, and refuses to try again within a second.
            time.sleep(_RECONNECTION_S)
            proxy.ping()

    def _failed(self, error: tango.DevFailed) -> SourceError:
        text = explain(self.name, error.args)
        if is_delayed(error):
            text = self._unreachable or text
        elif is_connection(error):
            self._unreachable = text
        if is_timeout(error):
            return RequestError(text, slow=True)
        # An attribute that is not there says nothing of the connection.
        self._connected = self._connected and not (is_connection(error) or is_broken(error))
        return SourceError(text) if is_connection(error) else RequestError(text)


def _reading(
    attribute: tango.DeviceAttribute,
    name: Address,
    configuration: Configuration | None,
    moments: tuple[float, float],
    unlearnt: str,
) -> Reading:
    if configuration is not None or attribute.has_failed:
        try:
            return reading_of(attribute, name, configuration or Configuration(), *moments)
        except Exception as error:
            # An unexpected answer for one attribute must not cost the values of the others.
            log.exception("no value, for an unforeseen reason", attribute=name.full)
            problem = Problem(
                f"{name.full} could not be read",
                f"an unforeseen error: {type(error).__name__}: {error}",
                "report it with the trace back in the daemon's log",
            )
            return Reading(name.full, now(), error=problem.explanation)
    # A number without its unit is not a reading.
    return Reading(name.full, now(), error=Problem(f"{name.full} could not be read", unlearnt).explanation)
