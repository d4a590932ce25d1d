"""The states of a session, as one pure function: `step(state, event)` gives the next state and what is to be done.

Nothing here waits, reads a clock, or knows a disk or a device. `Session` performs the effects, and hands what came of
them back as the next event:

    Idle --StartRequested--> Starting --Begun--> Running --EndRequested--> Ending --Closed--> Idle

The commit decides about an abort. One that comes before the commit of a start prevents the scan; one that comes while
the journal commits a start or an end is carried out by a second commit (`Aborting`); one that comes later finds the new
state and is an ordinary end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
from typing import TypeAlias

from nxscribe.plan import CapturePlan
from nxscribe.records import EndReason, Record
from nxscribe.service.scan.requests import ANY_SCAN, EndRequest


@dataclass(frozen=True, slots=True)
class OpenScan:
    """A scan that is open in the journal."""

    record: Record
    """As the journal has it."""
    plan: CapturePlan
    opened_at: float
    """When its start arrived, on the monotonic clock (seconds): the system clock may be set meanwhile."""


# States


@dataclass(frozen=True, slots=True)
class Idle:
    """No scan is open, and no trigger under way."""


@dataclass(frozen=True, slots=True)
class Starting:
    """A start is under way: its readings are taken or committed."""

    scan: str
    """`sample - scan`, as its request names it."""
    is_aborted: bool = False


@dataclass(frozen=True, slots=True)
class Running:
    """A scan is open."""

    open: OpenScan
    is_changing: bool = False
    """Whether the journal is keeping a parameter or a file of it at this moment."""


@dataclass(frozen=True, slots=True)
class Ending:
    """An end is under way: its readings are taken or committed."""

    open: OpenScan
    reason: EndReason
    is_changing: bool = False
    is_aborted: bool = False
    next_scan: str = ""
    """`sample - scan` of the start that interrupts this scan, and goes on when it is closed."""


@dataclass(frozen=True, slots=True)
class Aborting:
    """An abort came while the journal committed a start or an end; a second commit makes the scan an aborted one."""

    open: OpenScan
    is_ended: bool
    """Whether it came with an end: the scan is closed already, for another reason."""
    next_scan: str = ""


State: TypeAlias = Idle | Starting | Running | Ending | Aborting

# Events: what callers want …


@dataclass(frozen=True, slots=True)
class StartRequested:
    """A control system starts a scan."""

    scan: str
    may_interrupt: bool = False
    """Whether a scan that is open is closed for it, instead of the start being refused."""


@dataclass(frozen=True, slots=True)
class EndRequested:
    """A control system ends a scan."""

    request: EndRequest


@dataclass(frozen=True, slots=True)
class AbortRequested:
    """A control system aborts what is open or under way; of a scan that the request names, that scan alone."""

    request: EndRequest = ANY_SCAN


@dataclass(frozen=True, slots=True)
class ChangeRequested:
    """A control system sets a parameter, or names a raw file, while the scan runs."""


@dataclass(frozen=True, slots=True)
class TimeLimitChecked:
    """The housekeeper looks whether the scan was forgotten."""

    at: float
    """The present, on the monotonic clock (seconds)."""
    limit_s: float


# … and what came of the effects.


@dataclass(frozen=True, slots=True)
class Captured:
    """The readings of a start or an end were taken, or the capture was stopped."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The journal has committed a start."""

    open: OpenScan


@dataclass(frozen=True, slots=True)
class Closed:
    """The journal has committed an end."""

    record: Record


@dataclass(frozen=True, slots=True)
class EffectFailed:
    """The effect that a trigger was at failed. What was to be committed is not in the journal."""

    why: str


@dataclass(frozen=True, slots=True)
class Changed:
    """The journal has kept a change of the open scan."""

    record: Record


@dataclass(frozen=True, slots=True)
class ChangeFailed:
    """The journal has not kept a change of the open scan."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """A scan that a former run of the daemon left open is taken up."""

    open: OpenScan


@dataclass(frozen=True, slots=True)
class Renumbered:
    """The journal gave a record another number, because another's entry has its own."""

    record: Record


Event: TypeAlias = (
    StartRequested
    | EndRequested
    | AbortRequested
    | ChangeRequested
    | TimeLimitChecked
    | Captured
    | Begun
    | Closed
    | EffectFailed
    | Changed
    | ChangeFailed
    | Resumed
    | Renumbered
)

# Effects


