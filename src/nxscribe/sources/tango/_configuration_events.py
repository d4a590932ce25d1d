"""Subscriptions to the events of Tango for changes of units and labels.

One thread subscribes for all devices, one attribute after the other. Each subscription takes some milliseconds and the
global lock of Tango, and three seconds if the server hangs. No thread of a device waits for that, and so no trigger.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import tango

from nxscribe.runtime import SYSTEM_CLOCK, Clock, SupervisedThread
from nxscribe.sources._connection import EventsNotReadyError
from nxscribe.sources.tango._configurations import Configurations
from nxscribe.sources.tango._event_system import event_system
from nxscribe.sources.tango.databases import connect_device, may_change

_BEGIN_S: Final = 1.0
_SOON_S: Final = 0.02
_FAILED_S: Final = 60.0
"""The pause after a device did not answer, because a device that hangs delays all others."""
_CLOSING_S: Final = 1.0
_IDLE_S: Final = 1.0
_AGAIN_S: Final = 12.0
"""After a connection was lost, Tango itself restores its events within ten seconds. A new subscription before that gets
only the first event.
"""


class FollowedConfigurations:
    """The subscriptions to the configurations of one device's attributes."""

    def __init__(
        self, device: str, configurations: Configurations, changed: Callable[[FollowedConfigurations], None]
    ) -> None:
        """`changed` is called, in a thread of Tango, when a configuration has to be read again."""
        self._device, self._configurations, self._changed = device, configurations, changed
        self._proxy: tango.DeviceProxy | None = None
        self._connection = -1
        self._subscriptions: dict[str, int | None] = {}
        """By attribute; None where it has no events."""
        self._renewing = threading.Lock()
        self.members: frozenset[str] = frozenset()
        """The attributes to subscribe to. To add some, replace the set."""

    def renew(self) -> None:
        """Subscribe to the attributes without a subscription, and read the configurations that may have changed.

        Raises tango.DevFailed, and EventsNotReadyError if it has to be called again.
        """
        with self._renewing:
            self._renew()

    def _renew(self) -> None:
        if self._connection != self._configurations.connection:
            self.end()
            if may_change(self._device):
                self._proxy = None
            self._connection = self._configurations.connection
        if self._proxy is None:
            # A proxy of its own: Tango's reconnection for events must not hide a lost connection from the reader.
            _, self._proxy = connect_device(self._device)
        for member in self.members - self._subscriptions.keys():
            with event_system():
                self._subscriptions[member] = self._subscribed(self._proxy, member)
        with_events = [member for member, subscription in self._subscriptions.items() if subscription is not None]
        if doubtful := self._configurations.doubtful(with_events):
            self._configurations.ask(doubtful, self._proxy.get_attribute_config_ex)

    def leave(self) -> None:
        """End all subscriptions, and never subscribe again."""
        with self._renewing:
            self.members = frozenset()
            self.end()

    def end(self) -> None:
        """End all subscriptions."""
        for subscription in self._subscriptions.values():
            if self._proxy is not None and subscription is not None:
                with contextlib.suppress(tango.DevFailed):  # its server is gone, and the subscription with it
                    self._proxy.unsubscribe_event(subscription)
        self._subscriptions.clear()

    def _subscribed(self, proxy: tango.DeviceProxy, member: str) -> int | None:
        heard = partial(self._heard, member, self._connection)
        try:
            return int(proxy.subscribe_event(member, tango.EventType.ATTR_CONF_EVENT, heard))
        except tango.DevFailed:
            proxy.ping()  # is it the device that does not answer, or has it no such events?
            return None

    def _heard(self, member: str, connection: int, event: tango.AttrConfEventData) -> None:
        # In a thread of Tango's.
        self._configurations.heard(member, connection, followed=not event.err)
        self._changed(self)


class ConfigurationFollower:
    """The thread that follows the configurations of all devices of a reader."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        """`clock` measures the pauses."""
        self._clock = clock
        self._lock = threading.Lock()
        self._changed = threading.Event()
        """Set when something else may be due next."""
        self._all: list[FollowedConfigurations] = []
        self._due: list[tuple[float, int, FollowedConfigurations]] = []
        self._count = itertools.count()
        self._at: dict[FollowedConfigurations, float] = {}
        """When each is due (monotonic seconds)."""
        self.thread = SupervisedThread(
            "follower of units and labels", self._turn, surroundings=self._registered, daemon=True, clock=clock
        )
        self._is_started = False

    def follow(self, device: str, configurations: Configurations) -> FollowedConfigurations:
        """Add a device, with no attributes at first."""
        followed = FollowedConfigurations(device, configurations, self.soon)
        with self._lock:
            self._all.append(followed)
        return followed

    def forget(self, followed: FollowedConfigurations) -> None:
        """Remove a device."""
        with self._lock:
            self._all.remove(followed)
            self._at.pop(followed, None)
        followed.leave()

    def begin(self, followed: FollowedConfigurations) -> None:
        """Subscribe after a second: when a program starts, devices first answer reads."""
        self._want(followed, _BEGIN_S)

    def soon(self, followed: FollowedConfigurations) -> None:
        """Subscribe and read configurations after 20 ms, so that events that arrive together are handled together."""
        self._want(followed, _SOON_S)

    def later(self, followed: FollowedConfigurations) -> None:
        """Subscribe again after a connection was lost."""
        self._want(followed, _AGAIN_S)

    def close(self) -> None:
        """End all subscriptions and the thread. It waits for a subscription that hangs for a second at most."""
        with self._lock:
            self.thread.stopping.set()
            self._changed.set()
        self.thread.stop(_CLOSING_S)

    def _want(self, followed: FollowedConfigurations, in_s: float) -> None:
        due = self._clock.monotonic() + in_s
        with self._lock:
            if self.thread.stopping.is_set() or self._at.get(followed, math.inf) <= due:
                return
            self._at[followed] = due
            heapq.heappush(self._due, (due, next(self._count), followed))
            if not self._is_started:
                self._is_started = True
                self.thread.start()
            self._changed.set()

    @contextlib.contextmanager
    def _registered(self) -> Iterator[None]:
        with tango.EnsureOmniThread():
            yield
            for followed in tuple(self._all):
                followed.leave()

    def _turn(self) -> None:
        followed = self._next()
        if followed is None:
            return
        try:
            followed.renew()
        except EventsNotReadyError:
            self.soon(followed)
        except tango.DevFailed:
            self._want(followed, _FAILED_S)
        except Exception:
            self._want(followed, _FAILED_S)
            raise

    def _next(self) -> FollowedConfigurations | None:
        """Wait until a device is due, and return it; None when none was due for a while, or the thread is to end."""
        with self._lock:
            self._changed.clear()
            wait_s = self._due_in_s()
        if wait_s > 0 and not self.thread.stopping.is_set():
            self._clock.wait(self._changed, wait_s)
        with self._lock:
            if self.thread.stopping.is_set() or self._due_in_s() > 0:
                return None
            due, _, followed = heapq.heappop(self._due)
            if self._at.get(followed) != due:
                return None  # it was wanted earlier since
            del self._at[followed]
            return followed

    def _due_in_s(self) -> float:
        return min(self._due[0][0] - self._clock.monotonic(), _IDLE_S) if self._due else _IDLE_S
