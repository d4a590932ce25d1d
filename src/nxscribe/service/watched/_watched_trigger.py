"""One watched trigger: a thread that hears of an attribute, and starts and ends scans of a session like a client."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from nxscribe.capture import Capturer, SourceReader
from nxscribe.errors import JournalError, NxscribeError, TriggerRefusedError
from nxscribe.model import Reading
from nxscribe.plan import CapturePlan
from nxscribe.records import EndReason, Record
from nxscribe.runtime import SYSTEM_CLOCK, Clock, SupervisedThread
from nxscribe.runtime.logger import get_logger
from nxscribe.service.beamline import Beamline
from nxscribe.service.config import Config
from nxscribe.service.config.watching import Level, WatchedTriggerSettings, trigger_of
from nxscribe.service.scan.requests import EndRequest
from nxscribe.service.scan.session import Session
from nxscribe.service.watched._scan_names import plan_of_names, start_of_scan
from nxscribe.service.watched._watch_steps import (
    RETRY_S,
    Ceasing,
    Observed,
    Rules,
    ScanBegun,
    ScanEnded,
    TakenUp,
    TimePassed,
    Todo,
    TriggerFailed,
    Waiting,
    WatchEvent,
    WatchState,
    due_at,
    watch_step,
)

log = get_logger()

_CLOSE_S: Final = 5.0
MISSED_LOOKS: Final = 2
"""How many times `poll_s` a value may be old, so that it need not be read for a look."""


@dataclass(frozen=True, slots=True)
class _OpenScan:
    """The scan that this trigger began."""

    session: Session
    record: str


class WatchedTrigger:
    """Follows one attribute. Only its thread changes its state; other threads give it readings."""

    def __init__(
        self,
        name: str,
        *,
        beamline: Callable[[], Beamline],
        sessions: Mapping[str, Session],
        reader: SourceReader,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """`beamline` gives the config in force. `reader` reads the attribute and the values for names."""
        self.name = name
        self._beamline = beamline
        self._sessions = sessions
        self._reader = reader
        self._capturer = Capturer(reader, clock)
        self._clock = clock
        self._heard: deque[tuple[float, Reading]] = deque()
        self._woken = threading.Event()
        self._state: WatchState = Waiting()
        self._scan: _OpenScan | None = None
        self._plan: tuple[Config, CapturePlan] | None = None
        self._looked_at = float("-inf")
        """When the attribute was last heard of, or asked for (monotonic seconds)."""
        self._is_taken_up = False
        self._last = ""
        """The last value that was heard."""
        self._end_value = ""
        """The value that says how the scan ended: others may follow it before the end."""
        self._is_leaving = False
        self._unknown = ""
        self._failed = ""
        # A start waits for the journal's disk, which may hang.
        self.thread = SupervisedThread(f"watched trigger {name}", self.turn, daemon=True, clock=clock)

    @property
    def settings(self) -> WatchedTriggerSettings | None:
        """Its settings in force; None if the config has it no more."""
        return self._beamline().config.watched_triggers.get(self.name)

    @property
    def plan(self) -> CapturePlan | None:
        """What is read for the names of its scans; None if the config has the trigger no more."""
        config = self._beamline().config
        if self._plan is None or self._plan[0] is not config:
            settings = config.watched_triggers.get(self.name)
            if settings is None:
                return None
            self._plan = config, plan_of_names(config, settings)
        return self._plan[1]

    @property
    def trouble(self) -> str:
        """What is wrong, for an operator; empty while it can do its work."""
        reasons = "; ".join(filter(None, (self._unknown, self._failed)))
        return f"the watched trigger {self.name}: {reasons}" if reasons else ""

    def hear(self, reading: Reading) -> None:
        """Take a reading of the attribute. Any thread can call this."""
        self._heard.append((self._clock.monotonic(), reading))
        self._woken.set()

    def wake(self) -> None:
        """Look at the config: it may have changed."""
        self._woken.set()

    def leave(self) -> None:
        """End the open scan, if there is one, and then the thread: the config has the trigger no more."""
        self._is_leaving = True
        self._woken.set()

    def stop(self) -> None:
        """End the thread. An open scan stays open, and the next run of the daemon goes on with it."""
        self.thread.stopping.set()
        self._woken.set()
        self.thread.stop(_CLOSE_S)

    def turn(self) -> None:
        """Wait until something is to be done, and do it."""
        settings = self.settings
        if self._is_taken_up:
            # Without settings it will be told to leave, unless the config has it again by then.
            idle_s = self._idle_s(settings) if settings and not self._is_leaving else RETRY_S
            self._clock.wait(self._woken, idle_s)
        self._woken.clear()
        if self.thread.stopping.is_set():
            return
        if not self._is_taken_up:
            self._take_up()
        if self._is_leaving:
            self._leave()
            return
        settings = self.settings
        if settings is None:
            return
        while self._heard:
            at, reading = self._heard.popleft()
            self._look_again_from(at)
            self._observe(settings, at, reading)
        self._look(settings)
        self._take(settings, TimePassed(self._clock.monotonic()))

    def _idle_s(self, settings: WatchedTriggerSettings) -> float:
        next_at = min(due_at(self._state, _rules(settings)), self._looked_at + settings.poll_s)
        return max(0.0, next_at - self._clock.monotonic())

    def _look_again_from(self, at: float) -> None:
        self._looked_at = max(self._looked_at, at)

    def _take_up(self) -> None:
        """Go on with a scan that this trigger began in an earlier run of the daemon."""
        for session, record in open_scans(self._sessions.values()):
            if trigger_of(record.given) == self.name:
                self._scan = _OpenScan(session, record.id)
                self._state, _ = watch_step(self._state, TakenUp(self._clock.monotonic()), Rules())
                log.info("watched trigger goes on with its scan", trigger=self.name, entry=record.entry)
        self._is_taken_up = True

    def _look(self, settings: WatchedTriggerSettings) -> None:
        """Ask for the attribute if nothing was heard of it: events can be lost."""
        present = self._clock.monotonic()
        if present < self._looked_at + settings.poll_s:
            return
        request = self._reader.request([settings.item], max_ages={settings.item: MISSED_LOOKS * settings.poll_s})
        deadline = present + self._beamline().config.limits.deadline_s
        reading = self._reader.ask(request, deadline, stop=self.thread.stopping)[settings.item]
        self._look_again_from(self._clock.monotonic())
        # What was heard meanwhile is younger.
        if not self._heard and not self.thread.stopping.is_set():
            self._observe(settings, present, reading)

    def _observe(self, settings: WatchedTriggerSettings, at: float, reading: Reading) -> None:
        self._take(settings, TimePassed(at))
        level = settings.level(reading)
        unknown = (reading.error or f"{settings.attribute} is a list") if level is Level.UNKNOWN else ""
        if unknown and not self._unknown:
            log.warning("watched attribute has no value", trigger=self.name, reason=unknown)
        self._unknown = unknown
        if not unknown and reading.value is not None:
            self._last = str(reading.value[()])
        self._take(settings, Observed(level, at))

    def _take(self, settings: WatchedTriggerSettings, event: WatchEvent) -> None:
        """Take a step, and do what it says, until nothing is left to do."""
        while True:
            before = self._state
            self._state, todo = watch_step(before, event, _rules(settings))
            if isinstance(self._state, Ceasing):
                if self._scan_is_over:
                    # Somebody else ended it, so that the condition begins another one when it holds again.
                    event = self._forget_scan()
                    continue
                if not isinstance(before, Ceasing) or before.reason is not self._state.reason:
                    self._end_value = self._last
            match todo, self._state:
                case Todo.BEGIN, _:
                    event = self._begin(settings)
                case Todo.END, Ceasing() as state:
                    unseen = f", after {state.unknown_s:.0f} s in which it had no value" if state.unknown_s else ""
                    why = f"{settings.attribute} was {self._end_value}{unseen}"
                    event = self._end(state.reason, "" if state.reason is EndReason.FINISHED else why)
                case _:
                    return

    def _begin(self, settings: WatchedTriggerSettings) -> WatchEvent:
        beamline, plan = self._beamline(), self.plan
        session = self._sessions[settings.device]
        try:
            if plan is None:
                return TriggerFailed(self._clock.monotonic())
            answer = session.start(start_of_scan(beamline.config, settings, plan, self._capturer, self._clock.now()))
        except NxscribeError as error:
            self._tell_failure("no scan began", error)
            return TriggerFailed(self._clock.monotonic())
        self._failed = ""
        self._scan = _OpenScan(session, answer.record)
        return ScanBegun()

    def _end(self, reason: EndReason, why: str) -> WatchEvent:
        scan = self._scan
        if scan is None:
            return ScanEnded()
        try:
            scan.session.end(EndRequest(record=scan.record, end_reason=reason.value, reason=why))
        except (TriggerRefusedError, JournalError) as error:
            self._tell_failure("the scan did not end", error)
            return TriggerFailed(self._clock.monotonic())
        return self._forget_scan()

    @property
    def _scan_is_over(self) -> bool:
        """Whether the scan that this trigger began has ended, by whomever."""
        return self._scan is None or self._scan.session.open_record != self._scan.record

    def _forget_scan(self) -> ScanEnded:
        self._failed = ""
        self._scan = None
        return ScanEnded()

    def _tell_failure(self, what: str, error: NxscribeError) -> None:
        told = f"{what}: {'; '.join(problem.explanation for problem in error.problems)}"
        if told != self._failed:
            log.error("watched trigger failed, and tries again", trigger=self.name, reason=told)
        self._failed = told

    def _leave(self) -> None:
        """End for good, once its scan has ended: nobody else would end it."""
        self._unknown = ""
        if not self._scan_is_over:
            event = self._end(EndReason.INTERRUPTED, f"the config has no watched trigger {self.name} any more")
            if not isinstance(event, ScanEnded):
                return
        self._forget_scan()
        self.thread.stopping.set()


def open_scans(sessions: Iterable[Session]) -> Iterator[tuple[Session, Record]]:
    """The scans that are open, with their sessions."""
    for session in sessions:
        # It may end meanwhile.
        with suppress(TriggerRefusedError, JournalError):
            if session.open_record and (record := session.record()).is_open:
                yield session, record


def _rules(settings: WatchedTriggerSettings) -> Rules:
    return Rules(settings.min_length_s, settings.gap_s)
