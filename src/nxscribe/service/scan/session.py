"""A session: one trigger device's scans, one at a time. It performs what the state machine says.

A trigger's work is done in the caller's thread and ends with the commit. State and status are plain reads of what is
already known, so that they never wait for a capture. The lock is held for one step of the state machine at a time, and
never while a disk or a device is waited for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

from nxscribe.capture import Capturer
from nxscribe.client import Answer
from nxscribe.errors import InputError, JournalError, TriggerRefusedError
from nxscribe.model import Phase, iso
from nxscribe.plan import CapturePlan, compile_plan
from nxscribe.records import EndReason, Journal, Record, recorded_definition
from nxscribe.runtime import SYSTEM_CLOCK, Clock
from nxscribe.runtime.logger import get_logger
from nxscribe.service._json_text import Json
from nxscribe.service.beamline import Beamline
from nxscribe.service.events import Events
from nxscribe.service.scan import _refusals as refusals
from nxscribe.service.scan._entry_numbers import EntryNumberAllocator
from nxscribe.service.scan._raw_of_scan import with_named_file
from nxscribe.service.scan._state_machine import (
    Aborting,
    AbortRequested,
    Begun,
    Captured,
    Changed,
    ChangeFailed,
    ChangeRequested,
    Closed,
    Do,
    Effect,
    EffectFailed,
    Ending,
    EndRequested,
    Event,
    Idle,
    OpenScan,
    Refusal,
    Refuse,
    Release,
    Renumbered,
    Resumed,
    Running,
    Starting,
    StartRequested,
    State,
    TimeLimitChecked,
    is_meant,
    step,
)
from nxscribe.service.scan._trigger import Instruments, Trigger, commit_abort, log_answer, logged
from nxscribe.service.scan.requests import ANY_SCAN, EndRequest, StartRequest, parameter_readings
from nxscribe.service.scan.status import ScanState, Status, answer_of, ended_status, status_of_open

log = get_logger()

_LOOKED_THROUGH: Final = 1000
"""So many records are looked through for the last one of a session."""
_PARAMETERS_PAUSE: Final = timedelta(seconds=5)
"""How long after parameters were set the files of the running scan are made again, with all that were set by then."""
_ABORT_S: Final = 10.0
"""How many seconds an abort waits for the trigger that it stops: longer than the journal waits for its disk."""


class Session:
    """The scans of one trigger device. Every method can be called from any thread at any time."""

    def __init__(
        self,
        device: str,
        *,
        beamline: Callable[[], Beamline],
        journal: Journal,
        capturer: Capturer,
        events: Events,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """`beamline` gives the definitions in force; `events` hears of each commit and of each change of the status."""
        self._beamline = beamline
        self._events = events
        self._clock = clock
        self.numbering = EntryNumberAllocator(journal, clock)
        self._journal = journal
        self._instruments = Instruments(journal, capturer, self.numbering, clock)
        self._stepped = threading.Condition()
        """Its lock guards the state, the status, the trigger under way and the noted parameters; it is notified of each
        step.
        """
        self._state: State = Idle()
        self._trigger: Trigger | None = None
        self._status = Status(device)
        self._parameters: dict[str, Json] = {}
        """Noted for the next `start_prepared`."""
        self._last_ended: tuple[Record, Answer] | None = None

    @property
    def status(self) -> Status:
        """The present status. This never waits."""
        return self._status

    @property
    def open_record(self) -> str | None:
        """The id of the record of the open scan; None if no scan is open."""
        state = self._state
        return None if isinstance(state, Idle | Starting) else state.open.record.id

    def record(self, id: str = "") -> Record:  # noqa: A002 - the record's own word
        """A record: the one with this id, or else that of the scan that was started last, which may still run.

        Raises JournalError for an unknown id, and TriggerRefusedError if this session had no scan yet.
        """
        state = self._state
        if not id and not isinstance(state, Idle | Starting):
            return state.open.record
        id = id or self._status.record or self._newest()  # noqa: A001
        if not id:
            raise refusals.no_scan_yet(self._status.device)
        return self._journal.record(id)

    def _newest(self) -> str:
        """The record of the last scan of an earlier run of the daemon; empty if none of the last scans was of here."""
        summaries = self._journal.summaries(limit=_LOOKED_THROUGH)
        return next((one.id for one in summaries if one.session == self._status.device), "")

    def resume(self, record: Record) -> None:
        """Continue a scan that was open when the daemon ended. The control system does not notice this."""
        beamline = self._beamline()
        present = self._clock.now()
        note = f"the daemon was restarted during the scan, at {iso(present)}"
        record = replace(record, notes=(*record.notes, note))
        try:
            record = self._journal.update(record)
        except JournalError as error:
            # It is kept with the end; a full disk must not keep the daemon from starting.
            log.warning("the restart could not be noted yet", entry=record.entry, reason=str(error))
        opened_at = self._clock.monotonic() - max((present - record.start_time).total_seconds(), 0.0)
        self._step(Resumed(OpenScan(record, _plan_of(record, beamline), opened_at)))
        log.info("scan resumed", entry=record.entry, scan=self._status.scan)

    def start(self, request: StartRequest) -> Answer:
        """Open a scan and commit its initial snapshot. If a scan is still open and the config allows it, that scan is
        closed as interrupted before.

        Raises TriggerRefusedError (a scan is open, an unknown technique, an unsafe name, a mandatory value missing
        under the policy `refuse`, aborted meanwhile) and JournalError; then no scan is open.
        """
        beamline = self._beamline()
        trigger = Trigger(self._instruments, beamline, start=request, note="a new scan was started")
        scan = f"{request.sample} - {request.scan}"
        return self._perform(trigger, StartRequested(scan, may_interrupt=beamline.config.interrupt_on_start))

    def prepare(self, name: str, text: str) -> None:
        """Note a name for `start_prepared`: `proposal`, `session`, `sample`, `scan` or `technique`. It stays until it
        is noted again.
        """
        self._update(lambda before: replace(before, prepared={**before.prepared, name: text}))

    def start_prepared(self) -> Answer:
        """Open a scan with what was prepared. Its parameters count for this scan alone. Raises like `start`."""
        with self._stepped:
            name = {"proposal": "", "session": "", "sample": "", "scan": "", "technique": "", **self._status.prepared}
            parameters, self._parameters = self._parameters, {}
        try:
            return self.start(
                StartRequest(
                    name["proposal"],
                    name["sample"],
                    name["scan"],
                    name["technique"],
                    session=name["session"],
                    parameters=parameters,
                )
            )
        except BaseException:
            with self._stepped:
                self._parameters = {**parameters, **self._parameters}
            raise

    def set_or_prepare(self, parameters: Mapping[str, Json]) -> None:
        """Store values of the open scan; if none is open, note them for `start_prepared`. Raises like
        `set_parameters`.
        """
        with self._stepped:
            is_open = not isinstance(self._state, Idle)
            if not is_open:
                self._parameters = {**self._parameters, **parameters}
        if is_open:
            self.set_parameters(parameters)

    def set_parameters(self, parameters: Mapping[str, Json]) -> None:
        """Store values that the control system sets during the scan. They replace values that are read.

        Raises TriggerRefusedError if no scan is open, and JournalError if they cannot be stored.
        """
        time = self._clock.now()

        def with_parameters(scan: OpenScan) -> Record:
            changed = scan.record.with_given(parameter_readings(parameters, time), scan.plan.named)
            return self._journal.update(changed, due_at=time + _PARAMETERS_PAUSE)

        self._change(with_parameters)

    def name_file(self, name: str) -> None:
        """Store a raw file that the control system names during the scan. A file that is named again is stored once.

        Raises TriggerRefusedError if no scan runs or the name is not valid, and JournalError if it cannot be stored.
        """
        datasets = self._beamline().config.datasets

        def with_file(scan: OpenScan) -> Record:
            named = with_named_file(scan.record, name, scan.plan.detectors, datasets)
            return self._journal.note(named) if named.raw != scan.record.raw else scan.record

        self._change(with_file)
        self._update(lambda before: replace(before, last_data_file=name))

    def end(self, request: EndRequest) -> Answer:
        """Close the open scan with its final snapshot.

        Raises TriggerRefusedError if no scan is open, and JournalError if the end cannot be stored. Then the scan is
        still open, and the end can be sent again.
        """
        state = self._state
        is_other = isinstance(state, Idle | Starting) or not request.names(state.open.record)
        if is_other and (answer := self._ended_before(request)):
            return answer
        trigger = Trigger(self._instruments, self._beamline(), end=request)
        return self._perform(trigger, EndRequested(request))

    def abort(self, request: EndRequest = ANY_SCAN) -> Answer | None:
        """Close the open scan as aborted, with the final readings that are available.

        If a start or an end is running, its capture is stopped immediately, and this method waits until that trigger is
        answered, and returns None. Then no scan is open, and a scan that was opened or ended meanwhile is aborted. The
        answer of that trigger has the details. A request that names a scan aborts only that scan.

        Raises TriggerRefusedError if there is nothing to abort, and if the running trigger is not answered soon because
        the journal does not answer. In this case it is aborted as soon as possible.
        """
        if not is_meant(self._state, request) and (answer := self._ended_before(request)):
            return answer
        trigger = Trigger(self._instruments, self._beamline(), end=request)
        effects, at_work = self._step(AbortRequested(request), trigger)
        if not at_work or Do.AWAIT_TRIGGER not in effects:
            return self._carry_on(trigger, effects)
        if Do.STOP_CAPTURE in effects:
            at_work.stop.set()
        if not self._clock.wait(at_work.over, _ABORT_S):
            raise refusals.not_answered(_ABORT_S)
        if at_work.failure:
            raise refusals.cannot_abort(at_work.failure)
        return None

    def close_if_overdue(self) -> None:
        """Close a scan that runs for longer than the config allows, as interrupted, with the available readings.

        Raises JournalError if this cannot be stored. Then the scan is still open.
        """
        beamline = self._beamline()
        hours = beamline.config.limits.scan_hours
        trigger = Trigger(self._instruments, beamline, note=f"it was not ended within {hours:g} hours")
        effects, _ = self._step(TimeLimitChecked(self._clock.monotonic(), hours * 3600), trigger)
        if effects:
            # Meanwhile it may be aborted.
            with suppress(TriggerRefusedError):
                self._carry_on(trigger, effects)

    def renumbered(self, kept: Record) -> None:
        """Note that a scan of this session has another number now, because another scan's entry has its number."""
        self._step(Renumbered(kept))
        self._update(lambda now: replace(now, entry=kept.entry) if now.record == kept.id else now)

    def written(self, path: str) -> None:
        """Note that a file of this session was written."""
        self._update(lambda before: replace(before, last_file=path))

    def _ended_before(self, request: EndRequest) -> Answer | None:
        """The answer to the end of the scan that a request names, if that has ended: who heard no answer asks again."""
        if not request.is_named:
            return None
        answer = self._answered_before(request)
        if answer:
            log.info("the end of a scan that had ended was sent again", entry=answer.entry)
        return answer

    def _answered_before(self, request: EndRequest) -> Answer | None:
        last = self._last_ended
        if last and request.names(last[0]):
            return last[1]
        # It may have ended with another run of the daemon.
        with suppress(JournalError):
            record = self._journal.record(request.record)
            if not record.is_open and record.session == self._status.device and request.names(record):
                return answer_of(record, record.final or record.initial, self._beamline().config.data_root, 0.0)
        return None

    def _change(self, keep: Callable[[OpenScan], Record]) -> None:
        """Have the journal keep a change of the open scan; one at a time."""
        while True:
            effects, _ = self._step(ChangeRequested())
            match effects:
                case (Refuse() as refused,):
                    raise self._refusal(refused.why)
                case (Do.AWAIT_CHANGE,):
                    self._await_change()
                case _:
                    break
        outcome: Event = ChangeFailed()
        try:
            state = self._state
            assert isinstance(state, Running | Ending)  # noqa: S101 - an end waits for the change
            outcome = Changed(keep(state.open))
        finally:
            self._step(outcome)

    def _await_change(self) -> None:
        with self._stepped:
            self._stepped.wait_for(lambda: not (isinstance(self._state, Running | Ending) and self._state.is_changing))

    def _perform(self, trigger: Trigger, event: Event) -> Answer:
        effects, _ = self._step(event, trigger)
        return self._carry_on(trigger, effects)

    def _carry_on(self, trigger: Trigger, effects: tuple[Effect, ...]) -> Answer:
        """Do what a step says, and what the steps after it say, until the trigger is answered.

        Raises what the trigger is answered with instead: TriggerRefusedError, JournalError, or what nobody foresaw.
        """
        try:
            answer = self._answer(trigger, effects)
            log_answer(trigger.record, answer)
            return answer
        finally:
            if trigger.has_committed:
                self._after_commit()

    def _answer(self, trigger: Trigger, effects: tuple[Effect, ...]) -> Answer:
        while True:
            outcome: Event | None = None
            for effect in effects:
                match effect:
                    case Refuse(why=why):
                        raise self._refusal(why, trigger)
                    case Release(failure=failure):
                        trigger.failure = failure
                        trigger.over.set()
                    case Do.RAISE:
                        assert trigger.error  # noqa: S101 - it is what EffectFailed told of
                        raise trigger.error
                    case Do.ANSWER_START | Do.ANSWER_END:
                        assert trigger.answer  # noqa: S101 - made with the commit
                        return trigger.answer
                    case Do.AWAIT_CHANGE:
                        self._await_change()
                    case Do():
                        outcome = self._outcome(trigger, effect)
            if outcome is None:
                raise ValueError(f"{effects} lead to no answer")
            effects, _ = self._step(outcome, trigger)

    def _outcome(self, trigger: Trigger, effect: Do) -> Event:
        """Do what takes time, and tell what came of it."""
        try:
            return self._do(trigger, effect, self._state)
        except BaseException as error:  # noqa: BLE001 - it is raised as soon as the state says again what is open
            trigger.error = error
            return EffectFailed(str(error))

    def _do(self, trigger: Trigger, effect: Do, state: State) -> Event:
        match effect, state:
            case Do.CAPTURE_INITIAL, Starting() if trigger.start:
                with logged(trigger.start.identity, Phase.INITIAL):
                    trigger.start.capture(self._status.device)
                return Captured()
            case Do.COMMIT_START, Starting() if trigger.start:
                scan = trigger.start.commit()
                trigger.has_committed = True
                trigger.record, trigger.answer = scan.record, trigger.start.answer(scan.record)
                return Begun(scan)
            case Do.CAPTURE_FINAL, Ending():
                if state.reason is EndReason.INTERRUPTED:
                    entry = state.open.record.entry
                    log.warning("scan interrupted", scan=self._status.scan, entry=entry, reason=trigger.note)
                with logged(state.open.record.identity, Phase.FINAL):
                    trigger.end.capture(state.open)
                return Captured()
            case Do.COMMIT_END, Ending():
                with logged(state.open.record.identity, Phase.FINAL):
                    record = trigger.end.commit(state.reason)
            case Do.COMMIT_ABORT, Aborting():
                with logged(state.open.record.identity, Phase.FINAL):
                    record = commit_abort(self._instruments, state.open.record)
            case _:
                raise ValueError(f"{effect} in {state}")
        trigger.has_committed = True
        trigger.record, trigger.answer = record, trigger.end.answer(record)
        return Closed(record)

    def _after_commit(self) -> None:
        """Tell that the journal has something new. A trigger that is on the disk is never answered by an error."""
        try:
            self._events.committed()
        except Exception:
            log.exception("unforeseen error after a commit; the scan is safe")

    def _step(self, event: Event, trigger: Trigger | None = None) -> tuple[tuple[Effect, ...], Trigger | None]:
        """Take one step for a trigger. Returns what is to be done, and the trigger that was under way before."""
        with self._stepped:
            at_work = self._trigger
            self._state, effects = step(self._state, event)
            if isinstance(self._state, Idle | Running):
                self._trigger = None
            elif not at_work:
                self._trigger = trigger
            before, self._status = self._status, self._status_after(event, effects, trigger)
            has_changed = self._status != before
            self._stepped.notify_all()
        if has_changed:
            self._tell()
        return effects, at_work

    def _status_after(self, event: Event, effects: tuple[Effect, ...], trigger: Trigger | None) -> Status:
        state, status = self._state, replace(self._status, state=_scan_state(self._state))
        if isinstance(state, Running) and status.record != state.open.record.id:
            beamline = trigger.beamline if trigger else self._beamline()
            opened = status_of_open(state.open.record, beamline.config.data_root)
            status = replace(opened, last_file=status.last_file, prepared=status.prepared)
        if trigger and trigger.record and trigger.answer:
            if isinstance(event, Closed) or Do.ANSWER_END in effects:
                self._last_ended = trigger.record, trigger.answer
                status = ended_status(status, trigger.record, trigger.end.snapshot)
            if Do.ANSWER_START in effects:
                status = replace(status, start_dead_time_s=trigger.answer.dead_time_s)
            if Do.ANSWER_END in effects:
                status = replace(status, end_dead_time_s=trigger.answer.dead_time_s)
        if trigger and any(isinstance(effect, Release) for effect in effects):
            is_journals = Do.RAISE in effects and isinstance(trigger.error, JournalError)
            status = replace(status, refused=str(trigger.error) if is_journals else "")
        return replace(status, scan="") if isinstance(state, Idle) else status

    def _refusal(self, why: Refusal, trigger: Trigger | None = None) -> TriggerRefusedError:
        entry = trigger.record.entry if trigger and trigger.record else ""
        state = self._state
        match why:
            case Refusal.NOT_OPEN:
                return refusals.not_open(self._status.device)
            case Refusal.OTHER_SCAN if trigger and not isinstance(state, Idle | Starting):
                return refusals.other_scan(trigger.end.request, state.open.record)
            case Refusal.START_ABORTED:
                return refusals.start_aborted("nothing was opened")
            case Refusal.OPENED_SCAN_ABORTED:
                return refusals.start_aborted(f"{entry} was on the disk already, and is closed as aborted")
            case Refusal.INTERRUPTED_SCAN_ABORTED:
                return refusals.start_aborted(f"{entry}, which was to be interrupted, is closed as aborted")
            case _:
                return refusals.busy(self._status, (isinstance(state, Starting) and state.scan) or self._status.scan)

    def _update(self, change: Callable[[Status], Status]) -> None:
        with self._stepped:
            self._status = change(self._status)
        self._tell()

    def _tell(self) -> None:
        """Tell listeners of a new status. Nothing that goes wrong there is a trigger's fault."""
        try:
            self._events.status_changed(self._status.device)
        except Exception:
            log.exception("unforeseen error while a change of the status was told")


def _scan_state(state: State) -> ScanState:
    match state:
        case Idle():
            return ScanState.IDLE
        case Running():
            return ScanState.RUNNING
        case Starting() | Aborting(is_ended=False):
            return ScanState.STARTING
        case Ending() | Aborting():
            return ScanState.ENDING


def _plan_of(record: Record, beamline: Beamline) -> CapturePlan:
    """The plan for a scan that began with another run of the daemon: its definition, the sources of today."""
    technique = record.identity.technique
    current = beamline.plans.get(technique)
    if current and current.definition.sha256 == record.definition.sha256:
        return current
    definition = recorded_definition(record.definition)
    sources = current.sources if current else beamline.config.sources
    try:
        plan, _ = compile_plan(definition, sources, beamline.config.detectors, ("*",))
    except InputError as error:
        log.error("an open scan fits the config no longer: it ends without final readings", reason=str(error))
        named = definition.placeholders
        return CapturePlan(technique, definition, {}, frozenset(), frozenset(), frozenset(), named=named)
    return plan
