"""What is to be done by the clock and by no trigger: scans that nobody ends, records that are past their time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import structlog

from nxscribe.errors import NxscribeError
from nxscribe.model import now
from nxscribe.records import EndReason, Journal
from nxscribe.service.config import Retention
from nxscribe.service.retention import retain
from nxscribe.service.session import Session
from nxscribe.service.status import ScanState

log = structlog.get_logger()

_MOST_S = 60.0
_LEAST_S = 0.5
_DAY_S = 86400.0


class Housekeeper:
    """A thread that looks at all sessions from time to time."""

    def __init__(self, journal: Journal, sessions: Iterable[Session], scan_hours: float, rule: Retention) -> None:
        """`scan_hours` is the limit at the start: it tells how often to look. `rule` is for records."""
        self._journal = journal
        self._sessions = tuple(sessions)
        self._scan_hours = scan_hours
        self._rule = rule
        self._retained = float("-inf")
        self._pause_s = min(max(scan_hours * 3600 / 10, _LEAST_S), _MOST_S)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeper")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the session at hand."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._pause_s):
            for session in self._sessions:
                with _told():
                    session.close_if_overdue()
            with _told():
                self._close_the_lost()
            with _told():
                self._retain()

    def _retain(self) -> None:
        """Once a day, and at a moment without a scan."""
        idle = all(session.status.state is ScanState.IDLE for session in self._sessions)
        if not idle or time.monotonic() - self._retained < _DAY_S:
            return
        self._retained = time.monotonic()
        done = retain(self._journal, self._rule, now(), may_vacuum=True)
        if done.removed or done.vacuumed:
            log.info("journal tidied", removed=done.removed, archive=str(done.archive or ""), vacuumed=done.vacuumed)

    def _close_the_lost(self) -> None:
        """Scans that no session has: their device is not in the config any more, or their record was imported."""
        held = {session.open_record for session in self._sessions}
        for record in self._journal.open_records(on_damage=lambda _: None):
            if record.id not in held and now() - record.start_time > timedelta(hours=self._scan_hours):
                note = f"closed by rule, without final readings: the config has no session {record.session}"
                self._journal.update(
                    replace(record, end_time=now(), end_reason=EndReason.INTERRUPTED, notes=(*record.notes, note))
                )
                log.warning("a scan without a session was closed", entry=record.entry, master=record.master)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except NxscribeError as error:
        log.error("not tidied", reason=str(error))
