"""A session: one trigger device's scans, one at a time, from trigger to committed record.

A trigger's work is done in the caller's thread and ends with the commit. State and status are plain reads of
what is already known, so that they never wait for a capture.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import structlog

from nxscribe.capture import Capturer
from nxscribe.definitions import parse_definition
from nxscribe.errors import InputError, JournalError, Problem, TriggerRefusedError
from nxscribe.model import Phase, Snapshot, now
from nxscribe.plan import CapturePlan, compile_plan
from nxscribe.records import EndReason, Journal, Record, ScanIdentity, built_in
from nxscribe.service.beamline import Beamline
from nxscribe.service.clock import clock_note
from nxscribe.service.named_files import with_named_file
from nxscribe.service.numbering import Numbering
from nxscribe.service.raw_of_scan import with_raw
from nxscribe.service.requests import EndRequest, Json, StartRequest, parameter_readings, raw_files
from nxscribe.service.status import Answer, ScanState, Status, answer_of, reasons, status_of_open

log = structlog.get_logger()


class Session:
    """One trigger device's scans. Every method may be called from any thread at any time."""

    def __init__(
        self,
        device: str,
        *,
        beamline: Callable[[], Beamline],
        journal: Journal,
        capturer: Capturer,
        committed: Callable[[], None],
        changed: Callable[[Session], None],
    ) -> None:
        """`beamline` gives the definitions in force; `committed` is called after each commit, `changed` after each
        change of the status.
        """
        self._beamline = beamline
        self._journal = journal
        self._capturer = capturer
        self._committed = committed
        self._announce = changed
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._numbering = Numbering(journal)
        self._opened_at = 0.0
        """When the open scan began, on the monotonic clock: the wall clock may be set."""
        self._status = Status(device)
        self._open: tuple[Record, CapturePlan] | None = None

    @property
    def status(self) -> Status:
        """The status of this moment; never waits."""
        return self._status

    @property
    def open_record(self) -> str | None:
        """The id of the open scan's record."""
        return self._open[0].id if self._open else None

    def resume(self, record: Record) -> None:
        """Take up a scan that a former run of the daemon left open: the control system need not know."""
        plan = self._plan_of(record)
        record = replace(record, notes=(*record.notes, f"the daemon was restarted during the scan, at {now():%FT%TZ}"))
        try:
            self._journal.update(record)
        except JournalError as error:
            # It is kept with the end; a full disk must not keep the daemon from starting.
            log.warning("the restart could not be noted yet", entry=record.entry, reason=str(error))
        self._open = (record, plan)
        self._opened_at = time.monotonic() - max((now() - record.start_time).total_seconds(), 0.0)
        self._change(lambda before: replace(status_of_open(record, self._root), last_file=before.last_file))
        log.info("scan resumed", entry=record.entry, scan=self._status.scan)

    def start(self, request: StartRequest) -> Answer:
        """Open a scan and commit its initial snapshot. One that is still open is closed as interrupted first, where the
        config says so.

        Raises TriggerRefusedError (a scan is open, an unknown technique, an unsafe name, a mandatory value missing
        under the policy `refuse`, aborted meanwhile) and JournalError; then nothing was opened.
        """
        arrived, began = now(), time.monotonic()
        beamline = self._beamline()
        plan = beamline.plan(request.technique)
        config = beamline.config
        identity = ScanIdentity(config.beamline, request.proposal, request.sample, request.scan, request.technique)
        place = config.files.place(identity)
        if config.interrupt_on_start and self._status.state is ScanState.RUNNING:
            self._interrupt("a new scan was started")
        with self._turn(ScanState.IDLE, ScanState.STARTING), _logged(identity, Phase.INITIAL):
            draft = Record(
                id=str(uuid4()),
                identity=identity,
                number=0,
                session=self._status.device,
                master=place.master,
                directory=place.directory,
                definition=beamline.texts[request.technique],
                start_time=arrived,
                initial=Snapshot(Phase.INITIAL, arrived, 0.0),
                detectors=config.groups,
                given=parameter_readings(request.parameters, arrived),
                searches=config.searches(identity),
                checksums=config.checksums,
            )
            look = self._numbering.look(config.files, place.master)
            snapshot = self._capture(plan, draft, Phase.INITIAL)
            if self._stop.is_set():
                raise TriggerRefusedError(Problem("the start was aborted", remedy="nothing was opened: start again"))
            _refuse_if_mandatory_missing(plan, snapshot, refuse=config.refuse_on_missing_mandatory)
            record = self._journal.begin(replace(draft, initial=snapshot), at_least=self._numbering.at_least(look))
            answer = answer_of(record, snapshot, self._root, time.monotonic() - began)
            self._open = (record, plan)
            self._opened_at = began
            opened = replace(status_of_open(record, self._root), start_dead_time_s=answer.dead_time_s)
            self._change(lambda before: replace(opened, last_file=before.last_file))
            _log_answer("scan started", answer)
        self._committed()
        return answer

    def set_parameters(self, parameters: Mapping[str, Json]) -> None:
        """Keep values that the control system sets during the scan: they win over what is read.

        Raises TriggerRefusedError when no scan is open, JournalError when they cannot be kept.
        """
        with self._lock:
            self._refuse_unless(ScanState.RUNNING)
            record, plan = self._opened()
            record = replace(record, given={**record.given, **parameter_readings(parameters, now())})
            self._open = (self._journal.update(record), plan)

    def name_file(self, name: str) -> None:
        """Keep a raw file that the control system names during the scan. Named again, it is kept once.

        Raises TriggerRefusedError when no scan runs or the name is none, JournalError when it cannot be kept.
        """
        with self._lock:
            self._refuse_unless(ScanState.RUNNING)
            record, plan = self._opened()
            named = with_named_file(record, name, plan.detectors, self._beamline().config.datasets)
            if named.raw != record.raw:
                self._open = (self._journal.note(named), plan)
        self._change(lambda before: replace(before, last_data_file=name))

    def end(self, request: EndRequest) -> Answer:
        """Close the open scan with its final snapshot. Raises TriggerRefusedError without one, and JournalError:
        then the scan is still open, and the end can be sent again.
        """
        return self._close(request, EndReason.FINISHED)

    def abort(self) -> Answer | None:
        """Close the open scan as aborted, with the final readings that can be had. During a start or an end, stop
        its capture at once and return None: that trigger's own answer tells the rest.

        Raises TriggerRefusedError when there is nothing to abort.
        """
        if self._status.state in (ScanState.STARTING, ScanState.ENDING):
            self._stop.set()
            return None
        return self._close(EndRequest(), EndReason.ABORTED)

    def close_if_overdue(self) -> None:
        """Close a scan that runs for longer than the config allows, as interrupted, with the readings that can be had.

        Raises JournalError when that cannot be kept; the scan is then still open.
        """
        hours = self._beamline().config.limits.scan_hours
        if self._status.state is ScanState.RUNNING and time.monotonic() - self._opened_at > hours * 3600:
            # Meanwhile its end may have come.
            with suppress(TriggerRefusedError):
                self._interrupt(f"it was not ended within {hours:g} hours")

    def _interrupt(self, why: str) -> None:
        log.warning("scan interrupted", scan=self._status.scan, entry=self._status.entry, reason=why)
        self._close(EndRequest(), EndReason.INTERRUPTED, f"the scan was closed by rule: {why}")

    def renumbered(self, kept: Record) -> None:
        """Take note that a scan of this session has another number now, because another's entry has its own."""
        with self._lock:
            if self._open and self._open[0].id == kept.id and self._open[0].number != kept.number:
                record, plan = self._open
                self._open = (record.renumbered(kept.number), plan)
        self._change(lambda now: replace(now, entry=kept.entry) if now.record == kept.id else now)

    def written(self, path: str) -> None:
        """Note that a file of this session was written."""
        self._change(lambda before: replace(before, last_file=path))

    def _close(self, request: EndRequest, reason: EndReason, *notes: str) -> Answer:
        arrived, began = now(), time.monotonic()
        with self._turn(ScanState.RUNNING, ScanState.ENDING):
            record, plan = self._opened()
            with _logged(record.identity, Phase.FINAL):
                config = self._beamline().config
                listed = raw_files(request, {name: config.datasets.get(name, "") for name in record.detectors})
                record = replace(
                    record,
                    given={**record.given, **parameter_readings(request.parameters, arrived)},
                    end_time=arrived,
                    end_reason=reason,
                    notes=(*record.notes, *notes, *clock_note(record.start_time, arrived, began - self._opened_at)),
                )
                snapshot = self._capture(plan, record, Phase.FINAL)
                if self._stop.is_set():
                    record = replace(record, end_reason=EndReason.ABORTED)
                record = with_raw(replace(record, final=snapshot), request, listed, plan, config)
                record = self._journal.update(record)
                answer = answer_of(record, snapshot, self._root, time.monotonic() - began)
                self._open = None
                missing = reasons(record.initial, snapshot)
                self._change(
                    lambda before: replace(
                        before,
                        state=ScanState.IDLE,
                        scan="",
                        entry=record.entry,
                        missing=missing,
                        end_dead_time_s=answer.dead_time_s,
                    )
                )
                _log_answer("scan ended", answer)
        self._committed()
        return answer

    @property
    def _root(self) -> Path:
        return self._beamline().config.data_root

    def _capture(self, plan: CapturePlan, record: Record, phase: Phase) -> Snapshot:
        # A source of the config goes before what nxscribe knows by itself, and before a parameter that cannot be kept.
        known = {name: reading for name, reading in built_in(record).items() if name not in plan.sources}
        set_ = {name: reading for name, reading in record.given.items() if reading.ok or name not in plan.sources}
        config = self._beamline().config
        return self._capturer.capture(
            plan,
            phase,
            given={**known, **set_},
            had=record.initial.readings,
            deadline_s=config.limits.deadline_s,
            afresh=config.afresh_at_end and phase is Phase.FINAL,
            stop=self._stop,
        )

    def _plan_of(self, record: Record) -> CapturePlan:
        """The plan for a scan that began with another run of the daemon: its definition, the sources of today."""
        beamline = self._beamline()
        technique = record.identity.technique
        current = beamline.plans.get(technique)
        if current and current.definition.sha256 == record.definition.sha256:
            return current
        definition = parse_definition(record.definition.name, record.definition.text)
        sources = current.sources if current else beamline.config.sources
        try:
            plan, _ = compile_plan(definition, sources, beamline.config.detectors, ("*",))
        except InputError as error:
            log.error("an open scan fits the config no longer: it ends without final readings", reason=str(error))
            return CapturePlan(technique, definition, {}, frozenset(), frozenset(), frozenset())
        return plan

    def _opened(self) -> tuple[Record, CapturePlan]:
        if self._open is None:
            raise TriggerRefusedError(
                Problem(
                    f"no scan is open on {self._status.device}",
                    "it was never started, or has ended already",
                    "start one first; the last answer and the attributes tell what became of the last",
                )
            )
        return self._open

    @contextmanager
    def _turn(self, wanted: ScanState, passing: ScanState) -> Iterator[None]:
        """Hold the session for one trigger. Whatever is raised inside leaves it in the state that it had."""
        with self._lock:
            self._refuse_unless(wanted)
            self._stop.clear()
            self._status = replace(self._status, state=passing)
        refused = ""
        try:
            self._announce(self)
            yield
        except JournalError as error:
            refused = str(error)
            raise
        finally:
            if self._status.state is passing:
                self._change(lambda before: replace(before, state=wanted, refused=refused))
            elif self._status.refused:
                self._change(lambda before: replace(before, refused=""))

    def _refuse_unless(self, wanted: ScanState) -> None:
        if wanted is ScanState.RUNNING:
            self._opened()
        if self._status.state is not wanted:
            raise TriggerRefusedError(
                Problem(
                    f"{self._status.device} is {self._status.state} with the scan {self._status.scan!r}",
                    "a session has one scan at a time, and one trigger at a time",
                    "end or abort the scan first, or wait until the trigger under way is answered",
                )
            )

    def _change(self, change: Callable[[Status], Status]) -> None:
        with self._lock:
            self._status = change(self._status)
        self._announce(self)


def _refuse_if_mandatory_missing(plan: CapturePlan, snapshot: Snapshot, *, refuse: bool) -> None:
    mandatory = plan.mandatory_in(Phase.INITIAL)
    missing = {name: reading.error for name, reading in snapshot.missing.items() if name in mandatory}
    if not missing:
        return
    log.warning("mandatory values are missing", missing=missing)
    if refuse:
        raise TriggerRefusedError(
            *(
                Problem(
                    f"the mandatory ${{{name}}} has no value", why, "mend its source, or set on_missing_mandatory: warn"
                )
                for name, why in missing.items()
            )
        )


@contextmanager
def _logged(identity: ScanIdentity, phase: Phase) -> Iterator[None]:
    """Every line that the trigger logs says whose it is."""
    with structlog.contextvars.bound_contextvars(
        experiment=identity.proposal, scan=f"{identity.sample} - {identity.scan}", phase=phase.value
    ):
        yield


def _log_answer(event: str, answer: Answer) -> None:
    log.info(
        event,
        entry=answer.entry,
        read=answer.read,
        missing=len(answer.missing),
        dead_time_ms=round(answer.dead_time_s * 1e3, 1),
        **({"end_reason": answer.end_reason} if answer.end_reason else {}),
    )
