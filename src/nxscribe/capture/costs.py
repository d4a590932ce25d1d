"""What each attribute of a device costs: how long it takes, so that a slow one is not asked with its neighbours.

A Tango device answers its attributes one after another, and a request that holds a slow one fails as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from nxscribe.capture.names import TangoName

_SHARE = 0.75
"""The part of the time that one request may take while others are to follow."""


class Costs:
    """Seconds by attribute, as last measured alone. Unknown until then; infinite for one that never answers."""

    def __init__(self) -> None:
        self._seconds: dict[TangoName, float] = {}

    def divide(
        self, names: Iterable[TangoName], budget_s: float
    ) -> tuple[list[TangoName], list[TangoName], list[TangoName]]:
        """Those to ask together, those to ask alone as they are not known yet, those that would take too long."""
        together: list[TangoName] = []
        alone: list[TangoName] = []
        too_slow: list[TangoName] = []
        total = 0.0
        seconds = self._seconds
        for name in sorted(names, key=lambda name: seconds.get(name, 0.0)):
            cost = seconds.get(name)
            if cost is None:
                alone.append(name)
            elif total + cost > budget_s:
                too_slow.append(name)
            else:
                total += cost
                together.append(name)
        return together, alone, too_slow

    def timeout_s(self, batch: Sequence[TangoName], remaining_s: float, *, last: bool) -> float:
        """How long a request may take, so that something can still be saved after it failed."""
        if last and len(batch) == 1:
            return remaining_s
        known = sum(self._seconds.get(name, 0.0) for name in batch)
        return min(remaining_s, max(_SHARE * remaining_s, 1.2 * known))

    def fits(self, name: TangoName, limit_s: float) -> bool:
        """Whether an attribute can answer in time, as far as is known."""
        return self._seconds.get(name, 0.0) <= limit_s

    def note(self, name: TangoName, seconds: float) -> None:
        """Keep what was measured."""
        self._seconds[name] = seconds

    def note_together(self, names: Iterable[TangoName], seconds: float) -> None:
        """A request for several took this long: none of them takes longer."""
        for name in names:
            self._seconds[name] = min(self._seconds.get(name, seconds), seconds)

    def forget(self, names: Iterable[TangoName]) -> None:
        """One of these was too slow, and nobody knows which."""
        for name in names:
            self._seconds.pop(name, None)

    def note_never(self, name: TangoName) -> None:
        """It does not answer, while its neighbours do."""
        self._seconds[name] = math.inf

    def told(self, name: TangoName) -> str:
        """The cost in words."""
        seconds = self._seconds.get(name, 0.0)
        return "does not answer at all" if math.isinf(seconds) else f"takes {seconds:.2g} s"

    def __repr__(self) -> str:
        seconds: Mapping[TangoName, float] = self._seconds
        return f"Costs({ {name.member: round(cost, 3) for name, cost in seconds.items()} })"
