"""Supervision of all threads and child processes of the daemon: it watches them, restarts them, and reports errors."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from nxscribe.runtime._clock import SYSTEM_CLOCK, Clock
from nxscribe.runtime.logger import get_logger

log = get_logger()

_PAUSE_S: Final = (1.0, 60.0)
"""The first and the longest pause after an unforeseen error; each pause is twice the one before."""


class SupervisedPart(Protocol):
    """A part of the daemon that a supervisor watches."""

    @property
    def trouble(self) -> str:
        """The error of the part, as a message for an operator; empty while it works."""

    @property
    def needs_new_process(self) -> bool:
        """Whether only a new daemon process can make the part work again. The watchdog is not fed then."""

    def restart_if_ended(self) -> None:
        """Start the part again if it has ended by itself and its pause is over. Must not wait."""


class Supervisor:
    """Watches all parts of one process. The main loop calls `check` regularly."""

    def __init__(self) -> None:
        self._parts: list[SupervisedPart] = []
        self.troubles: tuple[str, ...] = ()
        """What was wrong with the parts at the last check, for an operator to read. It is asked for at each change of
        a status, and there are as many parts as devices: therefore it is not looked up each time."""

    def add(self, part: SupervisedPart) -> None:
        """Watch one more part."""
        self._parts.append(part)

    def remove(self, part: SupervisedPart) -> None:
        """Stop watching a part, because it is no longer needed."""
        self._parts.remove(part)

    def check(self) -> bool:
        """Collect the errors, and restart the parts that have ended. Returns whether all live and make progress."""
        self.troubles = tuple(trouble for part in tuple(self._parts) if (trouble := part.trouble))
        for part in tuple(self._parts):
            try:
                part.restart_if_ended()
            except Exception:
                log.exception("a part of the daemon could not be started again", part=part.trouble)
        return not any(part.needs_new_process for part in tuple(self._parts))


class SupervisedThread:
    """A thread that calls `turn` again and again until it is stopped.

    An exception that `turn` raises is logged with its trace back and stands in `trouble` until a later turn
    succeeds. The next turn follows after a growing pause. Should the thread end all the same, `restart_if_ended`
    starts another one.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], None],
        *,
        surroundings: Callable[[], AbstractContextManager[object]] = nullcontext,
        daemon: bool = False,
        longest_turn_s: Callable[[], float] | None = None,
        waits_for_disk: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Prepare the thread. `start` starts it.

        Args:
            name: The name of the thread in the log and in `trouble`.
            turn: One turn of its work. It waits if there is nothing to do, and it must check `stopping`
                while it waits.
            surroundings: Makes a context manager that the whole thread runs in.
            daemon: Whether the process may end while a turn is under way.
            longest_turn_s: How many seconds a turn may last without `note_progress`; beyond that the thread is stuck.
                None: there is no limit.
            waits_for_disk: Whether a turn can hang with a disk of the user. A new process would hang as well, so a
                stuck thread is reported, and the watchdog is fed all the same.
            clock: The clock for turns and pauses.
        """
        self.name = name
        self._turn = turn
        self._surroundings = surroundings
        self._is_daemon = daemon
        self._longest_turn_s = longest_turn_s
        self._waits_for_disk = waits_for_disk
        self._clock = clock
        self.stopping = threading.Event()
        """Set when the thread is to end. A turn may wait for it."""
        self._error = ""
        self._pause_s = _PAUSE_S[0]
        self._not_before = 0.0
        self._progress_at = math.inf
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=self._is_daemon)
        self._thread.start()

    def stop(self, timeout_s: float | None = None) -> bool:
        """End after the turn under way, and wait for that: at most `timeout_s` seconds, by default without a limit.

        Returns whether the thread has ended. A thread that hangs is abandoned.
        """
        self.stopping.set()
        thread = self._thread
        if thread and thread.is_alive():
            thread.join(timeout_s)
        return not (thread and thread.is_alive())

    def note_progress(self) -> None:
        """Note, in a long turn, that the work makes progress."""
        self._progress_at = self._clock.monotonic()

    @property
    def ident(self) -> int | None:
        """Python's number of the thread that runs, as `threading.get_ident` gives it."""
        return self._thread.ident if self._thread else None

    @property
    def trouble(self) -> str:
        """The unexpected error of the last turn, or that the thread has ended or is stuck; empty while it works."""
        if self._has_ended:
            return f"the {self.name} has ended, and is started again"
        if self._is_stuck:
            silent_s = self._clock.monotonic() - self._progress_at
            return f"the {self.name} has made no progress for {silent_s:.0f} s: something that it waits for hangs"
        return self._error

    @property
    def needs_new_process(self) -> bool:
        """Whether the thread has ended and is not started again yet, or is stuck where a new process may help."""
        return self._has_ended or (self._is_stuck and not self._waits_for_disk)

    def restart_if_ended(self) -> None:
        """Start the thread again if it has ended although nobody stopped it, after a pause that grows."""
        present = self._clock.monotonic()
        if self._has_ended and present >= self._not_before:
            self._not_before = present + self._next_pause_s()
            log.error("a thread of the daemon ended by itself and is started again", thread=self.name)
            self.start()

    @property
    def _has_ended(self) -> bool:
        thread = self._thread
        return bool(thread and not thread.is_alive() and thread.ident and not self.stopping.is_set())

    @property
    def _is_stuck(self) -> bool:
        if self._longest_turn_s is None or self.stopping.is_set():
            return False
        return self._clock.monotonic() - self._progress_at > self._longest_turn_s()

    def _run(self) -> None:
        try:
            with self._surroundings():
                while not self.stopping.is_set():
                    self._do_turn()
        except BaseException:
            log.exception("unforeseen error ends a thread", thread=self.name)

    def _do_turn(self) -> None:
        self.note_progress()
        try:
            self._turn()
        # SystemExit too: an `exit` in a library must not end the thread.
        except BaseException as error:
            pause_s = self._next_pause_s()
            self._error = f"the {self.name} failed, and tries again: {type(error).__name__}: {error}"
            log.exception("unforeseen error in the background", thread=self.name, next_try_s=pause_s)
            self._progress_at = math.inf  # the pause does not mean a lack of progress
            self._clock.wait(self.stopping, pause_s)
        else:
            self._error = ""
            self._pause_s = _PAUSE_S[0]

    def _next_pause_s(self) -> float:
        pause_s = self._pause_s
        self._pause_s = min(2 * pause_s, _PAUSE_S[1])
        return pause_s
