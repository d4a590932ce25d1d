"""A worker process that answers, dies, hangs, cannot be started, cannot be ended; and what becomes of the next one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from daemons import wait_until
from fake_clock import FakeClock

import nxscribe.runtime._python_process as python_process_module
import nxscribe.runtime.worker_process as worker_process_module
from nxscribe.errors import Failure
from nxscribe.runtime import PythonProcess, WorkerProcess, WorkerProcessError

SUPPORT = Path(__file__).parents[1] / "support"
LONG_S = 30.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def worker(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerProcess]:
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    worker = WorkerProcess("echo", "echo_worker", "a setting", clock=clock)
    yield worker
    worker.close()


def failure_of(worker: WorkerProcess, request: str, timeout_s: float = LONG_S) -> WorkerProcessError:
    with pytest.raises(WorkerProcessError) as caught:
        worker.ask(request, timeout_s, "echoing")
    return caught.value


def test_one_process_answers_all_requests_and_gives_way_to_captures(worker: WorkerProcess) -> None:
    assert worker.pid is None
    assert worker.ask("one", LONG_S, "echoing") == ("a setting", "one")
    pid = worker.pid
    # 19 is the most that there is: where the tests themselves run so low, it has the same.
    assert worker.ask("niceness", LONG_S, "echoing")[1] == min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)
    assert worker.pid == pid != os.getpid()
    assert worker.trouble == ""


def test_a_process_that_stands_still_in_the_middle_of_its_answer_is_killed_and_replaced(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process_module, "_MESSAGE_S", 0.2)
    assert "the echo process hung while echoing and was killed" in str(failure_of(worker, "stop in the middle"))
    assert worker.ask("one", LONG_S, "echoing") == ("a setting", "one")


def test_a_process_that_does_not_take_its_request_has_hung_and_not_crashed(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process_module, "_MESSAGE_S", 0.2)
    worker.ask("one", LONG_S, "echoing")
    assert worker.pid
    os.kill(worker.pid, signal.SIGSTOP)
    error = failure_of(worker, "more than the socket holds" * 100_000)
    assert "the echo process hung while echoing and was killed after 0.2 s" in str(error)
    assert error.failure is Failure.HUNG
    assert worker.ask("two", LONG_S, "echoing") == ("a setting", "two")


def test_a_process_that_was_started_ahead_answers_the_first_request(worker: WorkerProcess) -> None:
    worker.start()
    pid = worker.pid
    assert pid is not None
    worker.start()
    assert worker.ask("one", LONG_S, "echoing") == ("a setting", "one")
    assert worker.pid == pid
    worker.close()
    worker.start()
    assert worker.pid is None


@pytest.mark.parametrize(
    ("request_", "how", "printed"),
    [
        ("exit", "with exit code 7", ""),
        ("crash", "by SIGABRT", "Fatal Python error: Aborted"),
        ("raise", "with exit code 1", "ValueError: not foreseen"),
    ],
)
def test_a_process_that_dies_over_a_request_is_told_with_what_it_printed_and_replaced(
    worker: WorkerProcess, request_: str, how: str, printed: str
) -> None:
    error = failure_of(worker, request_)
    assert str(error) == f"the echo process died {how} while echoing"
    assert error.failure is Failure.CRASHED
    assert printed in error.printed
    assert worker.trouble == f"{error}; it is started again"
    assert worker.ask("two", LONG_S, "echoing") == ("a setting", "two")
    assert worker.trouble == ""


@pytest.mark.parametrize(("request_", "failure"), [("hang", Failure.HUNG), ("loop", Failure.ENDLESS)])
def test_a_process_that_does_not_answer_in_time_is_killed_and_says_where_it_was(
    worker: WorkerProcess, request_: str, failure: Failure
) -> None:
    worker.ask("one", LONG_S, "echoing")
    pid = worker.pid
    error = failure_of(worker, request_, 2.0)
    assert "hung while echoing and was killed after 2 s" in str(error)
    assert error.failure is failure
    assert "_for_ever" in error.printed
    assert not Path(f"/proc/{pid}").exists()
    assert worker.ask("two", LONG_S, "echoing")


def test_the_second_process_follows_at_once_and_later_ones_after_a_growing_pause(
    worker: WorkerProcess, clock: FakeClock
) -> None:
    failure_of(worker, "exit")
    failure_of(worker, "exit")
    for pause_s in (1.0, 2.0):
        clock.waits.clear()
        asking = threading.Thread(target=failure_of, args=(worker, "exit"))
        asking.start()
        wait_until(lambda: clock.waits, "the pause has begun")
        assert clock.waits == [pause_s]
        clock.advance(pause_s)
        asking.join()
    clock.advance(4.0)
    assert worker.ask("two", LONG_S, "echoing")
    failure_of(worker, "exit")
    assert worker.ask("three", LONG_S, "echoing"), "an answer ends the pauses"


def test_a_process_that_dies_with_nothing_to_do_is_told_and_replaced_before_it_is_needed(
    worker: WorkerProcess,
) -> None:
    worker.ask("one", LONG_S, "echoing")
    pid = worker.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with structlog.testing.capture_logs() as lines:
        worker.restart_if_ended()
    assert lines[0]["reason"] == "the echo process died by SIGKILL while it had nothing to do"
    assert worker.pid not in {None, pid}
    assert "died by SIGKILL" in worker.trouble
    wait_until(lambda: worker.restart_if_ended() or not worker.trouble, "the new process is ready")
    assert worker.ask("two", LONG_S, "echoing")


def test_a_process_that_dies_while_it_starts_is_no_requests_fault(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    worker = WorkerProcess("echo", "echo_worker", "die at the start", clock=clock)
    error = failure_of(worker, "one")
    assert "died with exit code 5 while starting" in str(error)
    assert error.is_starting
    worker.close()


def test_an_interpreter_that_cannot_be_started_is_told(
    worker: WorkerProcess, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/nowhere/python")
        error = failure_of(worker, "one")
        assert "the echo process cannot be started" in str(error)
        assert error.is_starting
        worker.restart_if_ended()
        assert "cannot be started" in worker.trouble
    clock.advance(1.0)
    assert worker.ask("two", LONG_S, "echoing")


def test_a_process_that_cannot_be_ended_is_the_only_one_left_behind(
    worker: WorkerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids"
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho $$ >> '{pids}'\nexec sleep 60\n")
    program.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(program))
        patch.setattr(worker_process_module, "_START_S", 0.5)
        patch.setattr(worker_process_module, "DEATH_S", 0.1)
        patch.setattr(python_process_module, "DEATH_S", 0.1)
        # As for a process that waits for a file system: the signal changes nothing.
        patch.setattr(PythonProcess, "kill", lambda _: None)
        assert "hung while starting" in str(failure_of(worker, "one"))
        assert "cannot end: a file system holds it" in str(failure_of(worker, "one"))
        worker.restart_if_ended()
        assert "cannot end: a file system holds it" in worker.trouble
        [pid] = map(int, pids.read_text().split())
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not worker._left_behind or not worker._left_behind.is_alive, "it has ended")
    assert worker.ask("two", LONG_S, "echoing")


def test_signals_to_the_service_leave_the_process_at_work(worker: WorkerProcess) -> None:
    worker.ask("one", LONG_S, "echoing")
    pid = worker.pid
    assert pid
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    assert worker.ask("two", LONG_S, "echoing")
    assert worker.pid == pid


def test_the_end_of_the_thread_that_asked_first_does_not_end_the_process(worker: WorkerProcess) -> None:
    first = threading.Thread(target=worker.ask, args=("one", LONG_S, "echoing"))
    first.start()
    first.join()
    pid = worker.pid
    assert worker.ask("two", LONG_S, "echoing")
    assert worker.pid == pid


def test_closing_while_a_request_hangs_kills_the_process_and_frees_the_asker(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process_module, "_CLOSE_S", 0.1)
    worker.ask("one", LONG_S, "echoing")
    errors: list[WorkerProcessError] = []
    asking = threading.Thread(target=lambda: errors.append(failure_of(worker, "hang")))
    asking.start()
    wait_until(lambda: worker._running and "it hangs" in worker._running.child.printed, "it hangs")
    worker.close()
    asking.join()
    assert "died by SIGKILL" in str(errors[0])


@pytest.mark.parametrize("request_", ["one", "hang", "loop"])
def test_the_process_ends_with_a_parent_that_is_killed(request_: str) -> None:
    code = f"""if True:
        from nxscribe.runtime import WorkerProcess
        worker = WorkerProcess("echo", "echo_worker")
        worker.ask("first", 30, "echoing")
        print(worker.pid, flush=True)
        worker.ask({request_!r}, 30, "echoing")
        input()
    """
    environment = {**os.environ, "PYTHONPATH": str(SUPPORT)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    wait_until(lambda: not _is_alive(pid), "the process has ended")


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False
