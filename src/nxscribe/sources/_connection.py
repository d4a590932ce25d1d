"""What the capture needs from everything that can be read: addresses, connections, and the errors of a connection.

This module and `nxscribe.capture` know no control system. A kind of source implements `Connection`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from nxscribe.model import Reading

ScanNames = Mapping[str, str]
"""The names of a scan: `proposal`, `beamline`, `sample`, `scan`, `technique`."""
SCAN_NAMES: Final = ("proposal", "beamline", "sample", "scan", "technique")
NO_SCAN: Final[ScanNames] = MappingProxyType({})


class Endpoint(NamedTuple):
    """Something that one worker thread and one connection serve: a device, a database, a web server."""

    kind: str
    """The key of the kind of source that connects to it."""
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Address:
    """Something that can be read from an endpoint.

    A reader has one object for each, and compares them by identity, which is fast.
    """

    endpoint: Endpoint
    member: str
    """The name at the endpoint."""
    full: str
    """The full name, for readings and messages."""
    part: str = ""
    """The part of the member, such as `write` for the set point of a Tango attribute. Empty: its value."""
    scan_names: tuple[str, ...] = ()
    """The names of the scan on which the value depends, because for another proposal it is different."""


@dataclass(frozen=True, slots=True)
class DeferredReadings:
    """The answer to one request, not yet converted.

    The thread that waits for the readings calls `make`, not the worker that received them: hundreds of workers that
    convert at the same time would compete for Python's global lock.
    """

    make: Callable[[], Mapping[Address, Reading]]
    outdated: Callable[[], Collection[Address]] = tuple
    """The addresses whose unit or labels may have changed while they were read. They are read again."""
    settle_s: float = 0.0
    """How many seconds to wait before `outdated` is called: the event of a change can arrive after the value."""


class SourceError(Exception):
    """The endpoint did not answer at all. The text has the form of every error: what; why; remedy."""


class RequestError(SourceError):
    """One request failed, and another one may succeed: a single address can make a request for several fail."""

    def __init__(self, text: str, *, slow: bool = False) -> None:
        super().__init__(text)
        self.slow = slow
        """Whether it took too long. The endpoint may still be working on it."""


class EventsNotReadyError(Exception):
    """It is not possible yet to subscribe to events. Try again shortly after."""


class Connection(Protocol):
    """Blocking calls to one endpoint. Only the worker thread of the endpoint calls them, unless a method says more.

    A class that derives from it inherits defaults for an endpoint without events, of which nothing is kept between two
    readings.
    """

    name: str
    """The name of the endpoint in messages."""

    @property
    def connections(self) -> int:
        """How often it was connected. After a new connection the worker subscribes to events again. By default 0."""
        return 0

    def thread_context(self) -> AbstractContextManager[object]:
        """The context in which the worker thread runs. By default it needs none."""
        return nullcontext()

    def read(
        self, addresses: Sequence[Address], timeout_s: float, *, scan: ScanNames = NO_SCAN, asks_units: bool = False
    ) -> DeferredReadings:
        """Read some addresses.

        Args:
            addresses: What to read, each of this endpoint.
            timeout_s: How many seconds it can take.
            scan: The names of the scan. It has every name in `scan_names` of an address.
            asks_units: Whether units and labels are read, too, if they do not come with the value. Then the answer is
                never outdated.

        Returns:
            A reading for each address, which can have a reason instead of a value.

        Raises:
            RequestError: This request failed.
            SourceError: The endpoint does not answer.
        """

    def refresh(self, timeout_s: float, interrupted: Callable[[], bool]) -> bool:
        """Read again what is kept between two readings (units, labels), until `interrupted` is true.

        Returns whether everything was read. If not, the next call continues. Raises SourceError. By default nothing is
        kept.
        """
        del timeout_s, interrupted
        return True

    def doubt(self) -> None:
        """Read again what is kept between two readings, before the next reading. Every thread can call this."""
        return  # mypy takes an empty body for an abstract method

    def subscribe(self, address: Address, heard: Callable[[Reading], None]) -> str:
        """Subscribe to events: `heard` is called, in any thread, with the reading of each event.

        Returns a description of the events; empty if there are none. Raises SourceError, and EventsNotReadyError if the
        subscription has to be tried again. By default there are no events.
        """
        del address, heard
        return ""

    def unsubscribe(self, address: Address) -> None:
        """End the subscription of an address."""
        del address

    def close(self) -> None:
        """Release the connection; by default there is nothing to release. No method is called afterwards."""
        return  # mypy takes an empty body for an abstract method
