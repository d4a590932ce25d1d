"""What is to be done by the clock and by no trigger: scans that nobody ends are closed."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import structlog

from nxscribe.errors import NxscribeError
from nxscribe.service.session import Session

log = structlog.get_logger()

_MOST_S = 60.0
_LEAST_S = 0.5


class Housekeeper:
    """A thread that looks at all sessions from time to time."""

    def __init__(self, sessions: Iterable[Session], scan_hours: float) -> None:
        """`scan_hours` is the limit at the start: it tells how often to look."""
        self._sessions = tuple(sessions)
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
                try:
                    session.close_if_overdue()
                except NxscribeError as error:
                    log.error("a scan that is overdue could not be closed", reason=str(error))
