"""Work without a trigger: closes forgotten scans, removes old records, and frees unused space in the journal."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar, Final

from nxscribe.errors import NxscribeError
from nxscribe.records import EndReason, Journal
from nxscribe.runtime import SYSTEM_CLOCK, Clock, SupervisedThread
from nxscribe.runtime.logger import get_logger
from nxscribe.service.config import Config, Retention
from nxscribe.service.scan.session import Session
from nxscribe.service.scan.status import ScanState
from nxscribe.service.upkeep.retention import retain

log = get_logger()

_MOST_S = 60.0
_LEAST_S = 0.5
_DAY_S = 86400.0
_STUCK_S: Final = 600.0
"""A turn that lasts longer hangs, with the disk of the journal or of the archive."""
PAGES_AT_ONCE: Final = 8
"""How many pages of the journal are freed in one step. A trigger that comes meanwhile waits for some milliseconds."""
BREATH_S: Final = 0.05
"""The pause after each step, in seconds."""


class _WorkByTheClock(ABC):
    """A thread that repeats its tasks. An error of one task has no effect on the others."""

    name: ClassVar[str]
    may_hang_with_disk: ClassVar[bool] = False
    """Whether a task can hang with a disk of the user. Then the end of the daemon does not wait for it."""

    def __init__(
        self,
        journal: Journal,
        sessions: Iterable[Session],
        config: Callable[[], Config],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """`config` gives the config in force."""
        self._journal = journal
        self._sessions = tuple(sessions)
        self._config = config
        self._clock = clock
        self.thread = SupervisedThread(
            self.name,
            self._turn,
            daemon=self.may_hang_with_disk,
            longest_turn_s=lambda: _STUCK_S,
            waits_for_disk=self.may_hang_with_disk,
            clock=clock,
        )

    @property
    @abstractmethod
    def _tasks(self) -> tuple[Callable[[], None], ...]:
        """What one turn does."""

    def _turn(self) -> None:
        if not self._clock.wait(self.thread.stopping, _pause_s(self._config())):
            _do_all(*self._tasks)


class Housekeeper(_WorkByTheClock):
    """Closes scans that nobody ended, when they are older than the config allows."""

    name = "housekeeper"

    @property
    def _tasks(self) -> tuple[Callable[[], None], ...]:
        return (*(session.close_if_overdue for session in self._sessions), self._close_the_lost)

    def _close_the_lost(self) -> None:
        """Close overdue scans without a session: their device left the config, or their record was imported."""
        limit = timedelta(hours=self._config().limits.scan_hours)
        held = {session.open_record for session in self._sessions}
        for record in self._journal.open_records(on_damage=lambda _: None):
            if record.id not in held and self._clock.now() - record.start_time > limit:
                note = f"closed by rule, without final readings: the config has no session {record.session}"
                closed = replace(record, end_time=self._clock.now(), end_reason=EndReason.INTERRUPTED)
                self._journal.update(replace(closed, notes=(*record.notes, note)))
                log.warning("a scan without a session was closed", entry=record.entry, master=record.master)


class JournalKeeper(_WorkByTheClock):
    """Archives and removes records past their time, and makes the journal smaller, while no scan runs.

    It is separate from the housekeeper, because the folder of the archive can be on a disk that hangs.
    """

    name = "journal keeper"
    may_hang_with_disk = True
    _retained_at = -math.inf
    _retained_by: Retention | None = None
    _told_of_no_shrinking = False

    @property
    def _tasks(self) -> tuple[Callable[[], None], ...]:
        return self._retain, self._shrink

    @property
    def _is_idle(self) -> bool:
        return all(session.status.state is ScanState.IDLE for session in self._sessions)

    def _retain(self) -> None:
        """Once a day and whenever the rule has changed, at a moment without a scan."""
        rule = self._config().retention
        is_due = rule != self._retained_by or self._clock.monotonic() - self._retained_at >= _DAY_S
        if not (is_due and self._is_idle):
            return
        self._retained_at, self._retained_by = self._clock.monotonic(), rule
        done = retain(self._journal, rule, self._clock.now())
        if done.removed:
            log.info("journal tidied", removed=done.removed, archive=str(done.archive))

    def _shrink(self) -> None:
        """Give unused pages of the journal back, a few at a time, while no scan runs."""
        steps = 0
        while self._is_idle and self._journal.unused_share() * 100 >= self._config().retention.vacuum_percent:
            if not self._journal.can_shrink:
                self._tell_of_no_shrinking()
                return
            self._journal.shrink(PAGES_AT_ONCE)
            self.thread.note_progress()
            steps += 1
            if self._clock.wait(self.thread.stopping, BREATH_S):
                break
        if steps:
            log.info("journal made smaller", unused_percent=round(self._journal.unused_share() * 100, 1))

    def _tell_of_no_shrinking(self) -> None:
        if not self._told_of_no_shrinking:
            self._told_of_no_shrinking = True
            log.warning(
                "the journal cannot be made smaller beside triggers: an earlier version made it",
                remedy="none is needed, its unused room is used again; a restart rewrites it if a quarter is unused",
            )


def _pause_s(config: Config) -> float:
    return min(max(config.limits.scan_hours * 3600 / 10, _LEAST_S), _MOST_S)


def _do_all(*tasks: Callable[[], None]) -> None:
    """Do each task; what goes wrong with one costs the others nothing. Raises ExceptionGroup of what is unforeseen."""
    unforeseen: list[Exception] = []
    for task in tasks:
        try:
            task()
        except NxscribeError as error:
            log.error("not tidied", reason=str(error))
        except Exception as error:  # noqa: BLE001 - the supervision logs and tells it
            unforeseen.append(error)
    if unforeseen:
        raise ExceptionGroup("tidying failed", unforeseen)
