"""One trigger at work: the readings that it takes, and the record that it has the journal commit.

A trigger has one consistent set of config and definitions from its arrival to its answer, whatever is reloaded
meanwhile. What nobody foresaw costs a part of the record, which then says so, and not the scan.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

from nxscribe.capture import Capturer
from nxscribe.client import Answer
from nxscribe.errors import NxscribeError, Problem, TriggerRefusedError
from nxscribe.model import NO_DETECTOR, Phase, Reading, Snapshot
from nxscribe.plan import CapturePlan, saving_folders
from nxscribe.records import EndReason, Journal, Record, ScanIdentity, built_in
from nxscribe.runtime import Clock
from nxscribe.runtime.logger import get_logger, structlog
from nxscribe.service.beamline import Beamline
from nxscribe.service.scan._entry_numbers import EntryNumberAllocator, FolderProbe
from nxscribe.service.scan._named_objects import named_objects
from nxscribe.service.scan._raw_of_scan import outside, with_named_files, with_raw
from nxscribe.service.scan._state_machine import OpenScan
from nxscribe.service.scan._system_clock import clock_note
from nxscribe.service.scan.requests import EndRequest, ListedFiles, StartRequest, parameter_readings, raw_files
from nxscribe.service.scan.status import answer_of

log = get_logger()


@dataclass(frozen=True, slots=True)
class Instruments:
    """What triggers work with."""

    journal: Journal
    capturer: Capturer
    numbering: EntryNumberAllocator
    clock: Clock


class Trigger:
    """A start or an end under way, as its own thread and those who abort it see it."""

    def __init__(
        self,
        instruments: Instruments,
        beamline: Beamline,
        *,
        start: StartRequest | None = None,
        end: EndRequest | None = None,
        note: str = "",
    ) -> None:
        """Take the beamline's set of config and definitions in force for the whole trigger.

        Args:
            instruments: What it works with.
            beamline: Config and definitions.
            start: What a start asks for.
            end: What an end asks for, or nothing for one that no control system asked for.
            note: Why the scan is closed, where no control system asked for it.
        """
        self.beamline = beamline
        self.stop = threading.Event()
        """Ends the capture under way."""
        self.over = threading.Event()
        """Set when the trigger is about to be answered."""
        self.failure = ""
        """Why an abort of this trigger did not come about."""
        self.error: BaseException | None = None
        """What the last effect failed with."""
        self.record: Record | None = None
        """The record that was committed last."""
        self.answer: Answer | None = None
        """The answer that belongs to it."""
        self.has_committed = False
        self.note = note
        self.start = StartOfScan(instruments, beamline, start, self.stop) if start else None
        self.end = EndOfScan(instruments, beamline, end or EndRequest(), note, self.stop)


class StartOfScan:
    """The readings and the record of a start."""

    def __init__(
        self, instruments: Instruments, beamline: Beamline, request: StartRequest, stop: threading.Event
    ) -> None:
        """Raises TriggerRefusedError for an unknown technique or an unsafe name."""
        self._instruments = instruments
        self._beamline = beamline
        self._request = request
        self._stop = stop
        self._arrived, self._began = instruments.clock.now(), instruments.clock.monotonic()
        self._technique = beamline.technique(request.technique)
        self._plan = beamline.plan(self._technique)
        self._given = parameter_readings(request.parameters, self._arrived)
        self.identity = ScanIdentity(
            beamline.config.beamline,
            request.proposal,
            request.sample,
            request.scan,
            self._technique,
            request.session,
            _in_patterns(beamline.config.files.parameters, self._given),
        )
        self._place = beamline.config.files.place(self.identity)
        self._draft: Record | None = None
        self._warnings: tuple[str, ...] = ()
        self._look: FolderProbe | None = None

    @property
    def scan(self) -> str:
        """`sample - scan`."""
        return f"{self._request.sample} - {self._request.scan}"

    def capture(self, device: str) -> None:
        """Take the initial readings for the session of a device.

        Raises TriggerRefusedError where a mandatory value is missing and the config refuses such a start.
        """
        config = self._beamline.config
        searches = config.searches(self.identity)
        draft = Record(
            id=str(uuid4()),
            identity=self.identity,
            number=0,
            session=device,
            master=self._place.master,
            directory=self._place.directory,
            definition=self._beamline.texts[self._technique],
            start_time=self._arrived,
            initial=Snapshot(Phase.INITIAL, self._arrived, 0.0),
            detectors=config.groups,
            roots=config.roots(searches),
            searches=searches,
            checksums=config.checksums,
            mandatory=tuple(sorted(self._plan.mandatory)),
            technique_asked=self._request.technique if self._request.technique != self._technique else "",
        ).with_given(self._given, self._plan.named)
        self._look = self._instruments.numbering.look(config.files, self._place.master)
        snapshot = capture(self._instruments, self._beamline, self._plan, draft, phase=Phase.INITIAL, stop=self._stop)
        draft = replace(draft, initial=snapshot, roots=_with_folders(draft, self._plan, snapshot))
        links, of_links = named_objects(self._request.links, draft.directory, draft.roots)
        self._warnings = (*self._of_technique(), *of_links)
        self._draft = replace(draft, links=links, notes=_told("start", self._warnings))
        if not self._stop.is_set():
            _refuse_if_mandatory_missing(self._plan, snapshot, refuse=config.refuse_on_missing_mandatory)

    def _of_technique(self) -> tuple[str, ...]:
        """What is to be told of a technique that the config does not have. One that names none means the default."""
        asked, known = self._request.technique, self._beamline.config.techniques[self._technique]
        if asked.strip().casefold() in {"", self._technique.casefold(), *map(str.casefold, known.aliases)}:
            return ()
        return (f"the config has no technique {asked!r}: the scan is recorded as {self._technique}, the default",)

    def commit(self) -> OpenScan:
        """Have the journal begin the scan. Raises JournalError."""
        assert self._draft  # noqa: S101 - the state machine captures first
        assert self._look  # noqa: S101
        at_least = self._instruments.numbering.at_least(self._look)
        record = self._instruments.journal.begin(self._draft, at_least=at_least)
        return OpenScan(record, self._plan, self._began)

    def answer(self, record: Record) -> Answer:
        """The answer, once the record is committed."""
        dead_time_s = self._instruments.clock.monotonic() - self._began
        answer = answer_of(record, record.initial, self._beamline.config.data_root, dead_time_s)
        return replace(answer, warnings=self._warnings)


class EndOfScan:
    """The readings and the record of an end, of an abort, or of a scan that is closed by rule."""

    def __init__(
        self, instruments: Instruments, beamline: Beamline, request: EndRequest, note: str, stop: threading.Event
    ) -> None:
        self._instruments = instruments
        self._beamline = beamline
        self.request = request
        self._notes = (f"the scan was closed by rule: {note}",) if note else ()
        self._warnings: tuple[str, ...] = ()
        self._stop = stop
        self._arrived, self._began = instruments.clock.now(), instruments.clock.monotonic()
        self._record: Record | None = None
        self._bare: Record | None = None
        self._listed = ListedFiles((), {}, ())
        self._plan: CapturePlan | None = None

    def capture(self, scan: OpenScan) -> None:
        """Take the final readings of an open scan."""
        config = self._beamline.config
        self._plan = scan.plan
        opened, not_named = scan.record, tuple[str, ...]()
        if named := self.request.files.get(NO_DETECTOR):
            opened, not_named = with_named_files(opened, named, scan.plan.detectors, config.datasets)
        datasets = {name: config.datasets.get(name, "") for name in opened.detectors}
        self._listed = raw_files(self.request, datasets, opened.directory)
        unusable = (*self.request.unusable, *not_named, *self._listed.unusable)
        bare = replace(
            opened,
            end_time=self._arrived,
            reason=self.request.reason or opened.reason,
            roots=opened.roots or config.roots(opened.searches),
            notes=(*opened.notes, *self._notes, *_told("end", unusable)),
        )
        elapsed_s = self._began - scan.opened_at

        def with_given(record: Record) -> Record:
            return record.with_given(parameter_readings(self.request.parameters, self._arrived), scan.plan.named)

        def with_clock(record: Record) -> Record:
            return replace(record, notes=(*record.notes, *clock_note(record.start_time, self._arrived, elapsed_s)))

        record = _or_without("its parameters", with_given, bare)
        record = _or_without("the note of the system clock", with_clock, record)
        snapshot = capture(self._instruments, self._beamline, scan.plan, record, phase=Phase.FINAL, stop=self._stop)
        roots = _with_folders(record, scan.plan, snapshot)
        links, of_links = named_objects(self.request.links, opened.directory, roots)
        of_names = (*of_links, *outside(self._listed.series, roots))
        self._warnings = (*unusable, *of_names)

        def with_links(record: Record) -> Record:
            notes = (*record.notes, *_told("end", of_names))
            return replace(record, links={**record.links, **links}, roots=roots, notes=notes)

        self._bare, self._record = with_links(bare), with_links(replace(record, final=snapshot))

    def commit(self, reason: EndReason) -> Record:
        """Have the journal close the scan: if the whole record cannot be kept for an unforeseen reason, then without
        what came with its end. Raises JournalError.
        """
        assert self._record  # noqa: S101 - the state machine captures first
        assert self._bare  # noqa: S101
        try:
            return self._instruments.journal.update(self._with_raw(replace(self._record, end_reason=reason)))
        except NxscribeError:
            raise
        except Exception as error:
            log.exception("the end of a scan is kept without its readings, for an unforeseen reason")
            notes = (*self._bare.notes, _left_out("its readings", error))
            return self._instruments.journal.update(replace(self._bare, end_reason=reason, notes=notes))

    def _with_raw(self, record: Record) -> Record:
        """The record with its raw files. Which these are depends on how the scan ended: a camera that still runs at the
        end of a finished scan will write the frames that it was asked for, one that was aborted will not.
        """
        plan, config = self._plan, self._beamline.config
        assert plan  # noqa: S101 - the state machine captures first
        return _or_without("its raw files", lambda record: with_raw(record, self._listed, plan, config), record)

    @property
    def snapshot(self) -> Snapshot:
        """The final readings. The journal may have been unable to keep them: they were taken all the same."""
        taken = self._record.final if self._record else None
        return taken or Snapshot(Phase.FINAL, self._arrived, 0.0)

    def answer(self, record: Record) -> Answer:
        """The answer, once the record is committed."""
        dead_time_s = self._instruments.clock.monotonic() - self._began
        answer = answer_of(record, self.snapshot, self._beamline.config.data_root, dead_time_s)
        return replace(answer, warnings=self._warnings)


def commit_abort(instruments: Instruments, record: Record) -> Record:
    """Have the journal close a scan as aborted that it has just committed, open or closed. Raises JournalError."""
    end_time = record.end_time or instruments.clock.now()
    return instruments.journal.update(replace(record, end_time=end_time, end_reason=EndReason.ABORTED))


def capture(
    instruments: Instruments,
    beamline: Beamline,
    plan: CapturePlan,
    record: Record,
    *,
    phase: Phase,
    stop: threading.Event,
) -> Snapshot:
    """The readings of one phase. `stop` ends it at once, with what is there by then."""
    # A source of the config goes before what nxscribe knows by itself, and before a parameter that cannot be kept.
    known = {name: reading for name, reading in built_in(record).items() if name not in plan.sources}
    set_ = {name: reading for name, reading in record.given.items() if reading.ok or name not in plan.sources}
    config = beamline.config
    clock = instruments.clock
    began = clock.monotonic()
    try:
        return instruments.capturer.capture(
            plan,
            phase,
            given={**known, **set_},
            had=record.initial.readings,
            deadline_s=config.limits.deadline_s,
            scan=record.identity.names,
            afresh=config.afresh_at_end and phase is Phase.FINAL,
            stop=stop,
        )
    except Exception as error:
        log.exception("nothing was read, for an unforeseen reason")
        why = _left_out("its reading", error)
        readings = {
            name: {**known, **set_}.get(name) or Reading("none", clock.now(), error=why)
            for name in plan.wanted(phase, frozenset())
        }
        return Snapshot(phase, clock.now(), clock.monotonic() - began, readings)


@contextmanager
def logged(identity: ScanIdentity, phase: Phase) -> Iterator[None]:
    """Every line that is logged meanwhile says of which scan and phase it speaks."""
    with structlog().contextvars.bound_contextvars(
        experiment=identity.proposal, scan=f"{identity.sample} - {identity.scan}", phase=phase.value
    ):
        yield


def log_answer(record: Record | None, answer: Answer) -> None:
    """Log what a trigger is answered with; `record` is what it committed."""
    if record is None:
        return
    with logged(record.identity, Phase.FINAL if answer.end_reason else Phase.INITIAL):
        log.info(
            "scan ended" if answer.end_reason else "scan started",
            entry=answer.entry,
            read=answer.read,
            missing=len(answer.missing),
            dead_time_ms=round(answer.dead_time_s * 1e3, 1),
            **({"end_reason": answer.end_reason} if answer.end_reason else {}),
        )


def _or_without(what: str, step: Callable[[Record], Record], record: Record) -> Record:
    """The record after one step of its end, or as it was where the step fails for a reason that nobody foresaw."""
    try:
        return step(record)
    except NxscribeError:
        raise
    except Exception as error:
        log.exception("the end of a scan goes on without a part, for an unforeseen reason", part=what)
        return replace(record, notes=(*record.notes, _left_out(what, error)))


def _in_patterns(names: Iterable[str], given: Mapping[str, Reading]) -> dict[str, str]:
    """The parameters that patterns use, as texts. Raises TriggerRefusedError for one that is missing or no scalar."""
    texts: dict[str, str] = {}
    for name in sorted(names):
        value = given[name].value if name in given else None
        if value is None or value.shape != ():
            why = "is a list, or has no form" if name in given else "is not given"
            raise TriggerRefusedError(
                Problem(
                    f"the parameter {name!r} {why}, and the paths of the scan's files contain it",
                    "files.parameters of the config lists it",
                    f'send "parameters": {{"{name}": ...}} with a text or a number',
                )
            )
        texts[name] = str(value[()])
    return texts


def _told(when: str, unusable: Iterable[str]) -> tuple[str, ...]:
    """Notes of what cannot be used of a trigger."""
    return tuple(f"of what the control system sent with the {when}: {one}" for one in unusable)


def _with_folders(record: Record, plan: CapturePlan, snapshot: Snapshot) -> tuple[str, ...]:
    """The folders in which files may lie, with those that the cameras save in. What a client gave in place of a
    camera's own word opens no folder.
    """
    folders = saving_folders(plan.detectors, snapshot.readings, given=record.given)
    return tuple(dict.fromkeys((*record.roots, *folders))) if folders else record.roots


def _left_out(what: str, error: Exception) -> str:
    return (
        f"{what} failed for an unforeseen reason: {type(error).__name__}: {error}; the daemon's log has the trace back"
    )


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
                    f"the mandatory ${{{name}}} has no value",
                    why,
                    "correct its source, or set on_missing_mandatory: warn",
                )
                for name, why in missing.items()
            )
        )
