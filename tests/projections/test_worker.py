"""The writer process as the daemon meets it: at work, crashing, hanging, orphaned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest
from some_scans import ended, frames, hdf5_scan, started

import nxscribe.projections.worker as worker_module
from nxscribe.projections import Failure, FileSettings, ProjectionError, Worker
from nxscribe.records import Journal, Record

WAIT_S = 20.0


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield journal


@pytest.fixture
def record(journal: Journal, data_root: Path) -> Record:
    return journal.begin(started(data_root))


@pytest.fixture
def worker(journal: Journal, linked: FileSettings) -> Iterator[Worker]:
    with Worker(journal.path, linked, timeout_s=WAIT_S) as worker:
        yield worker


@pytest.fixture
def stuck(journal: Journal, data_root: Path) -> Iterator[tuple[Record, Path]]:
    """A record whose raw file is a pipe that nobody writes to: whoever reads it waits for ever."""
    record = journal.begin(started(data_root, number=7))
    pipe = Path(record.directory) / "tomo_0000.h5"
    series = hdf5_scan(record, frames())
    pipe.unlink()
    os.mkfifo(pipe)
    journal.update(ended(record, series))
    yield record, pipe
    pipe.unlink(missing_ok=True)


def once_it_is_read(pipe: Path) -> int:
    """The pipe, open for writing, as soon as somebody reads it."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            assert time.monotonic() < deadline, "nobody reads"
            time.sleep(0.01)


def while_it_works(worker: Worker, record: Record, pipe: Path, number: signal.Signals) -> ProjectionError:
    """What a job gives during which the process gets a signal."""
    errors: list[ProjectionError] = []

    def job() -> None:
        try:
            worker.project(record.id)
        except ProjectionError as error:
            errors.append(error)

    thread = threading.Thread(target=job)
    thread.start()
    opened = once_it_is_read(pipe)
    try:
        assert worker.pid
        os.kill(worker.pid, number)
        thread.join(WAIT_S + 5)
    finally:
        os.close(opened)
    assert len(errors) == 1
    return errors[0]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + WAIT_S
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(pid)


def test_files_are_written_from_the_journal_by_another_process(
    worker: Worker, journal: Journal, record: Record
) -> None:
    started_there = worker.project(record.id)
    assert not started_there.complete
    journal.update(ended(record))
    written = worker.project(record.id)
    assert written.complete
    assert worker.pid != os.getpid()
    with h5py.File(written.master) as file:
        assert file["entry_0001/nxscribe/record_id"].asstr()[()] == record.id


def test_one_process_does_all_jobs_and_yields_to_captures(worker: Worker, record: Record) -> None:
    worker.project(record.id)
    pid = worker.pid
    worker.project(record.id)
    assert worker.pid == pid
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)


def test_a_job_that_fails_says_why_and_the_process_stays(
    worker: Worker, journal: Journal, record: Record, data_root: Path
) -> None:
    worker.project(record.id)
    pid = worker.pid
    other = journal.begin(started(data_root, proposal="ma1"))
    (data_root / "ma1/id16a/ma1-id16a.h5").write_bytes(b"not HDF5")
    with pytest.raises(ProjectionError, match="cannot be opened") as caught:
        worker.project(other.id)
    assert caught.value.failure is Failure.FAILED
    assert worker.pid == pid


def test_an_unknown_record_is_an_error_and_not_a_crash(worker: Worker, record: Record) -> None:
    with pytest.raises(ProjectionError):
        worker.project("no such record")
    assert worker.project(record.id)


def test_a_crash_is_told_with_its_signal_and_the_next_job_works(
    worker: Worker, record: Record, stuck: tuple[Record, Path]
) -> None:
    error = while_it_works(worker, *stuck, signal.SIGSEGV)
    assert error.failure is Failure.CRASHED
    assert "SIGSEGV" in str(error)
    assert "Fatal Python error: Segmentation fault" in str(error)
    assert worker.project(record.id).entry == "entry_0001"