class Do(Enum):
    """What the caller of `step` is to do next, in the order in which it is told."""

    CAPTURE_INITIAL = auto()
    """Take the initial readings; then `Captured`, or `EffectFailed`."""
    COMMIT_START = auto()
    """Have the journal begin the scan; then `Begun`, or `EffectFailed`."""
    CAPTURE_FINAL = auto()
    """Take the final readings; then `Captured`, or `EffectFailed`."""
    COMMIT_END = auto()
    """Have the journal close the scan for the state's reason; then `Closed`, or `EffectFailed`."""
    COMMIT_ABORT = auto()
    """Have the journal close the scan as aborted, be it closed already or not; then `Closed`, or `EffectFailed`."""
    KEEP_CHANGE = auto()
    """Have the journal keep the change; then `Changed`, or `ChangeFailed`."""
    AWAIT_CHANGE = auto()
    """Wait until no change is being kept. A change that was requested is then to be requested again."""
    STOP_CAPTURE = auto()
    """Stop the capture of the trigger under way."""
    AWAIT_TRIGGER = auto()
    """Wait until the trigger under way is released."""
    ANSWER_START = auto()
    """Answer the start: the scan is open."""
    ANSWER_END = auto()
    """Answer the end: the scan is closed."""
    RAISE = auto()
    """Raise what the effect failed with."""


class Refusal(StrEnum):
    """Why a trigger is refused."""

    NOT_OPEN = "no scan is open"
    BUSY = "a scan is open, or a trigger under way"
    OTHER_SCAN = "another scan is open than the one that is named"
    START_ABORTED = "the start was aborted before anything was opened"
    OPENED_SCAN_ABORTED = "the start was aborted, and the scan that it had opened is closed"
    INTERRUPTED_SCAN_ABORTED = "the start was aborted, and the scan that it interrupted is closed"


@dataclass(frozen=True, slots=True)
class Refuse:
    """Raise TriggerRefusedError."""

    why: Refusal


@dataclass(frozen=True, slots=True)
class Release:
    """The trigger under way is over: whoever waits for it to be aborted is answered."""

    failure: str = ""
    """Why the abort did not come about; empty when no scan is open now."""


Effect: TypeAlias = Do | Refuse | Release
Step: TypeAlias = tuple[State, tuple[Effect, ...]]


def step(state: State, event: Event) -> Step:  # noqa: PLR0911 - a table of events
    """The state after an event, and what is to be done.

    At most one of the effects has an outcome that comes back as an event; it is the last one.

    Raises:
        ValueError: For an outcome of an effect that the state did not ask for.
    """
    match event:
        case StartRequested():
            return _start(state, event)
        case EndRequested() | AbortRequested() | TimeLimitChecked():
            return _end(state, event)
        case ChangeRequested() | Changed() | ChangeFailed():
            return _change(state, event)
        case Captured():
            return _captured(state)
        case Begun():
            return _begun(state, event)
        case Closed():
            return _closed(state, event)
        case EffectFailed():
            return _failed(state, event)
        case Resumed(open=opened):
            return (Running(opened), ()) if isinstance(state, Idle) else _unexpected(state, event)
        case Renumbered(record=record):
            return _renumbered(state, record), ()


def _start(state: State, event: StartRequested) -> Step:
    match state:
        case Idle():
            return Starting(event.scan), (Do.CAPTURE_INITIAL,)
        case Running() if event.may_interrupt:
            return _to_ending(state, EndReason.INTERRUPTED, event.scan)
        case _:
            return state, (Refuse(Refusal.BUSY),)


def _end(  # noqa: PLR0911 - a table of states and events
    state: State, event: EndRequested | AbortRequested | TimeLimitChecked
) -> Step:
    match state, event:
        case Running(), EndRequested(request=request):
            if not request.names(state.open.record):
                return state, (Refuse(Refusal.OTHER_SCAN),)
            return _to_ending(state, request.outcome or EndReason.FINISHED)
        case Starting() | Running() | Ending() | Aborting(), AbortRequested(request=request) if not is_meant(
            state, request
        ):
            return state, (Refuse(_other(state, request)),)
        case Running(), AbortRequested(request=request):
            return _to_ending(state, request.outcome or EndReason.ABORTED)
        case Running(), TimeLimitChecked(at=at, limit_s=limit_s) if at - state.open.opened_at > limit_s:
            return _to_ending(state, EndReason.INTERRUPTED)
        case _, TimeLimitChecked():
            return state, ()
        case Starting() | Ending(), AbortRequested():
            return replace(state, is_aborted=True), (Do.STOP_CAPTURE, Do.AWAIT_TRIGGER)
        case Aborting(), AbortRequested():
            return state, (Do.AWAIT_TRIGGER,)
        case Ending() | Aborting(), _:
            return state, (Refuse(Refusal.BUSY),)
        case _:
            return state, (Refuse(Refusal.NOT_OPEN),)


def is_meant(state: State, request: EndRequest) -> bool:
    """Whether an abort with this request is of what is open or under way."""
    match state:
        case Idle():
            return not request.is_named
        case Starting(scan=scan):
            return request.names_start(scan)
        case Ending(next_scan=scan) | Aborting(next_scan=scan) if scan and request.is_named:
            return request.names_start(scan)
        case Running() | Ending() | Aborting():
            return request.names(state.open.record)


