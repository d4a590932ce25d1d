"""The states of a session: each event in each state, and long histories held against a plain model of a scan's life."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nxscribe.records import EndReason, Record, ScanIdentity
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
    step,
)
from nxscribe.service.scan.requests import EndRequest

IDENTITY = ScanIdentity("sim", "ma1", "smp", "s1", "tomo")


@dataclass(frozen=True)
class FakeRecord:
    """What the machine knows of a record: who it is, and its number."""

    id: str = "r1"
    number: int = 1
    entry: str = "entry_0001"
    values: tuple[int, ...] = ()
    end_reason: EndReason | None = None
    identity: ScanIdentity = IDENTITY

    def renumbered(self, number: int) -> FakeRecord:
        return replace(self, number=number)


def a_record(**changes: Any) -> Record:
    return cast("Record", FakeRecord(**changes))


SCAN = OpenScan(a_record(), cast("Any", "its plan"), 100.0)
END = EndRequested(EndRequest())
ABORTED = EndReason.ABORTED
FINISHED = EndReason.FINISHED
INTERRUPTED = EndReason.INTERRUPTED
OTHER = EndRequested(EndRequest(record="another"))
OTHERS = AbortRequested(EndRequest(record="another", abort=True))
OF_SCAN = AbortRequested(EndRequest(record="r1", abort=True))
OF_NEXT = AbortRequested(EndRequest(scan="next", abort=True))


@pytest.mark.parametrize(
    ("state", "event", "after", "effects"),
    [
        # starts
        (Idle(), StartRequested("a"), Starting("a"), (Do.CAPTURE_INITIAL,)),
        (Starting("a"), StartRequested("b", may_interrupt=True), Starting("a"), (Refuse(Refusal.BUSY),)),
        (Running(SCAN), StartRequested("b"), Running(SCAN), (Refuse(Refusal.BUSY),)),
        (
            Running(SCAN, is_changing=True),
            StartRequested("b", may_interrupt=True),
            Ending(SCAN, INTERRUPTED, is_changing=True, next_scan="b"),
            (Do.AWAIT_CHANGE, Do.CAPTURE_FINAL),
        ),
        (
            Ending(SCAN, FINISHED),
            StartRequested("b", may_interrupt=True),
            Ending(SCAN, FINISHED),
            (Refuse(Refusal.BUSY),),
        ),
        (Starting("a"), Captured(), Starting("a"), (Do.COMMIT_START,)),
        (Starting("a"), Begun(SCAN), Running(SCAN), (Release(), Do.ANSWER_START)),
        (Starting("a"), EffectFailed("no disk"), Idle(), (Release(), Do.RAISE)),
        # ends
        (Idle(), END, Idle(), (Refuse(Refusal.NOT_OPEN),)),
        (Starting("a"), END, Starting("a"), (Refuse(Refusal.NOT_OPEN),)),
        (Running(SCAN), END, Ending(SCAN, FINISHED), (Do.CAPTURE_FINAL,)),
        (
            Running(SCAN),
            EndRequested(EndRequest(end_reason="failed")),
            Ending(SCAN, EndReason.FAILED),
            (Do.CAPTURE_FINAL,),
        ),
        (Running(SCAN), EndRequested(EndRequest(end_reason="?")), Ending(SCAN, FINISHED), (Do.CAPTURE_FINAL,)),
        (Running(SCAN), OTHER, Running(SCAN), (Refuse(Refusal.OTHER_SCAN),)),
        (Ending(SCAN, FINISHED), END, Ending(SCAN, FINISHED), (Refuse(Refusal.BUSY),)),
        (Ending(SCAN, FINISHED), Captured(), Ending(SCAN, FINISHED), (Do.COMMIT_END,)),
        (Ending(SCAN, FINISHED), Closed(SCAN.record), Idle(), (Release(), Do.ANSWER_END)),
        (Ending(SCAN, FINISHED), EffectFailed("no disk"), Running(SCAN), (Release("no disk"), Do.RAISE)),
        # a scan that is interrupted by the next one
        (Ending(SCAN, INTERRUPTED, next_scan="b"), Closed(SCAN.record), Starting("b"), (Do.CAPTURE_INITIAL,)),
        (Ending(SCAN, INTERRUPTED, next_scan="b"), EffectFailed("x"), Running(SCAN), (Release("x"), Do.RAISE)),
        (
            Ending(SCAN, ABORTED, is_aborted=True, next_scan="b"),
            Closed(SCAN.record),
            Idle(),
            (Release(), Refuse(Refusal.INTERRUPTED_SCAN_ABORTED)),
        ),
        # the time limit
        (Running(SCAN), TimeLimitChecked(110.0, 10.0), Running(SCAN), ()),
        (Running(SCAN), TimeLimitChecked(110.1, 10.0), Ending(SCAN, INTERRUPTED), (Do.CAPTURE_FINAL,)),
        (Ending(SCAN, FINISHED), TimeLimitChecked(110.1, 10.0), Ending(SCAN, FINISHED), ()),
        (Idle(), TimeLimitChecked(110.1, 10.0), Idle(), ()),
        # aborts
        (Idle(), AbortRequested(), Idle(), (Refuse(Refusal.NOT_OPEN),)),
        (Running(SCAN), AbortRequested(), Ending(SCAN, ABORTED), (Do.CAPTURE_FINAL,)),
        (
            Running(SCAN),
            AbortRequested(EndRequest(end_reason="failed")),
            Ending(SCAN, EndReason.FAILED),
            (Do.CAPTURE_FINAL,),
        ),
        (
            Starting("a"),
            AbortRequested(),
            Starting("a", is_aborted=True),
            (Do.STOP_CAPTURE, Do.AWAIT_TRIGGER),
        ),
        # aborts of one scan alone
        (Idle(), OTHERS, Idle(), (Refuse(Refusal.NOT_OPEN),)),
        (Running(SCAN), OTHERS, Running(SCAN), (Refuse(Refusal.OTHER_SCAN),)),
        (Running(SCAN), OF_SCAN, Ending(SCAN, ABORTED), (Do.CAPTURE_FINAL,)),
        (Ending(SCAN, FINISHED), OTHERS, Ending(SCAN, FINISHED), (Refuse(Refusal.OTHER_SCAN),)),
        (
            Ending(SCAN, FINISHED),
            OF_SCAN,
            Ending(SCAN, FINISHED, is_aborted=True),
            (Do.STOP_CAPTURE, Do.AWAIT_TRIGGER),
        ),
        (Starting("smp - next"), OTHERS, Starting("smp - next"), (Refuse(Refusal.NOT_OPEN),)),
        (Starting("smp - next"), OF_SCAN, Starting("smp - next"), (Refuse(Refusal.NOT_OPEN),)),
        (
            Starting("smp - next"),
            OF_NEXT,
            Starting("smp - next", is_aborted=True),
            (Do.STOP_CAPTURE, Do.AWAIT_TRIGGER),
        ),
        (
            Ending(SCAN, INTERRUPTED, next_scan="smp - next"),
            OF_NEXT,
            Ending(SCAN, INTERRUPTED, is_aborted=True, next_scan="smp - next"),
            (Do.STOP_CAPTURE, Do.AWAIT_TRIGGER),
        ),
        (
            Ending(SCAN, INTERRUPTED, next_scan="smp - next"),
            OF_SCAN,
            Ending(SCAN, INTERRUPTED, next_scan="smp - next"),
            (Refuse(Refusal.BUSY),),
        ),
        (Starting("a", is_aborted=True), Captured(), Idle(), (Release(), Refuse(Refusal.START_ABORTED))),
        (Starting("a", is_aborted=True), Begun(SCAN), Aborting(SCAN, is_ended=False), (Do.COMMIT_ABORT,)),
        (
            Aborting(SCAN, is_ended=False),
            Closed(SCAN.record),
            Idle(),
            (Release(), Refuse(Refusal.OPENED_SCAN_ABORTED)),
        ),
        (Aborting(SCAN, is_ended=False), EffectFailed("no disk"), Running(SCAN), (Release("no disk"), Do.RAISE)),
        (Aborting(SCAN, is_ended=False), AbortRequested(), Aborting(SCAN, is_ended=False), (Do.AWAIT_TRIGGER,)),
        (
            Ending(SCAN, FINISHED, is_aborted=True),
            Captured(),
            Ending(SCAN, ABORTED, is_aborted=True),
            (Do.COMMIT_END,),
        ),
        (
            Ending(SCAN, FINISHED, is_aborted=True),
            Closed(SCAN.record),
            Aborting(SCAN, is_ended=True),
            (Do.COMMIT_ABORT,),
        ),
        (Aborting(SCAN, is_ended=True), Closed(SCAN.record), Idle(), (Release(), Do.ANSWER_END)),
        (
            Aborting(SCAN, is_ended=True),
            EffectFailed("no disk"),
            Idle(),
            (Release("it had ended when the abort came, and that cannot be changed: no disk"), Do.ANSWER_END),
        ),
        # parameters and files
        (Idle(), ChangeRequested(), Idle(), (Refuse(Refusal.NOT_OPEN),)),
        (Ending(SCAN, FINISHED), ChangeRequested(), Ending(SCAN, FINISHED), (Refuse(Refusal.BUSY),)),
        (Running(SCAN), ChangeRequested(), Running(SCAN, is_changing=True), (Do.KEEP_CHANGE,)),
        (Running(SCAN, is_changing=True), ChangeRequested(), Running(SCAN, is_changing=True), (Do.AWAIT_CHANGE,)),
        (Running(SCAN, is_changing=True), ChangeFailed(), Running(SCAN), ()),
        (Ending(SCAN, FINISHED, is_changing=True), ChangeFailed(), Ending(SCAN, FINISHED), ()),
        # restarts and numbers
        (Idle(), Resumed(SCAN), Running(SCAN), ()),
        (Idle(), Renumbered(a_record(number=7)), Idle(), ()),
        (Running(SCAN), Renumbered(a_record(id="another", number=7)), Running(SCAN), ()),
        (Running(SCAN), Renumbered(a_record(number=7)), Running(replace(SCAN, record=a_record(number=7))), ()),
    ],
)
def test_each_event_leads_to_one_state_and_says_what_is_to_be_done(
    state: State, event: Event, after: State, effects: tuple[object, ...]
) -> None:
    assert step(state, event) == (after, effects)


@pytest.mark.parametrize("state", [Idle(), Running(SCAN), Running(SCAN, is_changing=True)])
@pytest.mark.parametrize("event", [Captured(), Begun(SCAN), Closed(SCAN.record), EffectFailed("x")])
def test_an_outcome_that_nobody_asked_for_is_a_fault_of_the_program(state: State, event: Event) -> None:
    with pytest.raises(ValueError, match="did not ask for"):
        step(state, event)


def test_a_change_of_the_open_scan_is_in_the_state() -> None:
    changed = a_record(values=(1,))
    for before in (Running(SCAN, is_changing=True), Ending(SCAN, FINISHED, is_changing=True)):
        after, _ = step(before, Changed(changed))
        assert isinstance(after, Running | Ending)
        assert after.open.record is changed
        assert not after.is_changing


class Lives(RuleBasedStateMachine):
    """Sessions as their callers see them, with a journal that keeps or fails, in any order of events.

    The model is the journal alone: a dictionary of records. Whatever happens, what the state says and what callers are
    answered must agree with it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.state: State = Idle()
        self.journal: dict[str, FakeRecord] = {}
        self.next: Do | None = None
        """What the trigger under way is at."""
        self.is_keeping = False
        self.started = ""
        """The id that the start under way gives to its record."""
        self.number = 0
        self.aborts = 0
        """Aborts that wait for the trigger under way."""
        self.ended_before: set[str] = set()

    def post(self, event: Event) -> tuple[object, ...]:
        self.state, effects = step(self.state, event)
        for effect in effects:
            match effect:
                case Release(failure=failure):
                    self.release(failure)
                case Do.CAPTURE_INITIAL | Do.COMMIT_START | Do.CAPTURE_FINAL | Do.COMMIT_END | Do.COMMIT_ABORT:
                    self.next = effect
                case Do.ANSWER_START:
                    assert self.open_ids() == {self.started}
                    self.next = None
                case Do.ANSWER_END:
                    assert not self.open_ids()
                    self.next = None
                case Do.RAISE | Refuse():
                    if isinstance(event, Captured | Begun | Closed | EffectFailed):
                        self.next = None
                case _:
                    pass
        return effects

    def release(self, failure: str) -> None:
        """Whoever aborted is answered now."""
        if self.aborts and not failure:
            assert not self.open_ids(), "an abort that is answered as done leaves no scan open"
            closed_now = self.journal.keys() - self.ended_before
            reasons = {self.journal[id_].end_reason for id_ in closed_now}
            # Only a start that interrupts may leave one closed as interrupted before the abort came.
            assert reasons <= {ABORTED, INTERRUPTED}
        self.aborts = 0
        self.ended_before = {id_ for id_, record in self.journal.items() if record.end_reason}

    def open_ids(self) -> set[str]:
        return {id_ for id_, record in self.journal.items() if record.end_reason is None}

    def open_record(self) -> FakeRecord:
        assert not isinstance(self.state, Idle | Starting)
        return cast("FakeRecord", self.state.open.record)

    # What callers want.

    @rule(may_interrupt=st.booleans())
    def start(self, *, may_interrupt: bool) -> None:
        was_idle, was_running = isinstance(self.state, Idle), isinstance(self.state, Running)
        effects = self.post(StartRequested("next", may_interrupt=may_interrupt))
        assert (Refuse(Refusal.BUSY) in effects) is not (was_idle or (was_running and may_interrupt))

    @rule(names_it=st.booleans())
    def end(self, *, names_it: bool) -> None:
        was_running = isinstance(self.state, Running)
        effects = self.post(END if names_it else OTHER)
        assert (Do.CAPTURE_FINAL in effects) is (was_running and names_it)

    @rule()
    def abort(self) -> None:
        was_idle = isinstance(self.state, Idle)
        effects = self.post(AbortRequested())
        assert (Refuse(Refusal.NOT_OPEN) in effects) is was_idle
        if Do.AWAIT_TRIGGER in effects:
            assert self.next, "there is a trigger to wait for"
            self.aborts += 1

    @rule(age_s=st.sampled_from([1.0, 100.0]))
    def look_at_the_clock(self, age_s: float) -> None:
        self.post(TimeLimitChecked(100.0 + age_s, 10.0))

    @precondition(lambda self: isinstance(self.state, Idle) and not self.open_ids())
    @rule()
    def restart_with_an_open_scan(self) -> None:
        self.number += 1
        record = FakeRecord(id=f"r{self.number}", number=self.number)
        self.journal[record.id] = record
        self.post(Resumed(OpenScan(cast("Record", record), cast("Any", "plan"), 100.0)))

    @rule()
    def change(self) -> None:
        if Do.KEEP_CHANGE in self.post(ChangeRequested()):
            assert not self.is_keeping, "one change at a time"
            self.is_keeping = True

    # What becomes of the effects.

    @precondition(lambda self: self.is_keeping)
    @rule(works=st.booleans(), value=st.integers(0, 9))
    def keep_the_change(self, *, works: bool, value: int) -> None:
        self.is_keeping = False
        if works:
            record = self.open_record()
            kept = replace(self.journal[record.id], values=(*record.values, value))
            self.journal[record.id] = kept
            self.post(Changed(cast("Record", kept)))
        else:
            self.post(ChangeFailed())

    @precondition(lambda self: self.next in {Do.CAPTURE_INITIAL, Do.CAPTURE_FINAL} and not self.is_keeping)
    @rule(works=st.booleans())
    def capture(self, *, works: bool) -> None:
        self.post(Captured() if works else EffectFailed("no devices"))

    @precondition(lambda self: self.next is Do.COMMIT_START)
    @rule(works=st.booleans())
    def commit_the_start(self, *, works: bool) -> None:
        if not works:
            self.post(EffectFailed("no disk"))
            return
        self.number += 1
        self.started = f"r{self.number}"
        record = FakeRecord(id=self.started, number=self.number)
        self.journal[record.id] = record
        self.post(Begun(OpenScan(cast("Record", record), cast("Any", "plan"), 100.0)))

    @precondition(lambda self: self.next in {Do.COMMIT_END, Do.COMMIT_ABORT})
    @rule(works=st.booleans(), renumber=st.booleans())
    def commit_the_end(self, *, works: bool, renumber: bool) -> None:
        record = self.open_record()
        if renumber:
            self.number += 1
            self.journal[record.id] = replace(self.journal[record.id], number=self.number)
            self.post(Renumbered(cast("Record", self.journal[record.id])))
        if not works:
            self.post(EffectFailed("no disk"))
            return
        reason = self.state.reason if isinstance(self.state, Ending) else ABORTED
        closed = replace(self.journal[record.id], end_reason=reason)
        self.journal[record.id] = closed
        self.post(Closed(cast("Record", closed)))

    # What always holds.

    @invariant()
    def the_state_says_what_the_journal_has(self) -> None:
        assert len(self.open_ids()) <= 1
        match self.state:
            case Running() | Ending() | Aborting(is_ended=False):
                assert self.open_ids() == {self.state.open.record.id}
                kept = self.journal[self.state.open.record.id]
                assert (self.open_record().values, self.open_record().number) == (kept.values, kept.number)
            case _:
                assert not self.open_ids()

    @invariant()
    def a_trigger_is_under_way_exactly_while_the_state_says_so(self) -> None:
        assert (self.next is None) is isinstance(self.state, Idle | Running)
        if self.aborts:
            assert self.next


Lives.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestLives = Lives.TestCase