def test_a_hang_is_ended_after_the_time_limit_and_the_next_job_works(
    journal: Journal, linked: FileSettings, record: Record, stuck: tuple[Record, Path]
) -> None:
    with Worker(journal.path, linked, timeout_s=3.0) as worker:
        worker.project(record.id)
        pid = worker.pid
        error = while_it_works(worker, *stuck, signal.SIGSTOP)
        assert error.failure is Failure.HUNG
        assert "killed after 3 s" in str(error)
        assert pid
        wait_until_gone(pid)
        assert worker.project(record.id).entry == "entry_0001"


def test_a_process_that_hangs_while_it_starts_and_cannot_be_ended_is_the_only_one(
    journal: Journal, linked: FileSettings, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids"
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho $$ >> '{pids}'\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(worker_module, "_START_S", 0.5)
    monkeypatch.setattr(worker_module, "_DEATH_S", 0.1)
    # As for a process that waits for a file system: the signal changes nothing.
    monkeypatch.setattr(subprocess.Popen, "kill", lambda _: None)
    with Worker(journal.path, linked, timeout_s=WAIT_S) as worker:
        with pytest.raises(ProjectionError, match="hung while starting"):
            worker.project(record.id)
        with pytest.raises(ProjectionError, match="cannot end: a file system holds it"):
            worker.project(record.id)
        [pid] = map(int, pids.read_text().split())
        os.kill(pid, signal.SIGKILL)
        assert worker._held
        worker._held.wait()


def test_a_job_that_waits_for_ever_says_where_it_waits(
    journal: Journal, linked: FileSettings, stuck: tuple[Record, Path]
) -> None:
    record, _ = stuck
    with Worker(journal.path, linked, timeout_s=3.0) as worker, pytest.raises(ProjectionError) as caught:
        worker.project(record.id)
    assert caught.value.failure is Failure.HUNG
    assert "hdf5_file.py" in str(caught.value)


def test_a_process_that_died_between_jobs_is_replaced_without_a_word(worker: Worker, record: Record) -> None:
    worker.project(record.id)
    assert worker.pid
    os.kill(worker.pid, signal.SIGKILL)
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    assert worker.project(record.id).entry == "entry_0001"


def test_signals_to_the_service_leave_the_process_at_work(worker: Worker, record: Record) -> None:
    worker.project(record.id)
    pid = worker.pid
    assert pid
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    assert worker.project(record.id)
    assert worker.pid == pid


def test_closing_ends_the_process(journal: Journal, linked: FileSettings, record: Record) -> None:
    with Worker(journal.path, linked, timeout_s=WAIT_S) as worker:
        worker.project(record.id)
        pid = worker.pid
    assert pid
    assert not is_alive(pid)


@pytest.mark.parametrize("hung", [False, True])
def test_the_process_ends_with_a_daemon_that_is_killed(
    journal: Journal, linked: FileSettings, record: Record, stuck: tuple[Record, Path], *, hung: bool
) -> None:
    code = """if True:
        import sys, pathlib
        from nxscribe.projections import FileSettings, Worker
        worker = Worker(pathlib.Path(sys.argv[1]), FileSettings(pathlib.Path(sys.argv[2])), 60)
        worker.project(sys.argv[3])
        print(worker.pid, flush=True)
        worker.project(sys.argv[4])
        sys.stdin.read()
    """
    second, pipe = stuck if hung else (record, None)
    arguments = [sys.executable, "-c", code, journal.path, linked.data_root, record.id, second.id]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout
        pid = int(daemon.stdout.readline())
        opened = once_it_is_read(pipe) if pipe else None
        daemon.kill()
        daemon.wait()
        wait_until_gone(pid)
        if opened is not None:
            os.close(opened)


def test_the_daemons_own_process_never_loads_hdf5() -> None:
    code = "import sys, nxscribe.projections; sys.exit('h5py' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_leftover_of_a_crash_is_cleared_away(worker: Worker, record: Record, data_root: Path) -> None:
    folder = data_root / "ma2210/id16a/ma2210-id16a_entries"
    folder.mkdir(parents=True)
    (folder / ".nxscribe-writing").write_bytes(b"half a file")
    (folder.parent / ".nxscribe-writing").write_bytes(b"half a master")
    worker.project(record.id)
    assert sorted(path.name for path in folder.iterdir()) == ["entry_0001.h5"]
    there = sorted(path.name for path in folder.parent.iterdir() if path.is_file())
    assert there == [".nxscribe.lock", "ma2210-id16a.h5"]
