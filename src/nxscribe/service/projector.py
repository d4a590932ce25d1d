"""The projector: makes files from committed records, in order, apart from every trigger.

It takes what the journal says is due, gives it to the writer process, and notes the outcome. What fails is tried
again with growing pauses for as long as it takes; what crashes the writer again and again, or keeps it at work without
end, is set aside.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from nxscribe.errors import NxscribeError
from nxscribe.model import now
from nxscribe.projections import EntryTakenError, Failure, ProjectionError, Worker, Written
from nxscribe.records import Journal, Record, Work

log = structlog.get_logger()

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_LONGEST_PAUSE_AFTER_HANG_S = 600.0
"""Each such attempt keeps the writer for the whole time limit."""
_LONG_S = 1.0
_CRASHES_UNTIL_SET_ASIDE = 3
_SHARE_OF_AGE = 0.25
"""Raw files that are awaited are looked at again after this share of the time since the scan's end."""
_IDLE_S = 1.0
"""How long to sleep when nothing is due: a commit ends the sleep at once."""


class Projector:
    """A thread that drains the journal's outbox through one writer process."""

    def __init__(
        self,
        journal: Journal,
        worker: Worker,
        tried: Callable[[Work, Written | None], None],
        renumbered: Callable[[Record], None],
        troubled: Callable[[], None],
    ) -> None:
        """`tried` is called after each attempt, with what was written if it was; `renumbered` when another's entry had
        the place of a record's; `troubled` when `trouble` has changed. All in the projector's thread.
        """
        self._journal = journal
        self._worker = worker
        self._tried = tried
        self._renumbered = renumbered
        self._troubled = troubled
        self.trouble = ""
        """Why the journal cannot tell what is to be written, or not take what became of it; empty when it can."""
        self._lacking: dict[str, int] = {}
        self._told_of_locks = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="projector")
        self.last_turn = time.monotonic()
        """When the thread last moved; while the writer works it does not, up to the writer's time limit."""

    def start(self) -> None:
        """Begin with whatever a former run left undone."""
        self._thread.start()

    def wake(self) -> None:
        """Look at the journal now: something was committed."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the file at hand and end. What is due stays in the journal for the next run."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._worker.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            self.last_turn = time.monotonic()
            try:
                self._drain()
            except NxscribeError as error:
                self._note(str(error))
            else:
                self._note("")
            self._wake.wait(_IDLE_S)

    def _note(self, trouble: str) -> None:
        if trouble == self.trouble:
            return
        if trouble:
            log.error("journal unusable for projections", reason=trouble)
        else:
            log.info("journal usable again")
        self.trouble = trouble
        self._troubled()

    def _drain(self) -> None:
        while not self._stopping.is_set() and (due := self._journal.due(now())):
            for work in due:
                if self._stopping.is_set():
                    return
                self.last_turn = time.monotonic()
                self._project(work)
                if time.monotonic() - self.last_turn > _LONG_S:
                    break  # A scan that came meanwhile goes before what failed already.

    def _project(self, work: Work) -> None:
        try:
            written = self._worker.project(work.record_id)
        except EntryTakenError as error:
            self._renumber(work, error)
            return
        except ProjectionError as error:
            retry_at = _retry_at(work, error)
            self._journal.failed(work, str(error), retry_at)
            # For a weekend without its disk, each scan has one line, and not one a minute.
            tell = log.debug if retry_at and str(error) == work.last_error else log.error
            tell(
                "file not written" if retry_at else "record set aside",
                record=work.record_id,
                entry=work.entry,
                attempt=work.attempts + 1,
                retry_at=retry_at and retry_at.isoformat(timespec="seconds"),
                reason=str(error),
            )
            self._tried(work, None)
            return
        self._keep(work, written)
        log.info(
            "file written",
            entry=written.entry,
            master=str(written.master),
            values=written.values,
            missing=len(written.missing),
            complete=written.complete,
            **({"pending": len(written.pending)} if written.awaits_raw else {}),
        )
        self._see_to_master(work, written)
        if not written.alone and not self._told_of_locks:
            self._told_of_locks = True
            log.warning(
                "the data root takes no locks: no two daemons may write into one experiment",
                master=str(written.master),
                remedy="mount it with locks (flock)",
            )
        for warning in written.warnings:
            log.warning("in the file", entry=written.entry, what=warning)
        self._tried(work, written)

    def _see_to_master(self, work: Work, written: Written) -> None:
        """Tell of a master that lacks what was written to it before: someone took it away, or put an old one there.

        It is not mended here: the experiment may begin anew on purpose, with its former files in an archive.
        """
        lacking = self._journal.count_made(work.master) - written.shown
        if lacking > 0 and self._lacking.get(work.master) != lacking:
            remedy = "`nxscribe fsck CONFIG --mend` makes them again"
            log.warning("the master lacks entries", master=str(written.master), entries=lacking, remedy=remedy)
        self._lacking.pop(work.master, None)
        if lacking > 0:
            self._lacking[work.master] = lacking

    def _renumber(self, work: Work, taken: EntryTakenError) -> None:
        """Two daemons gave one number: whose entry came second takes the next one, and is due again at once."""
        record = self._journal.renumber(work.record_id, taken.free_from)
        log.warning("entry renumbered", before=work.entry, entry=record.entry, record=record.id, reason=str(taken))
        self._renumbered(record)

    def _keep(self, work: Work, written: Written) -> None:
        """Note in the journal what is done with, and what is to be done again."""
        if not written.awaits_raw and not written.found:
            self._journal.done(work)
            return
        record, revision = self._journal.revised(work.record_id)
        if revision != work.revision:
            return  # It is due anyhow.
        if written.awaits_raw and record.end_time:
            age_s = (now() - record.end_time).total_seconds()
            pause_s = min(max(age_s * _SHARE_OF_AGE, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            self._journal.postponed(work, now() + timedelta(seconds=pause_s))
            return
        # What was found is from now on what the scan left, whatever comes into those folders later.
        searches = tuple(search for search in record.searches if search.detector not in _detectors(written))
        self._journal.update(replace(record, raw=(*record.raw, *written.found), searches=searches))


def _detectors(written: Written) -> frozenset[str]:
    return frozenset(series.detector for series in written.found)


def _retry_at(work: Work, error: ProjectionError) -> datetime | None:
    attempts = work.attempts + 1
    if error.failure in {Failure.CRASHED, Failure.ENDLESS} and attempts >= _CRASHES_UNTIL_SET_ASIDE:
        return None
    longest_s = _LONGEST_PAUSE_AFTER_HANG_S if error.failure is Failure.HUNG else _LONGEST_PAUSE_S
    return now() + timedelta(seconds=min(_FIRST_PAUSE_S * 2 ** min(attempts - 1, 10), longest_s))
