"""The latency of each address of an endpoint, so that a slow address is not read together with others.

An endpoint may read its addresses one after another, as Tango devices do. Then a request that contains a slow address
fails as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

from nxscribe.capture._request import CLOCK, MonotonicClock
from nxscribe.sources import Address

_SHARE = 0.75
"""The part of the remaining time that one request may take, so that time is left for others if it fails."""

_MARGIN = 1.2
_SLOW_S = 0.1
"""An address that takes longer is asked alone, after the others."""
_RELAPSE_S = 600.0
"""An address that exceeds its time twice within this interval is not asked in scans until it was measured again."""


class LatencyTable:
    """Seconds by address, as last measured alone. Unknown until then; infinite for one that never answers."""

    def __init__(self, clock: MonotonicClock = CLOCK) -> None:
        self._clock = clock
        self._seconds: dict[Address, float] = {}
        self._exceeded_at: dict[Address, float] = {}
        """When each address last exceeded its time though it was asked alone (monotonic seconds)."""
        self._distrusted: set[Address] = set()

    def divide(
        self, addresses: Collection[Address], budget_s: float
    ) -> tuple[list[Address], list[Address], list[Address]]:
        """Divide addresses: those to ask together, those to ask alone after them, in order, and those too slow to ask.

        Alone are those that are not known yet, and those that are slow: a request fails as a whole when one of its
        attributes takes longer than it did before. The quicker go before the slower.
        """
        seconds = self._seconds
        quick_s = min(budget_s, _SLOW_S)
        if not self._distrusted and sum([seconds.get(address, math.inf) for address in addresses]) <= quick_s:
            return list(addresses), [], []
        together: list[Address] = []
        unknown: list[Address] = []
        slow: list[Address] = []
        too_slow: list[Address] = []
        total = 0.0
        for address in sorted(addresses, key=lambda address: seconds.get(address, 0.0)):
            cost = seconds.get(address)
            if address in self._distrusted:
                too_slow.append(address)
            elif cost is None:
                unknown.append(address)
            elif total + cost > budget_s:
                too_slow.append(address)
            else:
                total += cost
                (together if cost <= _SLOW_S else slow).append(address)
        return together, unknown + slow, too_slow

    def timeout_s(self, addresses: Sequence[Address], remaining_s: float, others: Sequence[object]) -> float:
        """How long a request may take, so that time is left for the others, and for its own addresses if it fails."""
        if len(addresses) == 1 and not others:
            return remaining_s
        return min(remaining_s, max(_SHARE * remaining_s, self.needed_s(addresses)))

    def needed_s(self, addresses: Sequence[Address]) -> float:
        """How long a request takes, as far as is known, and a little more."""
        return _MARGIN * sum([self._seconds.get(address, 0.0) for address in addresses])

    @property
    def seconds(self) -> dict[Address, float]:
        """A copy of all latencies that are known."""
        return self._seconds.copy()

    def seconds_of(self, address: Address) -> float:
        """How long one address takes, as far as is known."""
        return self._seconds.get(address, 0.0)

    def fits(self, address: Address, limit_s: float) -> bool:
        """Whether an address can answer in time, as far as is known."""
        return self._seconds.get(address, 0.0) <= limit_s

    def note(self, addresses: Sequence[Address], seconds: float) -> None:
        """Note how long a request took. For several addresses this is only an upper limit of each."""
        known = self._seconds
        for address in addresses:
            if len(addresses) == 1 or seconds < known.get(address, math.inf):
                known[address] = seconds

    def note_excess(self, address: Address) -> None:
        """Note that an address that was asked alone exceeded its time while others answered. Once may be chance."""
        present = self._clock()
        if present - self._exceeded_at.get(address, -math.inf) < _RELAPSE_S:
            self._distrusted.add(address)
        self._exceeded_at[address] = present

    def is_quick(self, address: Address) -> bool:
        """Whether it is asked together with others."""
        return self._seconds.get(address, math.inf) <= _SLOW_S

    def trust(self, address: Address) -> None:
        """Note that an address was measured again."""
        self._distrusted.discard(address)

    def forget(self, addresses: Iterable[Address]) -> None:
        """Forget the latencies of these: one of them was too slow, and it is not known which."""
        for address in addresses:
            self._seconds.pop(address, None)

    def keep_only(self, addresses: Collection[Address]) -> None:
        """Forget all other addresses."""
        self._seconds = {address: seconds for address, seconds in self._seconds.items() if address in addresses}
        self._exceeded_at = {address: at for address, at in self._exceeded_at.items() if address in addresses}
        self._distrusted = {address for address in self._distrusted if address in addresses}

    def note_never(self, address: Address) -> None:
        """Note that an address never answers, while others do."""
        self._seconds[address] = math.inf

    def in_words(self, address: Address) -> str:
        """How long it takes, in words."""
        seconds = self._seconds.get(address, 0.0)
        if address in self._distrusted:
            return f"takes longer than there is time again and again (last seen {seconds:.2g} s)"
        return "does not answer at all" if math.isinf(seconds) else f"takes {seconds:.2g} s"
