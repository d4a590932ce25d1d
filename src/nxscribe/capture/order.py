"""What one read wants of one device, and what is asked for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from nxscribe.capture.answers import Answers, Told
from nxscribe.capture.names import TangoName
from nxscribe.capture.relay import Relay
from nxscribe.model import Reading


class Link(Protocol):
    """Blocking calls to whatever is at the other end. Each raises DeviceError when there is no answer."""

    @property
    def connections(self) -> int:
        """How often it was connected: a new number may mean a new server, with other events."""

    def read(self, names: Sequence[TangoName], timeout_s: float) -> Told:
        """A reading for each name, failures of single ones included."""

    def refresh(self, timeout_s: float) -> None:
        """Learn anew what is kept between readings."""

    def subscribe(self, name: TangoName, heard: Callable[[Reading], None]) -> str:
        """Have `heard` called, in whatever thread, with each reading that comes by itself; say which events bring it,
        or nothing where there are none.
        """

    def unsubscribe(self, name: TangoName) -> None:
        """End that."""


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """What one read wants of one device."""

    names: tuple[TangoName, ...]
    deadline: float
    """Monotonic seconds."""
    timeouts: Mapping[TangoName, float]
    """Attributes with a limit of their own, in seconds."""
    answers: Answers
    relay: Relay
    """To be told as soon as the order is taken."""
