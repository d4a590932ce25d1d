"""What each attribute of a device costs: how long it takes, so that a slow one is not asked with its neighbours.

A Tango device answers its attributes one after another, and a request that holds a slow one fails as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

from nxscribe.capture.names import TangoName

_SHARE = 0.75
"""The part of the time that one request may take while something can still be saved after it."""

_MARGIN = 1.2


class Costs:
    """Seconds by attribute, as last measured alone. Unknown until then; infinite for one that never answers."""

    def __init__(self) -> None:
        self._seconds: dict[TangoName, float] = {}

    def divide(
        self, names: Collection[TangoName], budget_s: float
    ) -> tuple[list[TangoName], list[TangoName], list[TangoName]]:
        """Those to ask together, those to ask alone as they are not known yet, those that would take too long: the
        quicker go before the slower.
        """
        seconds = self._seconds
        if sum([seconds.get(name, math.inf) for name in names]) <= budget_s:
            return list(names), [], []
        together: list[TangoName] = []
        alone: list[TangoName] = []
        too_slow: list[TangoName] = []
        total = 0.0
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

    def timeout_s(self, names: Sequence[TangoName], remaining_s: float, others: Sequence[object]) -> float:
        """How long a request may take, so that something can still be saved after it failed, or the others asked."""
        if len(names) == 1 and not others:
            return remaining_s
        return min(remaining_s, max(_SHARE * remaining_s, self.needed_s(names)))

    def needed_s(self, names: Sequence[TangoName]) -> float:
        """How long a request takes, as far as is known, and a little more."""
        return _MARGIN * sum([self._seconds.get(name, 0.0) for name in names])

    @property
    def seconds(self) -> dict[TangoName, float]:
        """All that is known, as of now."""
        return self._seconds.copy()

    def seconds_of(self, name: TangoName) -> float:
        """What one attribute takes, as far as is known."""
        return self._seconds.get(name, 0.0)

    def fits(self, name: TangoName, limit_s: float) -> bool:
        """Whether an attribute can answer in time, as far as is known."""
        return self._seconds.get(name, 0.0) <= limit_s

    def note(self, names: Sequence[TangoName], seconds: float) -> None:
        """A request took this long. For several it tells only that none of them takes longer."""
        known = self._seconds
        for name in names:
            if len(names) == 1 or seconds < known.get(name, math.inf):
                known[name] = seconds

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
