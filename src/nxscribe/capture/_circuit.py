"""The circuit breaker of one endpoint: whether it answers, and when to check it again. Times are monotonic seconds.

The breaker is open from the moment at which the endpoint does not answer a read until each of its addresses has been
read alone. An address that is slow or hangs, while the others answer, does not open the breaker: it is left out.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from nxscribe.capture._request import CLOCK, MonotonicClock
from nxscribe.model import now
from nxscribe.sources import Address

_CHECK_S: Final = (0.5, 10.0)
"""The first and the longest pause between two checks of an endpoint that fails; each is twice the one before."""
_RECHECK_S: Final = (10.0, 3600.0)
"""The same for an address that is left out: measuring it keeps its endpoint from answering others."""
_QUIET_S: Final = 60.0
_QUIET_BY_COST: Final = 20.0
"""An address that is left out is measured when no scan has asked its endpoint for so long, and for so many times as
long as measuring takes: then it is unlikely that a scan comes just while the endpoint is busy with it.
"""
_REFRESH_S: Final = 60.0
"""How old units and labels may become."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Since when and why an endpoint is not waited for."""

    since: datetime
    why: str


class CircuitBreaker:
    """What is known of an endpoint's state. Its worker thread alone changes it; `trouble` may be read by any thread."""

    def __init__(self, clock: MonotonicClock = CLOCK) -> None:
        self._clock = clock
        self.trouble: Trouble | None = None
        """Why the breaker is open; None while it is closed."""
        self.unchecked: list[Address] = []
        """What has to answer before the breaker closes."""
        self.left_out: set[Address] = set()
        """What was too slow for the last read."""
        self.blamed: Address | None = None
        """At which address the last check failed: perhaps its own fault, perhaps a neighbour's."""
        self._check_pause_s, self._recheck_pause_s = _CHECK_S[0], _RECHECK_S[0]
        self._check_at, self._recheck_at = 0.0, 0.0
        self._quiet_from, self._quiet_s = clock(), _QUIET_S
        # Spread, so that not all endpoints are asked at once.
        self._refresh_at = clock() + _REFRESH_S * random.uniform(0.5, 1.0)  # noqa: S311 - no secret

    def open(self, why: str, since: datetime | None = None) -> None:
        """Note that the endpoint did not answer. Where the breaker is open already, the beginning is kept."""
        self.trouble = Trouble(self.trouble.since if self.trouble else since or now(), why)

    def close(self) -> None:
        """Note that the endpoint answers."""
        if self.trouble is None:
            return
        self.trouble = None
        self.blamed = None
        self._check_pause_s = _CHECK_S[0]

    def check_soon(self, addresses: Iterable[Address]) -> None:
        """Check addresses at the next occasion."""
        self.check_later(addresses)
        self._check_at = 0.0

    def check_later(self, addresses: Iterable[Address]) -> None:
        """Check addresses after a pause."""
        self.unchecked += [address for address in addresses if address not in self.unchecked]
        self._check_at = self._clock() + self._check_pause_s

    def extend_backoff(self) -> None:
        """Note that a check failed: the next comes after a longer pause."""
        self._check_pause_s = min(2 * self._check_pause_s, _CHECK_S[1])
        self._check_at = self._clock() + self._check_pause_s

    def asked(self) -> None:
        """Note that a scan asks the endpoint."""
        self._quiet_from = self._clock()

    def leave_out(self, addresses: Collection[Address], cost_s: float) -> None:
        """Note which addresses were too slow for a read, and how many seconds the slowest of them takes."""
        if addresses and not self.left_out:
            self._recheck_at = self._clock() + self._recheck_pause_s
        self.left_out.update(addresses)
        self._quiet_s = max(_QUIET_S, _QUIET_BY_COST * cost_s)

    def rechecked(self, *, in_vain: bool) -> None:
        """Note that what is left out was measured: in vain, the next time comes after a longer pause."""
        self._recheck_pause_s = min(2 * self._recheck_pause_s, _RECHECK_S[1]) if in_vain else _RECHECK_S[0]
        self._recheck_at = self._clock() + self._recheck_pause_s

    def refreshed(self) -> None:
        """Note that units and labels are fresh."""
        self._refresh_at = self._clock() + _REFRESH_S

    def refresh_soon(self) -> None:
        """Note that there was no time for all units and labels: the rest is due."""
        self._refresh_at = 0.0

    def keep_only(self, addresses: Collection[Address]) -> None:
        """Forget what is known of all other addresses."""
        self.unchecked = [address for address in self.unchecked if address in addresses]
        self.left_out = {address for address in self.left_out if address in addresses}
        if self.blamed not in addresses:
            self.blamed = None

    @property
    def check_due(self) -> bool:
        """Whether `unchecked` is to be checked now."""
        return bool(self.unchecked) and self._clock() >= self._check_at

    @property
    def recheck_due(self) -> bool:
        """Whether `left_out` is to be measured now."""
        return bool(self.left_out) and self._clock() >= self._next_recheck_at

    @property
    def _next_recheck_at(self) -> float:
        return max(self._recheck_at, self._quiet_from + self._quiet_s)

    @property
    def refresh_due(self) -> bool:
        """Whether units and labels have grown old."""
        return self._clock() >= self._refresh_at

    @property
    def idle_s(self) -> float:
        """How long nothing is due."""
        due = [self._refresh_at]
        due += [self._check_at] if self.unchecked else []
        due += [self._next_recheck_at] if self.left_out else []
        return max(0.0, min(due) - self._clock())
