"""A kind of source whose endpoints do what a test says, by a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from fake_clock import FakeClock

from nxscribe.model import Reading, now
from nxscribe.sources import (
    NO_SCAN,
    Address,
    Connection,
    Connector,
    DeferredReadings,
    Endpoint,
    Origin,
    RequestError,
    ScanNames,
    SourceError,
    SourceKind,
)

KEY = "fake"


def address(member: str, *scan_names: str) -> Address:
    return Address(Endpoint(KEY, "one"), member, f"one/{member}", scan_names=scan_names)


@dataclass
class FakeConnection:
    """An endpoint that answers its members one after another, each in its own time."""

    clock: FakeClock
    name: str = "one"
    connections: int = 1
    latencies: dict[str, float] = field(default_factory=dict)
    """Seconds, by member; a member that is not here takes no time."""
    down: str = ""
    """Why the whole endpoint does not answer; empty while it does."""
    crash: Exception | None = None
    outdated: set[str] = field(default_factory=set)
    events: dict[str, Callable[[Reading], None]] = field(default_factory=dict)
    pushes: bool = False
    requests: list[list[str]] = field(default_factory=list)
    scans: list[ScanNames] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    during: Callable[[], None] = lambda: None
    """What happens while a request is under way."""

    def thread_context(self) -> AbstractContextManager[object]:
        return nullcontext()

    def read(
        self, addresses: Sequence[Address], timeout_s: float, *, scan: ScanNames = NO_SCAN, asks_units: bool = False
    ) -> DeferredReadings:
        del asks_units
        members = [one.member for one in addresses]
        self.requests.append(members)
        self.scans.append(scan)
        if self.crash:
            raise self.crash
        if self.down:
            raise SourceError(self.down)
        takes_s = sum(self.latencies.get(member, 0.0) for member in members)
        self.clock.advance(min(takes_s, timeout_s))
        self.during()
        if takes_s > timeout_s:
            raise RequestError(f"{self.name} did not answer in time", slow=True)
        outdated = [one for one in addresses if one.member in self.outdated]
        readings = {one: Reading(one.full, now(), np.asarray(self.values.get(one.member, 1.0))) for one in addresses}
        return DeferredReadings(lambda: readings, lambda: outdated)

    def refresh(self, timeout_s: float, interrupted: Callable[[], bool]) -> bool:
        del timeout_s, interrupted
        return True

    def doubt(self) -> None:
        pass

    def subscribe(self, one: Address, heard: Callable[[Reading], None]) -> str:
        if self.pushes:
            self.events[one.member] = heard
            return "events"
        return ""

    def unsubscribe(self, one: Address) -> None:
        self.events.pop(one.member, None)

    def close(self) -> None:
        pass


class FakeConnector(Connector):
    def __init__(self, connections: Mapping[str, Connection]) -> None:
        self._connections = connections

    def address(self, name: str) -> Address:
        endpoint, _, member = name.partition("/")
        return Address(Endpoint(KEY, endpoint), member, name)

    def connect(self, endpoint: Endpoint) -> Connection:
        return self._connections[endpoint.name]

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class FakeSource(Origin):
    kind: ClassVar[str] = KEY

    name: str

    def in_words(self) -> str:
        return self.name

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)


class FakeKind(SourceKind):
    """The kind of sources that a test's connections serve."""

    key = KEY
    annotation = str
    description = "For tests."

    def __init__(self, **connections: Connection) -> None:
        self._connections = connections

    def origin(self, given: Any, written: object) -> FakeSource:
        del written
        return FakeSource(given)

    def connector(self, settings: object) -> FakeConnector:
        del settings
        return FakeConnector(self._connections)
