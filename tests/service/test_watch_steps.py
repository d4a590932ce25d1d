"""The steps of a watched trigger, with all times given: no test waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxscribe.records import EndReason
from nxscribe.service.config.watching import Level
from nxscribe.service.watched._watch_steps import (
    RETRY_S,
    Ceasing,
    Holding,
    Observed,
    Recording,
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

RUNNING, FINISHED, FAILED, ABORTED, UNKNOWN = Level.RUNNING, Level.FINISHED, Level.FAILED, Level.ABORTED, Level.UNKNOWN


class Watched:
    """A trigger whose starts and ends succeed, unless `fails`; it notes what was done, and when."""

    def __init__(self, min_length_s: float = 0.0, gap_s: float = 0.0) -> None:
        self.rules = Rules(min_length_s, gap_s)
        self.state: WatchState = Waiting()
        self.done: list[tuple[float, str]] = []
        self.fails = False

    def see(self, at: float, level: Level) -> Watched:
        self.wait(at)
        return self._take(Observed(level, at), at)

    def wait(self, until: float) -> Watched:
        """Let the time pass, with something done whenever it is due."""
        while (at := due_at(self.state, self.rules)) <= until:
            self._take(TimePassed(at), at)
        return self

    def _take(self, event: WatchEvent, at: float) -> Watched:
        while True:
            self.state, todo = watch_step(self.state, event, self.rules)
            if todo is Todo.NOTHING:
                return self
            if self.fails:
                event = TriggerFailed(at)
            elif todo is Todo.BEGIN:
                self.done.append((at, "begun"))
                event = ScanBegun()
            else:
                assert isinstance(self.state, Ceasing)
                self.done.append((at, self.state.reason.value))
                event = ScanEnded()


def test_a_scan_begins_and_ends_with_the_condition() -> None:
    watched = Watched().see(0, FINISHED).see(1, RUNNING).see(2, RUNNING).see(5, FINISHED).see(6, FINISHED)
    assert watched.done == [(1, "begun"), (5, "finished")]


@pytest.mark.parametrize(("level", "reason"), [(FINISHED, "finished"), (FAILED, "failed"), (ABORTED, "aborted")])
def test_the_last_value_says_how_the_scan_ended(level: Level, reason: str) -> None:
    assert Watched().see(1, RUNNING).see(2, level).done == [(1, "begun"), (2, reason)]


def test_what_holds_shorter_than_the_least_length_begins_no_scan() -> None:
    watched = Watched(min_length_s=2).see(1, RUNNING).see(2.9, FINISHED).wait(10)
    assert watched.done == []
    assert watched.see(20, RUNNING).wait(30).see(31, FINISHED).done == [(22, "begun"), (31, "finished")]


def test_a_value_that_bounces_makes_one_scan() -> None:
    watched = Watched(gap_s=1)
    for at in range(10):
        watched.see(at, RUNNING).see(at + 0.5, FINISHED)
    assert watched.wait(20).done == [(0, "begun"), (10.5, "finished")]


def test_a_fault_among_the_bounces_is_kept() -> None:
    assert Watched(gap_s=2).see(0, RUNNING).see(1, FAILED).see(2, FINISHED).wait(5).done[-1] == (3, "failed")


def test_events_that_come_together_after_a_long_start_make_the_scans_that_were_run() -> None:
    watched = Watched(gap_s=1).see(0, RUNNING).see(2, FINISHED).see(8, RUNNING).see(9, FAILED).wait(20)
    assert watched.done == [(0, "begun"), (3, "finished"), (8, "begun"), (10, "failed")]


def test_a_device_that_does_not_answer_for_a_while_ends_no_scan() -> None:
    watched = Watched().see(0, RUNNING).see(1, UNKNOWN).see(2, UNKNOWN).wait(1000)
    assert watched.done == [(0, "begun")]
    assert watched.see(1001, RUNNING).see(1002, FINISHED).done[-1] == (1002, "finished")


def test_a_scan_whose_end_nobody_saw_is_interrupted() -> None:
    watched = Watched().see(0, RUNNING).see(1, UNKNOWN).see(61, FINISHED)
    assert watched.done == [(0, "begun"), (61, "interrupted")]


def test_a_fault_is_a_fault_even_if_nobody_saw_it_come() -> None:
    assert Watched().see(0, RUNNING).see(1, UNKNOWN).see(61, FAILED).done[-1] == (61, "failed")


def test_a_value_that_is_not_known_does_not_count_for_the_least_length() -> None:
    watched = Watched(min_length_s=5).see(0, RUNNING).see(1, UNKNOWN).see(4, RUNNING).see(6, FINISHED).wait(20)
    assert watched.done == []


def test_a_scan_of_an_earlier_run_goes_on_or_is_interrupted() -> None:
    going_on, over = Watched(), Watched()
    for watched in (going_on, over):
        watched.state, _ = watch_step(watched.state, TakenUp(0), watched.rules)
    assert going_on.see(1, RUNNING).see(2, FINISHED).done == [(2, "finished")]
    assert over.see(1, FINISHED).done == [(1, "interrupted")]


def test_a_start_that_fails_is_tried_again_while_the_condition_holds() -> None:
    watched = Watched()
    watched.fails = True
    watched.see(0, RUNNING).wait(5 * RETRY_S)
    assert isinstance(watched.state, Holding)
    watched.fails = False
    assert watched.wait(7 * RETRY_S).done == [(6 * RETRY_S, "begun")]


def test_a_start_that_fails_is_given_up_with_the_condition() -> None:
    watched = Watched()
    watched.fails = True
    watched.see(0, RUNNING).see(3, FINISHED)
    watched.fails = False
    assert watched.wait(100).done == []
    assert watched.state == Waiting()


def test_an_end_that_fails_is_tried_again_and_the_next_scan_waits_for_it() -> None:
    watched = Watched().see(0, RUNNING)
    watched.fails = True
    watched.see(1, FAILED).see(1.5, RUNNING)
    watched.fails = False
    assert watched.wait(3).done == [(0, "begun"), (1 + RETRY_S, "failed"), (1 + RETRY_S, "begun")]
    assert watched.state == Recording()


def test_an_end_that_fails_may_outlive_a_whole_scan() -> None:
    watched = Watched().see(0, RUNNING)
    watched.fails = True
    watched.see(1, FINISHED).see(1.2, RUNNING).see(1.4, FAILED)
    watched.fails = False
    assert watched.wait(9).done == [(0, "begun"), (1 + RETRY_S, "finished")]


def test_a_scan_that_somebody_else_ended_is_followed_by_another_one_within_the_gap() -> None:
    watched = Watched(gap_s=5).see(0, RUNNING).see(10, FINISHED)
    watched.state, todo = watch_step(watched.state, ScanEnded(), watched.rules)
    assert (watched.state, todo) == (Waiting(), Todo.NOTHING)
    assert watched.see(13, RUNNING).done == [(0, "begun"), (13, "begun")]


@given(
    st.lists(st.tuples(st.sampled_from(list(Level)), st.floats(0.01, 3)), max_size=30),
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([0.0, 1.0]),
)
def test_whatever_comes_scans_begin_and_end_in_turn_and_a_known_end_closes_the_last(
    history: list[tuple[Level, float]], min_length_s: float, gap_s: float
) -> None:
    watched, at = Watched(min_length_s, gap_s), 0.0
    for level, pause_s in history:
        at += pause_s
        watched.see(at, level)
    watched.see(at + 5, FINISHED).wait(at + 10)
    words = [word for _, word in watched.done]
    assert all(word == "begun" for word in words[::2])
    assert all(word in [*EndReason] for word in words[1::2])
    assert len(words) % 2 == 0
    assert [moment for moment, _ in watched.done] == sorted(moment for moment, _ in watched.done)