def _other(state: Starting | Running | Ending | Aborting, request: EndRequest) -> Refusal:
    """Why an abort that is not of what is open or under way is refused."""
    if isinstance(state, Starting):
        return Refusal.NOT_OPEN
    # The scan that is named is being closed for the start of another one.
    return Refusal.BUSY if request.names(state.open.record) else Refusal.OTHER_SCAN


def _to_ending(state: Running, reason: EndReason, next_scan: str = "") -> Step:
    ending = Ending(state.open, reason, is_changing=state.is_changing, next_scan=next_scan)
    # What is being kept at this moment belongs to the scan.
    wait = (Do.AWAIT_CHANGE,) if state.is_changing else ()
    return ending, (*wait, Do.CAPTURE_FINAL)


def _change(  # noqa: PLR0911 - a table of states and events
    state: State, event: ChangeRequested | Changed | ChangeFailed
) -> Step:
    match state, event:
        case Running(is_changing=True), ChangeRequested():
            return state, (Do.AWAIT_CHANGE,)
        case Running(), ChangeRequested():
            return replace(state, is_changing=True), (Do.KEEP_CHANGE,)
        case Idle() | Starting(), ChangeRequested():
            return state, (Refuse(Refusal.NOT_OPEN),)
        case _, ChangeRequested():
            return state, (Refuse(Refusal.BUSY),)
        case Running(is_changing=True) | Ending(is_changing=True), Changed(record=record):
            return replace(state, open=replace(state.open, record=record), is_changing=False), ()
        case Running(is_changing=True) | Ending(is_changing=True), ChangeFailed():
            return replace(state, is_changing=False), ()
        case _:
            return _unexpected(state, event)


def _captured(state: State) -> Step:
    match state:
        case Starting(is_aborted=True):
            return Idle(), (Release(), Refuse(Refusal.START_ABORTED))
        case Starting():
            return state, (Do.COMMIT_START,)
        case Ending(is_aborted=True):
            return replace(state, reason=EndReason.ABORTED), (Do.COMMIT_END,)
        case Ending():
            return state, (Do.COMMIT_END,)
        case _:
            return _unexpected(state, Captured())


def _begun(state: State, event: Begun) -> Step:
    match state:
        case Starting(is_aborted=True):
            return Aborting(event.open, is_ended=False), (Do.COMMIT_ABORT,)
        case Starting():
            return Running(event.open), (Release(), Do.ANSWER_START)
        case _:
            return _unexpected(state, event)


def _closed(state: State, event: Closed) -> Step:
    match state:
        case Ending(is_aborted=True) if state.reason is not EndReason.ABORTED:
            opened = replace(state.open, record=event.record)
            return Aborting(opened, is_ended=True, next_scan=state.next_scan), (Do.COMMIT_ABORT,)
        case Ending(next_scan="") | Aborting(is_ended=True, next_scan=""):
            return Idle(), (Release(), Do.ANSWER_END)
        case Ending() if state.reason is not EndReason.ABORTED:
            return Starting(state.next_scan), (Do.CAPTURE_INITIAL,)
        case Ending() | Aborting(is_ended=True):
            return Idle(), (Release(), Refuse(Refusal.INTERRUPTED_SCAN_ABORTED))
        case Aborting():
            return Idle(), (Release(), Refuse(Refusal.OPENED_SCAN_ABORTED))
        case _:
            return _unexpected(state, event)


def _failed(state: State, event: EffectFailed) -> Step:
    match state:
        case Starting():
            return Idle(), (Release(), Do.RAISE)
        case Ending():
            return Running(state.open, is_changing=state.is_changing), (Release(event.why), Do.RAISE)
        case Aborting(is_ended=False):
            return Running(state.open), (Release(event.why), Do.RAISE)
        case Aborting(next_scan=""):
            why = f"it had ended when the abort came, and that cannot be changed: {event.why}"
            return Idle(), (Release(why), Do.ANSWER_END)
        case Aborting():
            # No scan is open, and none is opened: the abort has done what it was to do.
            return Idle(), (Release(), Refuse(Refusal.INTERRUPTED_SCAN_ABORTED))
        case _:
            return _unexpected(state, event)


def _renumbered(state: State, record: Record) -> State:
    if isinstance(state, Idle | Starting):
        return state
    if state.open.record.id != record.id or state.open.record.number == record.number:
        return state
    return replace(state, open=replace(state.open, record=state.open.record.renumbered(record.number)))


def _unexpected(state: State, event: Event) -> Step:
    raise ValueError(f"the session did not ask for {event} in {state}")
