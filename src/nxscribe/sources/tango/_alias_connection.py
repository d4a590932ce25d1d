"""The connection to an attribute that is known by an alias: the database tells which attribute that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import cast

import tango

from nxscribe.errors import InputError, Problem
from nxscribe.model import Reading
from nxscribe.sources._connection import NO_SCAN, Address, DeferredReadings, RequestError, ScanNames, SourceError
from nxscribe.sources.tango._addresses import ALIAS, PROTOCOL, WRITE, attribute_address
from nxscribe.sources.tango._attribute_connection import AttributeConnection
from nxscribe.sources.tango._configuration_events import ConfigurationFollower
from nxscribe.sources.tango.databases import connect
from nxscribe.sources.tango.tango_errors import explain, is_database_away
from nxscribe.tango_text import text_of


class AliasConnection:
    """Blocking calls, for one thread, to the device that has the attribute. The database is asked at first, and again
    when the device does not answer or somebody asks to learn anew: it may have given the alias to another attribute.
    """

    def __init__(self, device: str, follower: ConfigurationFollower) -> None:
        """`device` is `alias in host:port/alias`; `follower` subscribes to changes of units and labels."""
        self.name = device
        self._hosts, _, self._alias = device.removeprefix(ALIAS).partition("/")
        self._follower = follower
        self._link: AttributeConnection | None = None
        self._attribute = ""
        """Its full name."""
        self._targets: dict[Address, Address] = {}
        self._is_sure = False
        self._connections_before = 0

    @property
    def connections(self) -> int:
        """How often it was connected, to whatever device."""
        return self._connections_before + (self._link.connections if self._link else 0)

    def thread_context(self) -> AbstractContextManager[object]:
        """Register the thread with omniORB, which every thread has to do once that calls Tango."""
        return cast("AbstractContextManager[object]", tango.EnsureOmniThread())

    def read(
        self, names: Sequence[Address], timeout_s: float, *, scan: ScanNames = NO_SCAN, asks_units: bool = False
    ) -> DeferredReadings:
        """A reading for the attribute's value, its set point, or both."""
        link = self._resolved()
        by_target = {self._target(name): name for name in names}
        try:
            told = link.read(list(by_target), timeout_s, scan=scan, asks_units=asks_units)
        except RequestError:
            raise
        except SourceError:
            self._is_sure = False
            raise

        def make() -> Mapping[Address, Reading]:
            return {by_target[target]: reading for target, reading in told.make().items()}

        return DeferredReadings(make, lambda: [by_target[target] for target in told.outdated()], told.settle_s)

    def refresh(self, timeout_s: float, interrupted: Callable[[], bool]) -> bool:
        """Read units and labels again until something interrupts it; returns whether all were read."""
        return self._resolved().refresh(timeout_s, interrupted)

    def doubt(self) -> None:
        """Ask the database again, and read units and labels again, at the next read. Any thread may call this."""
        self._is_sure = False
        if link := self._link:
            link.doubt()

    def subscribe(self, name: Address, heard: Callable[[Reading], None]) -> str:
        """Have `heard` called with each event of the attribute; returns which events it pushes."""
        return self._resolved().subscribe(self._target(name), heard)

    def unsubscribe(self, name: Address) -> None:
        """End the subscription."""
        if self._link and name in self._targets:
            self._link.unsubscribe(self._targets[name])

    def close(self) -> None:
        """Release the connection."""
        if self._link:
            self._link.close()

    def _target(self, name: Address) -> Address:
        """The address of the attribute that the alias stands for: its set point if that of the alias is meant."""
        if name not in self._targets:
            self._targets[name] = attribute_address(self._attribute + f"#{WRITE}" * (name.part == WRITE), "")
        return self._targets[name]

    def _resolved(self) -> AttributeConnection:
        link = self._link
        if link is not None and self._is_sure:
            return link
        # Set before the database is asked: a doubt that arrives meanwhile has it asked again.
        self._is_sure = True
        try:
            attribute = self._look_up()
        except SourceError:
            self._is_sure = False
            raise
        if link is not None and attribute.full == self._attribute:
            return link
        if link is not None:
            self._connections_before += link.connections + 1
            link.close()
        self._attribute, self._targets = attribute.full, {}
        self._link = AttributeConnection(attribute.endpoint.name, self._follower)
        return self._link

    def _look_up(self) -> Address:
        what = f"the alias {self._alias}"
        try:
            _, database = connect(self._hosts)
            found = text_of(database.command_inout("DbGetAliasAttribute", self._alias))
        except tango.DevFailed as error:
            if is_database_away(error):
                raise SourceError(explain(what, error.args)) from None
            raise SourceError(_no_alias(what)) from None
        try:
            attribute = attribute_address(found, self._hosts)
        except InputError:
            raise SourceError(_no_alias(what)) from None
        if not attribute.endpoint.name.startswith(PROTOCOL):
            raise SourceError(_no_alias(what))
        return attribute


def _no_alias(what: str) -> str:
    return Problem(
        f"{what} could not be read",
        "the Tango database does not know this alias of an attribute",
        "write domain/family/member/attribute, or define the alias; a fixed text is written {value: …}",
    ).explanation
