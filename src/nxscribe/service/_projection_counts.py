"""How many projections of each kind are waiting, failing or set aside, for status and device."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from nxscribe.errors import JournalError
from nxscribe.records import Journal, Queue
from nxscribe.runtime import SupervisedThread
from nxscribe.runtime.logger import get_logger

log = get_logger()

_IDLE_S: Final = 1.0
_STOP_S: Final = 1.0
_TOGETHER_S: Final = 0.01
"""The commits of this time are counted together, when their triggers are answered."""


class ProjectionCounts:
    """The counts of the journal's outbox. Reading them never waits for the journal.

    A trigger does not count, as long as all is well: it is answered before. From its commit until the count, each kind
    has at least one projection that waits, so that nobody takes the files of a new scan for written.
    """

    def __init__(self, journal: Journal, changed: Callable[[], object]) -> None:
        """Count once. `changed` is called by the thread when counts are other than they were shown.

        Raises JournalError.
        """
        self._journal = journal
        self._changed = changed
        self._lock = threading.Lock()
        self._commits = 0
        self._committed = threading.Event()
        self.by_kind: Mapping[str, Queue] = self._counted()
        """The counts of each kind of projection. The mapping is replaced, and never changed."""
        self.thread = SupervisedThread("counter of projections", self._turn, daemon=True)

    def note_commit(self) -> None:
        """Note that something was committed, of which projections are due. This waits for the journal only where some
        have failed: these may be the ones that are due anew, and no operator shall see a trouble that is over.
        """
        with self._lock:
            self._commits += 1
            self.by_kind = {kind: replace(one, waiting=max(one.waiting, 1)) for kind, one in self.by_kind.items()}
        if any(one.failing or one.set_aside for one in self.by_kind.values()):
            self.count()
        else:
            self._committed.set()

    def count(self) -> None:
        """Count now. What is committed meanwhile is counted afterwards, by the thread."""
        commits = self._commits
        try:
            counted = self._counted()
        except JournalError as error:
            log.error("the queue cannot be counted", reason=str(error))
            return
        with self._lock:
            if commits == self._commits:
                self.by_kind = counted

    def stop(self) -> None:
        """End the thread. A journal that does not answer is waited for only shortly."""
        self.thread.stopping.set()
        self._committed.set()
        self.thread.stop(_STOP_S)

    def _turn(self) -> None:
        if not self._committed.wait(_IDLE_S):
            return
        self._committed.clear()
        self.thread.stopping.wait(_TOGETHER_S)
        before = self.by_kind
        self.count()
        if self.by_kind != before:
            self._changed()

    def _counted(self) -> dict[str, Queue]:
        return {kind: self._journal.queue(kind) for kind in self._journal.projections}
