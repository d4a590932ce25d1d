"""Handing out one read's orders: to a few devices' threads at a time, each of which sets off the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

_LANES: Final = 24


class Relay:
    """Orders on their way to their devices, the first first.

    Hundreds of threads that are woken at once all wait for Python's one lock, and waking to ask for it again and again
    they take the processor from those who work. So a thread that begins sets off the next one before it asks its
    device anything.
    """

    def __init__(self) -> None:
        self._left: deque[Callable[[], None]] = deque()

    def add(self, send: Callable[[], None]) -> None:
        """Have an order sent when its turn comes."""
        self._left.append(send)

    def pass_on(self) -> None:
        """Send one more. Any thread may say so."""
        try:
            send = self._left.popleft()
        except IndexError:
            return
        send()

    def set_off(self) -> None:
        """Begin, or begin again: whatever holds a thread up shall not hold up those after it."""
        for _ in range(_LANES):
            self.pass_on()
