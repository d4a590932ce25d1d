"""The known units and labels of the attributes of a device, and which of them are known to be current.

A value has no unit: the unit is in the configuration of the attribute, which a client or a new server can change at any
time. A device reports a change by an event. If it cannot, the configuration is read with each value.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

import tango

from nxscribe.model.tango_names import in_small_letters
from nxscribe.sources.tango._tango_values import Configuration, configuration_of


class Mark(NamedTuple):
    """The numbers of connections, doubts and events at the time when a configuration was requested."""

    connection: int
    doubts: int
    events: int


class Configurations:
    """The configurations of one device, by attribute name in small letters. Every thread can call the methods."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection = 0
        self._doubts = 0
        self._events: dict[str, int] = {}
        self._followed: set[str] = set()
        self._current: set[str] = set()
        self._marks: dict[str, Mark] = {}
        self.learnt: Mapping[str, Configuration] = {}
        """The configurations as last read. The mapping is replaced and never changed, so that a reader can compare."""

    @property
    def connection(self) -> int:
        """The number of the connection with which they were read."""
        return self._connection

    def forget(self) -> None:
        """Note a new connection, perhaps to a new server: everything has to be read and subscribed to again."""
        with self._lock:
            self._connection += 1
            self._followed.clear()
            self._current.clear()
            self.learnt = {}

    def doubt(self) -> None:
        """Note that no configuration is known to be current: a refresh was requested, or events stopped for a while."""
        with self._lock:
            self._doubts += 1
            self._current.clear()

    def heard(self, member: str, connection: int, *, followed: bool) -> None:
        """Note an event of a configuration: that it changed, or that no more events come."""
        with self._lock:
            if connection == self._connection:
                self._events[member] = self._events.get(member, 0) + 1
                self._current.discard(member)
                if followed:
                    self._followed.add(member)
                else:
                    self._followed.discard(member)
                    self._doubts += 1
                    self._current.clear()

    def ask(
        self, members: Iterable[str], ask: Callable[[list[str]], Iterable[tango.AttributeInfoEx]]
    ) -> dict[str, Configuration]:
        """Read the configurations of these attributes by calling `ask` with their names. Raises what `ask` raises."""
        members = list(members)
        with self._lock:
            marks = {member: self._mark(member) for member in members}
        found = {in_small_letters(info.name): configuration_of(info) for info in ask(members)}
        with self._lock:
            # An answer to an earlier request, to a former server or by another thread, is ignored.
            new = {
                member: found[member]
                for member, mark in marks.items()
                if member in found and mark.connection == self._connection and mark >= self._marks.get(member, mark)
            }
            self._marks.update((member, marks[member]) for member in new)
            self._current.update(m for m in new if m in self._followed and self._marks[m] == self._mark(m))
            if any(self.learnt.get(member) != configuration for member, configuration in new.items()):
                self.learnt = {**self.learnt, **new}
        return found

    def doubtful(self, members: Collection[str]) -> list[str]:
        """The attributes among `members` whose configuration may have changed."""
        # Without the lock: this is called at each read, and looking at a set is atomic.
        return [] if self._current.issuperset(members) else [one for one in members if one not in self._current]

    def followed(self, members: Collection[str]) -> Collection[str]:
        """The attributes among `members` whose configuration is known to be current."""
        current = self._current
        return members if current.issuperset(members) else [one for one in members if one in current]

    def current(self, member: str) -> Configuration | None:
        """The configuration of one attribute if it is known to be current, else None."""
        with self._lock:
            return self.learnt.get(member) if member in self._current else None

    def _mark(self, member: str) -> Mark:
        return Mark(self._connection, self._doubts, self._events.get(member, 0))
