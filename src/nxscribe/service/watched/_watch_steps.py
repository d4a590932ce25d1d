"""The steps of a watched trigger: when a scan is to begin, and when it is to end. Pure, with all times given.

A value that is not known changes nothing by itself: a device that is restarted, or a network that fails, ends no scan.
When the device answers again, its value decides. Nobody saw how a scan ended that is over by then: it is `interrupted`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, TypeAlias

from nxscribe.records import EndReason
from nxscribe.service.config.watching import Level

RETRY_S: Final = 1.0
"""How long after a start or an end that failed it is tried again."""

_REASONS: Final = {
    Level.FINISHED: EndReason.FINISHED,
    Level.FAILED: EndReason.FAILED,
    Level.ABORTED: EndReason.ABORTED,
}


@dataclass(frozen=True, slots=True)
class Rules:
    """How long the condition has to hold, or not to hold, in seconds."""

    min_length_s: float = 0.0
    gap_s: float = 0.0


# The states. All times are monotonic seconds.


@dataclass(frozen=True, slots=True)
class Waiting:
    """The condition does not hold."""


@dataclass(frozen=True, slots=True)
class Holding:
    """The condition holds, and the scan has not begun yet."""

    since: float
    not_before: float = -math.inf
    """When to try again after a start that failed."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The scan is open."""

    unknown_since: float | None = None
    """Since when the value is not known; None while it is."""


@dataclass(frozen=True, slots=True)
class Ceasing:
    """The scan is open, and the condition holds no more."""

    since: float
    reason: EndReason
    unknown_s: float = 0.0
    """How long the value was not known before."""
    not_before: float = -math.inf
    """When to try again after an end that failed."""
    again: float | None = None
    """When the condition held again, too late for the scan: another one begins after the end."""


WatchState: TypeAlias = Waiting | Holding | Recording | Ceasing


# What happens.


@dataclass(frozen=True, slots=True)
class Observed:
    """The attribute had a value, or none that is known."""

    level: Level
    at: float


@dataclass(frozen=True, slots=True)
class TimePassed:
    """It is so late now."""

    at: float


@dataclass(frozen=True, slots=True)
class TakenUp:
    """A scan of this trigger is open from an earlier run of the daemon. Nobody knows what happened meanwhile."""

    at: float


@dataclass(frozen=True, slots=True)
class ScanBegun:
    """The start was answered."""


@dataclass(frozen=True, slots=True)
class ScanEnded:
    """The end was answered, or the scan has ended otherwise."""


@dataclass(frozen=True, slots=True)
class TriggerFailed:
    """The start or the end failed, and can be tried again."""

    at: float


WatchEvent: TypeAlias = Observed | TimePassed | TakenUp | ScanBegun | ScanEnded | TriggerFailed


class Todo(Enum):
    """What has to be done now."""

    NOTHING = auto()
    BEGIN = auto()
    END = auto()


def due_at(state: WatchState, rules: Rules) -> float:
    """When something has to be done if nothing happens until then (monotonic seconds); infinity for never."""
    match state:
        case Holding(since, not_before):
            return max(since + rules.min_length_s, not_before)
        case Ceasing():
            return max(state.since + rules.gap_s, state.not_before)
        case _:
            return math.inf


def watch_step(state: WatchState, event: WatchEvent, rules: Rules) -> tuple[WatchState, Todo]:  # noqa: PLR0911 - a table of events
    """The next state, and what has to be done.

    Events must be given in the order of their times. `TimePassed` must be given before an event that comes later than
    `due_at`, because what was due by then comes first.
    """
    match event:
        case Observed(level, at):
            state = _observed(state, level, at, rules)
            return state, _due(state, at, rules)
        case TimePassed(at):
            return state, _due(state, at, rules)
        case TakenUp(at):
            return Recording(unknown_since=at), Todo.NOTHING
        case ScanBegun():
            return Recording(), Todo.NOTHING
        case TriggerFailed(at) if isinstance(state, Holding | Ceasing):
            return replace(state, not_before=at + RETRY_S), Todo.NOTHING
        case ScanEnded() if isinstance(state, Ceasing) and state.again is not None:
            state = Holding(state.again)
            return state, _due(state, state.since, rules)
        case ScanEnded():
            return Waiting(), Todo.NOTHING
        case _:
            return state, Todo.NOTHING


def _observed(  # noqa: C901, PLR0911 - a table of states
    state: WatchState, level: Level, at: float, rules: Rules
) -> WatchState:
    match state, level:
        case Waiting(), Level.RUNNING:
            return Holding(at)
        case Holding(), Level.RUNNING:
            return state
        case Holding(), _:
            # Of a value that is not known it cannot be said that it held.
            return Waiting()
        case Recording(unknown_since=None), Level.UNKNOWN:
            return Recording(unknown_since=at)
        case Recording(), Level.UNKNOWN:
            return state
        case Recording(), Level.RUNNING:
            return Recording()
        case Recording(unknown_since=since), _:
            return _ceasing(level, at, since)
        case Ceasing(), Level.UNKNOWN:
            return state
        case Ceasing(), Level.RUNNING if at < state.since + rules.gap_s:
            return Recording()
        case Ceasing(), Level.RUNNING:
            return replace(state, again=at if state.again is None else state.again)
        case Ceasing(), _:
            worse = state.reason if level is Level.FINISHED else _REASONS[level]
            return replace(state, again=None, reason=state.reason if state.again is not None else worse)
        case _:
            return state


def _ceasing(level: Level, at: float, unknown_since: float | None) -> Ceasing:
    reason = _REASONS[level]
    if unknown_since is None:
        return Ceasing(at, reason)
    # A fault is a fault, whoever saw it come.
    reason = EndReason.INTERRUPTED if reason is EndReason.FINISHED else reason
    return Ceasing(at, reason, unknown_s=at - unknown_since)


def _due(state: WatchState, at: float, rules: Rules) -> Todo:
    if at < due_at(state, rules):
        return Todo.NOTHING
    return Todo.BEGIN if isinstance(state, Holding) else Todo.END
