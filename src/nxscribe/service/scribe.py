"""The scribe: one beamline's definitions, journal, capture, sessions and files, with a plain lifetime."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from nxscribe.capture import Capturer, TangoReader
from nxscribe.errors import InputError, Problem
from nxscribe.projections import Worker, Written
from nxscribe.records import JOURNAL_FILE, Journal, Queue, Work
from nxscribe.service.beamline import Beamline, load_beamline
from nxscribe.service.config import Config, load_config
from nxscribe.service.housekeeping import Housekeeper
from nxscribe.service.projector import Projector
from nxscribe.service.session import ScanState, Session

log = structlog.get_logger()

_SLACK_S = 30.0


class Scribe:
    """Everything behind the triggers of one beamline. Use it with `with`: leaving it loses nothing."""

    def __init__(self, load: Callable[[], Config]) -> None:
        """`load` reads the config, now and at each reload. Raises InputError when it cannot be used."""
        self._load = load
        self._beamline = load_beamline(load())
        self._reload_problems: tuple[Problem, ...] = ()
        self._reloading = threading.Lock()
        self._listeners: list[Callable[[Session], None]] = []
        config = self._beamline.config
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
        )
        capturer = Capturer(self._reader)
        self.sessions = {
            device: Session(
                device,
                beamline=lambda: self._beamline,
                journal=self._journal,
                capturer=capturer,
                committed=self._note_commit,
                changed=self._announce,
            )
            for device in config.tango.devices
        }
        self._housekeeper = Housekeeper(self.sessions.values(), config.limits.scan_hours)
        self._take_up_open_scans()

    def __enter__(self) -> Self:
        """Connect to the sources and begin to write what is due.

        In a process that serves Tango this comes after the server's initialisation: a proxy made meanwhile crashes it.
        """
        for warning in self._beamline.warnings:
            log.warning("in the config or a definition", what=str(warning))
        self._reader.prepare(self._beamline.attributes)
        self._projector.start()
        self._housekeeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file at hand; leave open scans open, for the next run to take up."""
        self._housekeeper.stop()
        self._projector.stop()
        self._reader.close()
        self._journal.close()

    @property
    def beamline(self) -> Beamline:
        """The config and plans in force: the last good ones."""
        return self._beamline

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
        """Read config and definitions anew. Open scans keep theirs. On any error the last good set stays in force;
        the problems are returned, and kept in `troubles` until a reload succeeds.
        """
        with self._reloading:
            try:
                beamline = load_beamline(self._load())
                _refuse_what_needs_a_restart(self._beamline.config, beamline.config)
            except InputError as error:
                self._reload_problems = error.problems
                log.error("reload refused, the last good definitions stay in force", problems=str(error).splitlines())
            else:
                self._beamline = beamline
                self._reload_problems = ()
                self._reader.prepare(beamline.attributes)
                log.info("reloaded", techniques=sorted(beamline.plans))
        for session in self.sessions.values():
            self._announce(session)
        return self._reload_problems

    @property
    def troubles(self) -> tuple[str, ...]:
        """What an operator should know of now: a refused reload, files that cannot be written."""
        troubles = [f"reload refused: {problem}" for problem in self._reload_problems]
        if self._queue.failing:
            troubles.append(f"{self._queue.failing} scan(s) wait for their file: {self._queue.reason}")
        if self._queue.set_aside:
            troubles.append(f"{self._queue.set_aside} scan(s) were set aside: `nxscribe records list` names them")
        return tuple(troubles)

    @property
    def stuck(self) -> bool:
        """Whether the projector has not moved for longer than any file may take: only a new process helps then."""
        return time.monotonic() - self._projector.last_turn > self.beamline.config.limits.write_timeout_s + _SLACK_S

    @property
    def scanning(self) -> bool:
        """Whether any session has a scan open."""
        return any(session.status.state is not ScanState.IDLE for session in self.sessions.values())

    def _take_up_open_scans(self) -> None:
        for record in self._journal.open_records():
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

    def _count(self) -> None:
        with self._counting:
            self._queue = self._journal.queue()

    def _announce(self, session: Session) -> None:
        for listener in self._listeners:
            listener(session)


def _refuse_what_needs_a_restart(old: Config, new: Config) -> None:
    """Raises InputError when a setting changed that cannot change under a running daemon."""
    fixed: dict[str, Callable[[Config], object]] = {
        "beamline": lambda config: config.beamline,
        "data_root": lambda config: config.data_root,
        "state_dir": lambda config: config.state_dir,
        "tango": lambda config: config.tango,
        "files.layout": lambda config: config.files.layout,
    }
    changed = [name for name, value in fixed.items() if value(old) != value(new)]
    if changed:
        raise InputError(
            Problem(
                f"{', '.join(changed)} changed",
                "a running daemon keeps them for its life",
                "restart the daemon; open scans are taken up again",
            )
        )


def open_scribe(config: Path, *, data_root: Path | None = None, state_dir: Path | None = None) -> Scribe:
    """A scribe for the config file at `config`, with its folders replaced where given. Raises InputError."""

    def load() -> Config:
        return load_config(config).placed(data_root, state_dir)

    return Scribe(load)
