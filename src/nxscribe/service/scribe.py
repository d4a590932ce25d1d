"""The scribe: the definitions, the journal, the capture, the sessions and the files of one beamline."""

from __future__ import annotations

import contextlib
import threading
import time
from types import TracebackType
from typing import Self

from nxscribe.capture import Capturer, SourceReader
from nxscribe.errors import JournalError, Problem
from nxscribe.model import units
from nxscribe.plan import CapturePlan
from nxscribe.projections import Done, Later, Outcome, Renumber, Worker, registered
from nxscribe.records import JOURNAL_FILE, NEXUS, Journal, Queue, Record, Work
from nxscribe.runtime import SupervisedPart, Supervisor
from nxscribe.runtime.logger import get_logger
from nxscribe.service._projection_counts import ProjectionCounts
from nxscribe.service._projector import Projector
from nxscribe.service.beamline import Beamline
from nxscribe.service.check.preview import Live
from nxscribe.service.check.preview_live import read_live
from nxscribe.service.config import Config
from nxscribe.service.events import Events
from nxscribe.service.reload.config_store import ConfigStore
from nxscribe.service.reload.watch import Watch
from nxscribe.service.scan.session import Session
from nxscribe.service.scan.status import ScanState
from nxscribe.service.upkeep.housekeeping import Housekeeper, JournalKeeper
from nxscribe.service.watched.watched_triggers import WatchedTriggers

log = get_logger()

_REST_S = 1.0
"""How many seconds a set is in force before it is stored for the next start."""
_CLOSE_S = 5.0
"""How many seconds the end waits for a thread that may hang with a disk."""
_SLOWEST = 20
"""How many of the slowest attributes the device shows."""


