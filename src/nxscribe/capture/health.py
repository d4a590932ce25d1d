"""Whether a device is well, and when to look again. Times are monotonic seconds.

A device is sick from when it did not answer a read until all that was asked of it has been heard again, each attribute
alone. An attribute that is slow, or hangs, while its neighbours answer does not make its device sick: it is left out.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from nxscribe.capture.names import TangoName
from nxscribe.model import now

_CHECK_S: Final = (0.5, 10.0)
"""The first and the longest pause between two checks of a sick device; each is twice the one before."""
_RECHECK_S: Final = (10.0, 300.0)
"""The same for an attribute that is left out: looking after it keeps its device from answering others."""
_REFRESH_S: Final = 60.0
"""How old units and labels may become."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Since when and why a device is not waited for."""

    since: datetime
    why: str


class Health:
    """What is known of a device's health. `trouble` may be asked and noted by any thread, the rest is for one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.trouble: Trouble | None = None
        self.unchecked: list[TangoName] = []
        """What has to be heard before the device is well."""
        self.left_out: set[TangoName] = set()
        """What was too slow for the last read."""
        self.blamed: TangoName | None = None
        """At which attribute the last check failed: perhaps its own fault, perhaps a neighbour's."""
        self._check_pause_s, self._recheck_pause_s = _CHECK_S[0], _RECHECK_S[0]
        self._check_at, self._recheck_at = 0.0, 0.0
        # Spread, so that not all devices are asked at once.
        self._refresh_at = time.monotonic() + _REFRESH_S * random.uniform(0.5, 1.0)  # noqa: S311 - no secret

    def fall_ill(self, why: str) -> None:
        """Note that the device did not answer; since when is kept."""
        with self._lock:
            self.trouble = Trouble(self.trouble.since if self.trouble else now(), why)

    def recover(self) -> None:
        """Note that it answers."""
        if self.trouble is None:
            return
        with self._lock:
            self.trouble = None
        self.blamed = None
        self._check_pause_s = _CHECK_S[0]

    def check_soon(self, names: Iterable[TangoName]) -> None:
        """Have attributes checked at the next occasion."""
        self.check_later(names)
        self._check_at = 0.0

    def check_later(self, names: Iterable[TangoName]) -> None:
        """Have attributes checked after a pause."""
        self.unchecked += [name for name in names if name not in self.unchecked]
        self._check_at = time.monotonic() + self._check_pause_s

    def check_in_vain(self) -> None:
        """Note that a check failed: the next comes after a longer pause."""
        self._check_pause_s = min(2 * self._check_pause_s, _CHECK_S[1])
        self._check_at = time.monotonic() + self._check_pause_s

    def leave_out(self, names: Collection[TangoName]) -> None:
        """Note which attributes were too slow for a read; none means that all are quick enough."""
        if not names:
            self._recheck_pause_s = _RECHECK_S[0]
        elif not self.left_out:
            self._recheck_at = time.monotonic() + self._recheck_pause_s
            self._recheck_pause_s = min(2 * self._recheck_pause_s, _RECHECK_S[1])
        self.left_out.update(names)

    def refreshed(self) -> None:
        """Note that units and labels are fresh."""
        self._refresh_at = time.monotonic() + _REFRESH_S

    @property
    def check_due(self) -> bool:
        """Whether `unchecked` shall be checked now."""
        return bool(self.unchecked) and time.monotonic() >= self._check_at

    @property
    def recheck_due(self) -> bool:
        """Whether `left_out` shall be looked after now."""
        return bool(self.left_out) and time.monotonic() >= self._recheck_at

    @property
    def refresh_due(self) -> bool:
        """Whether units and labels have grown old."""
        return time.monotonic() >= self._refresh_at

    @property
    def idle_s(self) -> float:
        """How long nothing is due."""
        due = [self._refresh_at]
        due += [self._check_at] if self.unchecked else []
        due += [self._recheck_at] if self.left_out else []
        return max(0.0, min(due) - time.monotonic())
