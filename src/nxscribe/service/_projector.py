"""The projector: has one kind of projection made from committed records, in order, without delaying a trigger.

It takes the due records from the journal, gives them to the writer process of the kind, and stores the outcome. A
record that fails is tried again after growing pauses, without a limit. If a record crashes the process repeatedly, or
keeps it busy until its time limit, it is tried once more without the parts that the projection can leave out. If this
fails, too, it is set aside.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from nxscribe.errors import Failure, NxscribeError, Problem
from nxscribe.projections import Done, Failed, Later, Once, Outcome, Projection, Remark, Renumber, Worker
from nxscribe.records import NEXUS, Journal, Work
from nxscribe.runtime import SYSTEM_CLOCK, Clock, SupervisedThread
from nxscribe.runtime.logger import get_logger
from nxscribe.service.events import Events

log = get_logger()

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_LONGEST_PAUSE_AFTER_HANG_S = 600.0
"""It is longer, because each such attempt occupies the writer for its whole time limit."""
_LONG_S = 1.0
_SLACK_S = 120.0
"""How much longer than the writer's time limit a turn may take before something else must be wrong: the start of the
writer process and a pause before it are in it.
"""
_CRASHES = 3
"""How often a record can crash the process before parts are left out, or it is set aside."""
_AT_ONCE = 50
"""How many records are taken from the journal at once."""
_IDLE_S = 1.0
"""How many seconds to wait if nothing is due. A commit ends the wait immediately."""
_NUMBER: Final = re.compile("0x[0-9a-f]+|[0-9]+")
"""Ages, sizes and addresses, which are different in each attempt."""


class Projector:
    """A thread that has all due projections of one kind made by the writer process of this kind."""

    def __init__(
        self, projection: Projection, journal: Journal, worker: Worker, events: Events, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """The worker is the projector's from now on. `events` hears of each attempt, and of what comes of it."""
        self.kind = projection.kind
        self._projection = projection
        self._journal = journal
        self.worker = worker
        self._events = events
        self._clock = clock
        self.trouble = ""
        """Why the journal cannot be read or written; empty if it can."""
        self._last_resorts: dict[str, tuple[int, str]] = {}
        """The records whose next attempt leaves out what is expendable, with their revision and the reason."""
        self._repeats = Repeats()
        self._said: set[str] = set()
        self._wake = threading.Event()
        name = "projector" if self.kind == NEXUS else f"projector of {self.kind}"
        # While the writer works there is no progress, up to its time limit.
        self.thread = SupervisedThread(
            name, self._turn, longest_turn_s=lambda: worker.timeout_s + _SLACK_S, clock=clock
        )

    def start(self) -> None:
        """Start the writer process and the thread."""
        self.worker.start()
        self.thread.start()

    def wake(self) -> None:
        """Look into the journal now, because something was committed."""
        self._wake.set()

    def stop(self) -> None:
        """End after the present record. Everything else that is due stays in the journal for the next start."""
        self.thread.stopping.set()
        self._wake.set()
        self.thread.stop()
        self.worker.close()

    def _turn(self) -> None:
        self._wake.clear()
        try:
            self._drain()
        except NxscribeError as error:
            self._note(str(error))
        else:
            self._note("")
        if not self.thread.stopping.is_set():
            self._clock.wait(self._wake, _IDLE_S)

    def _note(self, trouble: str) -> None:
        if trouble == self.trouble:
            return
        if trouble:
            log.error("journal unusable for projections", kind=self.kind, reason=trouble)
        else:
            log.info("journal usable again", kind=self.kind)
        self.trouble = trouble
        self._events.trouble_changed()

    def _drain(self) -> None:
        while not self.thread.stopping.is_set() and (due := self._due()):
            for work in due:
                if self.thread.stopping.is_set():
                    return
                self.thread.note_progress()
                began = self._clock.monotonic()
                self._try(work)
                if self._clock.monotonic() - began > _LONG_S:
                    break  # A scan that came meanwhile goes before what failed already.

    def _due(self) -> tuple[Work, ...]:
        return self._journal.due(self._clock.now(), _AT_ONCE, kind=self.kind, after=self._projection.after)

    def _try(self, work: Work) -> None:
        """Make the projection of one record. An error of one record has no effect on the others."""
        # A scan that has ended since its start was found due is made once, of its newest state, and then done with.
        work = replace(work, revision=self._journal.revision(work.record_id))
        try:
            outcome = self.worker.project(work.record_id, self._last_resort(work))
            self._keep(work, outcome)
        except NxscribeError:
            raise
        except Exception as error:
            what = Problem(
                f"the {self.kind} projection of {work.entry} was not made",
                f"an error that nobody foresaw: {type(error).__name__}: {error}",
                "report it with the trace back in the log; the record is safe and is tried again",
            )
            if str(what) != work.last_error:
                log.exception("file not written for an unforeseen reason", record=work.record_id, entry=work.entry)
            outcome = Failed((what,))
            self._journal.failed(work, str(what), self._retry_at(work, outcome))
        self._events.attempted(work, outcome)

    def _last_resort(self, work: Work) -> str:
        """Why this attempt leaves out what is expendable; empty if it does not."""
        revision, reason = self._last_resorts.get(work.record_id, (work.revision, ""))
        return reason if revision == work.revision else ""

    def _keep(self, work: Work, outcome: Outcome) -> None:
        """Note in the journal what is done with, and what is to be done again."""
        match outcome:
            case Failed():
                self._keep_failure(work, outcome)
                return
            case Renumber():
                record = self._journal.renumber(work.record_id, outcome.free_from)
                reason = "\n".join(map(str, outcome.problems))
                log.warning("entry renumbered", before=work.entry, entry=record.entry, record=record.id, reason=reason)
                self._events.renumbered(record)
                return
            case Later():
                self._journal.postponed(work, outcome.at, _as_json(outcome))
            case Done():
                self._keep_made(work, outcome)
        self._last_resorts.pop(work.record_id, None)
        for remark in outcome.remarks:
            self._say(work, remark)
        if isinstance(outcome, Done) and (again := self._repeats.forget(work.record_id)):
            log.info("what was told of raw files came again while they were awaited", entry=work.entry, times=again)

    def _keep_made(self, work: Work, outcome: Done) -> None:
        if outcome.record is None:
            self._journal.done(work, _as_json(outcome))
            return
        # What the projection found out goes into the record, unless that has changed meanwhile: then it is due anyhow,
        # and finds it again.
        if self._journal.revision(work.record_id) == work.revision:
            self._journal.update(outcome.record)

    def _keep_failure(self, work: Work, outcome: Failed) -> None:
        reason = "\n".join(map(str, outcome.problems))
        retry_at = self._retry_at(work, outcome)
        if retry_at is None and not self._last_resort(work):
            retry_at = self._spare(work, outcome)
        if retry_at is None:
            self._last_resorts.pop(work.record_id, None)
        self._journal.failed(work, reason, retry_at)
        # For a weekend without its disk, each scan has one line, and not one a minute.
        tell = log.debug if retry_at and reason == work.last_error else log.error
        tell(
            "file not written" if retry_at else "record set aside",
            **({} if self.kind == NEXUS else {"kind": self.kind}),
            record=work.record_id,
            entry=work.entry,
            attempt=work.attempts + 1,
            retry_at=retry_at and retry_at.isoformat(timespec="seconds"),
            reason=reason,
        )

    def _spare(self, work: Work, outcome: Failed) -> datetime | None:
        """Plan a last attempt without what is expendable, and say when: the rest gets made.

        None where nothing can be left out.
        """
        record, revision = self._journal.revised(work.record_id)
        left_out = self._projection.expendable(record)
        if not left_out:
            return None
        how = outcome.problems[0].what.replace(f" while writing the record {work.record_id}", "")
        reason = f"{how} at the last of {work.attempts + 1} attempts, while {left_out}"
        self._last_resorts[work.record_id] = (revision, reason)
        return self._clock.now() + timedelta(seconds=_FIRST_PAUSE_S)

    def _retry_at(self, work: Work, outcome: Failed) -> datetime | None:
        """When to try again, after a pause that grows; None where it is not worth while."""
        attempts = work.attempts + 1
        if outcome.failure in {Failure.CRASHED, Failure.ENDLESS} and attempts >= _CRASHES:
            return None
        longest_s = _LONGEST_PAUSE_AFTER_HANG_S if outcome.failure is Failure.HUNG else _LONGEST_PAUSE_S
        pause_s = min(_FIRST_PAUSE_S * 2 ** min(attempts - 1, 10), longest_s)
        return self._clock.now() + timedelta(seconds=pause_s)

    def _say(self, work: Work, remark: Remark) -> None:
        """Log a remark, unless it repeats."""
        if remark.once is Once.FOR_DAEMON:
            if remark.event in self._said:
                return
            self._said.add(remark.event)
        elif remark.once is Once.FOR_RECORD and not self._repeats.is_first(work.record_id, _words(remark)):
            return
        tell = {"info": log.info, "warning": log.warning}.get(remark.level, log.error)
        tell(remark.event, **remark.facts)


class Repeats:
    """What the log has of each record already. While raw files are awaited, each attempt meets the same trouble again.

    Two texts that differ in numbers only are the same.
    """

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._said: dict[str, Counter[str]] = {}

    def is_first(self, record_id: str, text: str) -> bool:
        """Whether the text is new for the record. Each call counts it."""
        said = self._said.setdefault(record_id, Counter())
        key = _NUMBER.sub("0", text)
        said[key] += 1
        return said[key] == 1

    def forget(self, record_id: str) -> int:
        """Drop a record that is done with. Gives how often any of its texts came again."""
        return sum(count - 1 for count in self._said.pop(record_id, Counter()).values())


def _words(remark: Remark) -> str:
    return " ".join([remark.event, *map(str, remark.facts.values())])


def _as_json(outcome: Done | Later) -> str:
    return json.dumps(dict(outcome.result), separators=(",", ":")) if outcome.result else ""