class Scribe(Events):
    """Everything behind the triggers of one beamline. Use it with `with`: leaving it loses nothing.

    Its parts tell it what happened: it wakes those whom that concerns, and passes on what its listeners may want.
    """

    def __init__(self, library: ConfigStore) -> None:
        """`library` holds the config and the definitions in force; it is the scribe's from now on."""
        self._library = library
        self._taking_on = threading.Lock()
        self._watch = Watch(library, self)
        self._is_kept = True
        self._listeners: list[Events] = []
        self.supervisor = Supervisor()
        """Watches over every thread and child process of the daemon."""
        config = library.current.config
        self._journal = Journal(config.state_dir / JOURNAL_FILE)
        self._journal.projections = config.projection_kinds
        self._counts = ProjectionCounts(self._journal, self.trouble_changed)
        self._reader = SourceReader(config.source_settings, supervisor=self.supervisor)
        self._projectors: dict[str, Projector] = {}
        self._is_started = False
        capturer = Capturer(self._reader)
        self.sessions = {
            device: Session(
                device,
                beamline=lambda: self._library.current,
                journal=self._journal,
                capturer=capturer,
                events=self,
            )
            for device in config.tango.devices
        }
        self.watched = WatchedTriggers(
            beamline=lambda: self._library.current,
            sessions=self.sessions,
            reader=self._reader,
            supervisor=self.supervisor,
        )
        """The triggers that are attributes."""
        self._housekeeper = Housekeeper(self._journal, self.sessions.values(), self._config)
        self._journal_keeper = JournalKeeper(self._journal, self.sessions.values(), self._config)
        self._add_projector(NEXUS)
        threads = [part.thread for part in (self._watch, self._housekeeper, self._journal_keeper, self._counts)]
        threads += [session.numbering.thread for session in self.sessions.values()]
        parts: list[SupervisedPart] = [*threads, library.reader]
        for part in parts:
            self.supervisor.add(part)
        self._take_up_open_scans()

    def __enter__(self) -> Self:
        """Connect to the sources and begin to write what is due.

        In a process that serves Tango this comes after the server's initialisation: a proxy made meanwhile crashes it.
        """
        self._take_on()
        if self._library.problems:
            log.error(
                "the files cannot be used, the last good definitions are in force",
                since=self._library.kept_since,
                problems=list(map(str, self._library.problems)),
            )
        else:
            self._keep()
        # The table of units takes a third of a second to load, and connections cost more than reads: the first scan
        # shall find both made.
        units.quantities()
        request = self._reader.request(self.beamline.items)
        self._reader.ask(request, time.monotonic() + self._config().limits.deadline_s)
        with self._taking_on:
            for projector in self._projectors.values():
                projector.start()
            self._is_started = True
            self.watched.start()
        self._housekeeper.thread.start()
        self._journal_keeper.thread.start()
        self._counts.thread.start()
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
            for projector in self._projectors.values():
                ends.callback(projector.stop)
            ends.callback(self._housekeeper.thread.stop)
            ends.callback(self._journal_keeper.thread.stop, _CLOSE_S)
            ends.callback(self._library.close)
            ends.callback(self._keep)
            ends.callback(self._counts.stop)
            ends.callback(self._watch.stop)
            ends.callback(self.watched.stop)

    @property
    def beamline(self) -> Beamline:
        """The config and plans in force: the last good ones."""
        return self._library.current

    @property
    def queue(self) -> Queue:
        """The numbers of NeXus files that wait or fail. The journal is not read for this, so that State never waits."""
        return self._counts.by_kind[NEXUS]

    @property
    def projection_queues(self) -> list[str]:
        """The numbers of projections in each state, for each kind, the NeXus files first."""
        return [
            f"{kind}: {queue.waiting} waiting, {queue.pending} pending, {queue.failing} failing,"
            f" {queue.set_aside} set aside"
            for kind, queue in self._counts.by_kind.items()
        ]

    @property
    def files_waiting(self) -> int:
        """How many scans still need a file, including those that failed."""
        return self.queue.waiting + self.queue.failing

    def listen(self, listener: Events) -> None:
        """Tell a listener, from now on, of each change of a status and of each config that is put in force."""
        self._listeners.append(listener)

    def reload(self) -> tuple[Problem, ...]:
        """Read config and definitions anew, now. Open scans keep theirs. On any error the last good set stays in
        force; the problems are returned, and told in `troubles` until the files are good again.
        """
        problems = self._library.reload()
        if problems:
            log.error("reload refused, the last good definitions stay in force", problems=list(map(str, problems)))
        else:
            self._take_on()
            log.info("reloaded", techniques=sorted(self._library.current.plans))
        self.trouble_changed()
        return problems

    def read_now(self, plan: CapturePlan) -> Live:
        """The values that a scan would get if it started and ended now. Nothing is stored."""
        return read_live(plan, self.beamline.config, self._reader)

    @property
    def troubles(self) -> tuple[str, ...]:
        """Everything that needs an operator at the moment, such as a refused edit, or files that cannot be written."""
        troubles = [str(self._journal.damage)] if self._journal.damage else []
        troubles += [f"edit refused: {problem}" for problem in self._library.problems]
        troubles += [
            f"the last trigger of {now.device} was refused: {now.refused}"
            for now in (session.status for session in self.sessions.values())
            if now.refused
        ]
        troubles += self.watched.troubles
        troubles += dict.fromkeys(one.trouble for one in self._projectors.values() if one.trouble)
        for kind, queue in self._counts.by_kind.items():
            what, whose = ("file", "") if kind == NEXUS else (f"{kind} projection", f" by the {kind} projection")
            if queue.failing:
                troubles.append(f"{queue.failing} scan(s) wait for their {what}: {queue.reason}")
            if queue.set_aside:
                troubles.append(f"{queue.set_aside} scan(s) were set aside{whose}: `nxscribe records list` names them")
        return (*troubles, *self.supervisor.troubles)

    @property
    def slowest(self) -> list[str]:
        """The attributes that take longest, `name: seconds`, the slowest first."""
        return [f"{name}: {seconds:.4f}" for name, seconds in self._reader.slowest(_SLOWEST).items()]

    @property
    def sick_devices(self) -> list[str]:
        """The devices that do not answer as they should, with the time since when and the reason."""
        return [f"{name}: {trouble}" for name, trouble in self._reader.troubles.items()]

    @property
    def kept_fresh(self) -> list[str]:
        """How each attribute with a `max_age_s` is kept fresh, and when its last value arrived."""
        return [f"{name}: {how}" for name, how in self._reader.kept_fresh.items()]

    @property
    def scanning(self) -> bool:
        """Whether any session has a scan open."""
        return any(session.status.state is not ScanState.IDLE for session in self.sessions.values())

    def _config(self) -> Config:
        return self._library.current.config

    def _take_on(self) -> None:
        # Two reloads may end at once: the one that looks last takes on what is in force.
        with self._taking_on:
            beamline = self._library.current
            for listener in self._listeners:
                listener.config_in_force(beamline.config)
            for warning in beamline.warnings:
                log.warning("in the config or a definition", what=str(warning))
            self.watched.take_on()
            ages = self.watched.max_ages
            self._reader.configure(
                beamline.items | self.watched.items,
                {
                    **beamline.max_ages,
                    **{item: min(age_s, beamline.max_ages.get(item, age_s)) for item, age_s in ages.items()},
                },
                beamline.config.source_settings,
                self.watched.listeners,
            )
            dropped = self._take_on_projections(beamline.config)
        for projector in dropped:
            projector.stop()

    def _take_on_projections(self, config: Config) -> list[Projector]:
        """Begin with the kinds of projection that are new in the config. Gives those that left it, to be stopped."""
        self._journal.projections = config.projection_kinds
        for kind in config.projection_kinds:
            if kind not in self._projectors:
                self._add_projector(kind)
        dropped = [self._remove_projector(kind) for kind in self._projectors.keys() - set(config.projection_kinds)]
        self._counts.count()
        return dropped

    def _add_projector(self, kind: str) -> None:
        worker = Worker(kind, lambda: self._config().projection_settings(kind))
        projector = Projector(registered()[kind](), self._journal, worker, self)
        # A new mapping each time: other threads go through the one that they have.
        self._projectors = {**self._projectors, kind: projector}
        for part in (projector.thread, worker.process):
            self.supervisor.add(part)
        if self._is_started:
            projector.start()

    def _remove_projector(self, kind: str) -> Projector:
        projector = self._projectors[kind]
        self._projectors = {other: one for other, one in self._projectors.items() if other != kind}
        for part in (projector.thread, projector.worker.process):
            self.supervisor.remove(part)
        return projector

    def _keep(self, *, after_s: float = 0.0) -> None:
        """Store the set in force for the next start, because the files may have errors then."""
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

    def committed(self) -> None:
        """Have the projections made that are due now."""
        self._counts.note_commit()
        for projector in self._projectors.values():
            projector.wake()

    def status_changed(self, device: str) -> None:
        """Tell the listeners."""
        for listener in self._listeners:
            listener.status_changed(device)

    def attempted(self, work: Work, outcome: Outcome) -> None:
        """Have those projections made that come after this one, and tell of a file that was written."""
        self._counts.count()
        for projector in self._projectors.values():
            if projector.kind != work.kind:
                projector.wake()
        if session := self.sessions.get(work.session):
            if isinstance(outcome, Done | Later) and work.kind == NEXUS:
                session.written(str(outcome.result["file"]))
            elif not isinstance(outcome, Renumber):
                self.status_changed(work.session)

    def renumbered(self, record: Record) -> None:
        """Tell the session that has the scan."""
        self._counts.count()
        if session := self.sessions.get(record.session):
            session.renumbered(record)

    def trouble_changed(self) -> None:
        """Tell the listeners: all devices show the troubles."""
        for device in self.sessions:
            self.status_changed(device)

    def files_edited(self) -> None:
        """Reload."""
        self.reload()

    def files_at_rest(self) -> None:
        """Keep the set in force for the next start, once it has been in force for a moment."""
        self._keep(after_s=_REST_S)


def _log_damage(error: JournalError) -> None:
    log.error("an open scan is damaged in the journal, and cannot be taken up", reason=str(error))
