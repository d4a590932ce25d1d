"""The scribe: one beamline's definitions, journal, capture, sessions and files, with a plain lifetime."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog

from nxscribe.capture import Capturer, TangoReader
from nxscribe.errors import JournalError, Problem
from nxscribe.plan import CapturePlan
from nxscribe.projections import Worker, Written
from nxscribe.records import JOURNAL_FILE, Journal, Queue, Record, Work
from nxscribe.service.beamline import Beamline
from nxscribe.service.housekeeping import Housekeeper
from nxscribe.service.library import Library
from nxscribe.service.preview import Live
from nxscribe.service.projector import Projector
from nxscribe.service.session import Session
from nxscribe.service.status import ScanState
from nxscribe.service.watch import Watch

log = structlog.get_logger()

_SLACK_S = 30.0
_REST_S = 1.0
"""So long a set is in force before it is kept."""
_SLOWEST = 20
"""How many of the slowest attributes the device shows."""


class Scribe:
    """Everything behind the triggers of one beamline. Use it with `with`: leaving it loses nothing."""

    def __init__(self, library: Library) -> None:
        """`library` holds the config and the definitions in force; it is the scribe's from now on."""
        self._library = library
        self._watch = Watch(library, self.reload, lambda: self._keep(after_s=_REST_S))
        self._is_kept = True
        self._listeners: list[Callable[[Session], None]] = []
        config = library.current.config
        self._journal = Journal(config.state_dir / JOURNAL_FILE)
        self._counting = threading.Lock()
        self._queue = self._journal.queue()
        self._reader = TangoReader(config.tango.host or None)
        self._projector = Projector(
            self._journal,
            Worker(
                config.state_dir / JOURNAL_FILE,
                config.files.settings,
                config.limits.write_timeout_s,
            ),
            self._note_attempt,
            self._note_number,
            self._note_trouble,
        )
        capturer = Capturer(self._reader)
        self.sessions = {
            device: Session(
                device,
                beamline=lambda: self._library.current,
                journal=self._journal,
                capturer=capturer,
                committed=self._note_commit,
                changed=self._announce,
            )
            for device in config.tango.devices
        }
        self._housekeeper = Housekeeper(
            self._journal, self.sessions.values(), config.limits.scan_hours, config.retention
        )
        self._take_up_open_scans()

    def __enter__(self) -> Self:
        """Connect to the sources and begin to write what is due.

        In a process that serves Tango this comes after the server's initialisation: a proxy made meanwhile crashes it.
        """
        beamline = self._library.current
        self._take_on(beamline)
        if self._library.problems:
            log.error(
                "the files cannot be used, the last good definitions are in force",
                since=self._library.kept_since,
                problems=list(map(str, self._library.problems)),
            )
        else:
            self._keep()
        # Connections cost more than reads: the first scan shall find them made.
        self._reader.read(beamline.attributes, time.monotonic() + beamline.config.limits.deadline_s)
        self._projector.start()
        self._housekeeper.start()
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file at hand; leave open scans open, for the next run to take up."""
        # Each is ended whatever another one raises, the journal last of all.
        with contextlib.ExitStack() as ends:
            ends.callback(self._journal.close)
            ends.callback(self._reader.close)
            ends.callback(self._projector.stop)
            ends.callback(self._housekeeper.stop)
            ends.callback(self._library.close)
            ends.callback(self._keep)
            ends.callback(self._watch.stop)

    @property
    def beamline(self) -> Beamline:
        """The config and plans in force: the last good ones."""
        return self._library.current

    @property
    def queue(self) -> Queue:
        """What waits to be written, and what fails; known without asking the journal, so that State never waits."""
        return self._queue

    @property
    def files_waiting(self) -> int:
        """How many scans have a file still to be written, those that fail included."""
        return self._queue.waiting + self._queue.failing

    def listen(self, listener: Callable[[Session], None]) -> None:
        """Have `listener` called, in whatever thread, after each change of a session's status."""
        self._listeners.append(listener)

    def reload(self) -> tuple[Problem, ...]:
        """Read config and definitions anew, now. Open scans keep theirs. On any error the last good set stays in
        force; the problems are returned, and told in `troubles` until the files are good again.
        """
        problems = self._library.reload()
        if problems:
            log.error("reload refused, the last good definitions stay in force", problems=list(map(str, problems)))
        else:
            self._take_on(self._library.current)
            log.info("reloaded", techniques=sorted(self._library.current.plans))
        for session in self.sessions.values():
            self._announce(session)
        return problems

    def read_now(self, plan: CapturePlan) -> Live:
        """What a scan would get if it started and ended now. Nothing is kept."""
        from nxscribe.service.preview_live import read_live  # noqa: PLC0415 - it needs HDF5, which a scan does not

        return read_live(plan, self.beamline.config, self._reader)

    @property
    def troubles(self) -> tuple[str, ...]:
        """What an operator should know of now: a refused edit, files that cannot be written."""
        troubles = [f"edit refused: {problem}" for problem in self._library.problems]
        troubles += [
            f"the last trigger of {now.device} was refused: {now.refused}"
            for now in (session.status for session in self.sessions.values())
            if now.refused
        ]
        if self._projector.trouble:
            troubles.append(self._projector.trouble)
        if self._queue.failing:
            troubles.append(f"{self._queue.failing} scan(s) wait for their file: {self._queue.reason}")
        if self._queue.set_aside:
            troubles.append(f"{self._queue.set_aside} scan(s) were set aside: `nxscribe records list` names them")
        return tuple(troubles)

    @property
    def slowest(self) -> list[str]:
        """The attributes that take longest, `name: seconds`, the slowest first."""
        return [f"{name}: {seconds:.4f}" for name, seconds in self._reader.slowest(_SLOWEST).items()]

    @property
    def sick_devices(self) -> list[str]:
        """The devices that do not answer as they should, with since when and why."""
        return [f"{name}: {trouble}" for name, trouble in self._reader.troubles.items()]

    @property
    def kept_fresh(self) -> list[str]:
        """How each attribute that scans take from memory is kept fresh, and when it was heard last."""
        return [f"{name}: {how}" for name, how in self._reader.kept_fresh.items()]

    @property
    def stuck(self) -> bool:
        """Whether the projector has not moved for longer than any file may take: only a new process helps then."""
        return time.monotonic() - self._projector.last_turn > self.beamline.config.limits.write_timeout_s + _SLACK_S

    @property
    def scanning(self) -> bool:
        """Whether any session has a scan open."""
        return any(session.status.state is not ScanState.IDLE for session in self.sessions.values())

    def _take_on(self, beamline: Beamline) -> None:
        for warning in beamline.warnings:
            log.warning("in the config or a definition", what=str(warning))
        self._reader.prepare(beamline.attributes)
        self._reader.keep_fresh(beamline.max_ages)

    def _keep(self, *, after_s: float = 0.0) -> None:
        """Keep the set in force for the next start, which may find broken files."""
        try:
            self._library.keep(after_s=after_s)
            self._is_kept = True
        except OSError as error:
            if self._is_kept:
                log.warning("the definitions in force cannot be kept for the next start yet", reason=str(error))
            self._is_kept = False

    def _take_up_open_scans(self) -> None:
        for record in self._journal.open_records(on_damage=_log_damage):
            if session := self.sessions.get(record.session):
                session.resume(record)
            else:
                log.warning(
                    "an open scan belongs to no session of the config", scan=record.entry, session=record.session
                )

    def _note_commit(self) -> None:
        self._count()
        self._projector.wake()

    def _note_attempt(self, work: Work, written: Written | None) -> None:
        self._count()
        if session := self.sessions.get(work.session):
            if written:
                session.written(str(written.entry_file))
            else:
                self._announce(session)

    def _note_number(self, record: Record) -> None:
        self._count()
        if session := self.sessions.get(record.session):
            session.renumbered(record)

    def _note_trouble(self) -> None:
        for session in self.sessions.values():
            self._announce(session)

    def _count(self) -> None:
        with self._counting:
            try:
                self._queue = self._journal.queue()
            except JournalError as error:
                # The trigger that asks has its record on the disk: that must not be answered with an error.
                log.error("the queue cannot be counted", reason=str(error))

    def _announce(self, session: Session) -> None:
        for listener in self._listeners:
            listener(session)


def _log_damage(error: JournalError) -> None:
    log.error("an open scan is damaged in the journal, and cannot be taken up", reason=str(error))
