"""How long a daemon that did not answer is left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_SHARE: Final = 30
"""A rest is so many times as long as what the failure cost: a quick refusal of a connection is soon tried again, and a
time-out of two seconds is followed by a minute."""


class Rest:
    """The rest after a failure."""

    def __init__(self, longest_s: float, clock: Callable[[], float]) -> None:
        """`clock` gives seconds of a clock that nobody sets."""
        self._longest_s = longest_s
        self._clock = clock
        self._until = clock()

    @property
    def left_s(self) -> float:
        """How much of the rest is left; 0 without one."""
        return max(self._until - self._clock(), 0.0)

    def begin(self, cost_s: float) -> None:
        """Rest after a failure for which the control system has waited so long."""
        self._until = self._clock() + min(_SHARE * cost_s, self._longest_s)
