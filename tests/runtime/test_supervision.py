"""Threads that meet what nobody foresaw, that end, or that hang: all are told, and come back where they can."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest
import structlog
from daemons import wait_until
from end_parts import end_thread
from fake_clock import FakeClock

from nxscribe.runtime import SupervisedThread, Supervisor


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Sweeper:
    """A thread whose turns do what the test says."""

    def __init__(self, clock: FakeClock, **options: object) -> None:
        self.error: BaseException | None = None
        self.turns = 0
        self.go_on = threading.Event()
        self.hangs = False
        self.surroundings_fail = False
        self.thread = SupervisedThread(
            "sweeper",
            self.turn,
            surroundings=self.surroundings,
            longest_turn_s=lambda: 30.0,
            clock=clock,
            **options,  # type: ignore[arg-type]
        )

    @contextlib.contextmanager
    def surroundings(self) -> Iterator[None]:
        if self.surroundings_fail:
            raise OSError("no surroundings")
        yield

    def turn(self) -> None:
        self.turns += 1
        if self.error:
            raise self.error
        while self.hangs and not self.thread.stopping.wait(0.01):
            pass
        self.thread.stopping.wait(0.001)

    def has_turned(self, times: int = 1) -> None:
        before = self.turns
        wait_until(lambda: self.turns >= before + times, "the thread turns")


@pytest.fixture
def sweeper(clock: FakeClock) -> Iterator[Sweeper]:
    sweeper = Sweeper(clock)
    sweeper.thread.start()
    yield sweeper
    sweeper.thread.stop()


@pytest.mark.parametrize("error", [ZeroDivisionError("it never divides"), SystemExit(3)])
def test_an_error_that_nobody_foresaw_is_told_with_its_trace_back_and_pauses_grow_until_a_turn_succeeds(
    sweeper: Sweeper, clock: FakeClock, error: BaseException
) -> None:
    with structlog.testing.capture_logs() as lines:
        sweeper.error = error
        for pause_s in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0):
            wait_until(lambda: clock.waits, "it pauses")
            assert clock.waits == [pause_s]
            assert f"the sweeper failed, and tries again: {type(error).__name__}" in sweeper.thread.trouble
            clock.waits.clear()
            clock.advance(pause_s)
        assert all(line["exc_info"] for line in lines)
        wait_until(lambda: clock.waits, "it pauses")
        sweeper.error = None
        clock.advance(60.0)
        wait_until(lambda: not sweeper.thread.trouble, "it works again")
        clock.waits.clear()
        sweeper.error = error
        wait_until(lambda: clock.waits, "it pauses")
        assert clock.waits == [1.0]
        sweeper.error = None
        clock.advance(1.0)


def test_a_pause_is_no_lack_of_progress(sweeper: Sweeper, clock: FakeClock) -> None:
    sweeper.error = ZeroDivisionError()
    for _ in range(6):
        wait_until(lambda: clock.waits, "it pauses")
        clock.advance(clock.waits.pop() - 0.001)
        assert not sweeper.thread.needs_new_process
        clock.advance(0.001)
    sweeper.error = None


def test_a_thread_that_has_ended_is_told_holds_the_watchdog_back_and_is_started_again(
    sweeper: Sweeper, clock: FakeClock
) -> None:
    supervisor = Supervisor()
    supervisor.add(sweeper.thread)
    assert supervisor.check()
    sweeper.surroundings_fail = True
    end_thread(sweeper.thread)
    supervisor.check()  # in vain: its surroundings cannot be made
    assert supervisor.troubles == ("the sweeper has ended, and is started again",)
    wait_until(lambda: sweeper.thread.needs_new_process, "it ends again")
    assert not supervisor.check(), "a pause must be over before the next start"
    sweeper.surroundings_fail = False
    clock.advance(100)
    assert supervisor.check()
    sweeper.has_turned()
    wait_until(lambda: supervisor.check() and supervisor.troubles == (), "all is well")


@pytest.mark.parametrize("waits_for_disk", [False, True])
def test_a_thread_that_makes_no_progress_is_told_and_holds_the_watchdog_back_unless_a_disk_is_to_blame(
    clock: FakeClock, *, waits_for_disk: bool
) -> None:
    sweeper = Sweeper(clock, waits_for_disk=waits_for_disk)
    sweeper.hangs = True
    supervisor = Supervisor()
    supervisor.add(sweeper.thread)
    sweeper.thread.start()
    wait_until(lambda: sweeper.turns, "it hangs")
    clock.advance(29)
    assert supervisor.check()
    assert supervisor.troubles == ()
    clock.advance(2)
    assert supervisor.check() is waits_for_disk
    assert "has made no progress for 31 s" in supervisor.troubles[0]
    sweeper.thread.note_progress()
    assert supervisor.check()
    sweeper.hangs = False
    sweeper.thread.stop()
    supervisor.check()
    assert supervisor.troubles == ()
