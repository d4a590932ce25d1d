"""The writer process as the daemon meets it: at work, crashing, hanging, orphaned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import pytest
from some_scans import ended, started

from nxscribe.projections import Done, Failed, Failure, FileSettings, Form, Settings, Worker, atomic
from nxscribe.records import NEXUS, Journal, Record

WAIT_S = 20.0


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield journal


@pytest.fixture
def record(journal: Journal, data_root: Path) -> Record:
    return journal.begin(started(data_root))


def by(journal: Journal, files: FileSettings, timeout_s: float = WAIT_S) -> Settings:
    return Settings(replace(files, timeout_s=timeout_s), Form(), journal.path)


@pytest.fixture
def worker(journal: Journal, linked: FileSettings) -> Iterator[Worker]:
    with Worker(NEXUS, lambda: by(journal, linked)) as worker:
        yield worker


def entry_made(worker: Worker, record: Record) -> str:
    """The entry that the worker makes of the record."""
    outcome = worker.project(record.id)
    assert isinstance(outcome, Done), outcome
    return str(outcome.result["entry"])


@pytest.fixture
def stuck(journal: Journal, data_root: Path) -> Iterator[tuple[Record, Path]]:
    """A record into whose folder nobody comes, and the lock that keeps all out: a job for it waits for ever."""
    record = journal.begin(started(data_root, number=7, proposal="ma7"))
    folder = data_root / "ma7/id16a"
    with atomic.locked(folder):
        yield record, folder / atomic.LOCK


def wait_until_it_waits(lock: Path) -> None:
    """Until another process waits for the lock. The kernel lists who waits for a lock behind an arrow."""
    mark = f":{lock.stat().st_ino} "
    deadline = time.monotonic() + WAIT_S
    while not any("-> FLOCK" in line and mark in line for line in Path("/proc/locks").read_text().splitlines()):
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.01)


def while_it_works(worker: Worker, record: Record, lock: Path, number: signal.Signals) -> Failed:
    """What a job gives during which the process gets a signal."""
    outcomes: list[object] = []

    def job() -> None:
        outcomes.append(worker.project(record.id))

    thread = threading.Thread(target=job)
    thread.start()
    wait_until_it_waits(lock)
    assert worker.pid
    os.kill(worker.pid, number)
    thread.join(WAIT_S + 5)
    (outcome,) = outcomes
    assert isinstance(outcome, Failed), outcome
    return outcome


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
    outcomes = [worker.project(record.id)]
    journal.update(ended(record))
    outcomes.append(worker.project(record.id))
    facts = [outcome.remarks[0].facts for outcome in outcomes if isinstance(outcome, Done)]
    assert [one["complete"] for one in facts] == [False, True]
    assert worker.pid != os.getpid()
    with h5py.File(str(facts[0]["master"])) as file:
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
    outcome = worker.project(other.id)
    assert isinstance(outcome, Failed)
    assert "cannot be opened" in str(outcome.problems[0])
    assert outcome.failure is Failure.FAILED
    assert worker.pid == pid


def test_an_unknown_record_is_an_error_and_not_a_crash(worker: Worker, record: Record) -> None:
    assert isinstance(worker.project("no such record"), Failed)
    assert isinstance(worker.project(record.id), Done)


def test_a_crash_is_told_with_its_signal_and_the_next_job_works(
    worker: Worker, record: Record, stuck: tuple[Record, Path]
) -> None:
    outcome = while_it_works(worker, *stuck, signal.SIGSEGV)
    assert outcome.failure is Failure.CRASHED
    assert "SIGSEGV" in str(outcome.problems[0])
    assert "Fatal Python error: Segmentation fault" in str(outcome.problems[0])
    assert entry_made(worker, record) == "entry_0001"


def test_a_hang_is_ended_after_the_time_limit_and_the_next_job_works(
    journal: Journal, linked: FileSettings, record: Record, stuck: tuple[Record, Path]
) -> None:
    with Worker(NEXUS, lambda: by(journal, linked, 3.0)) as worker:
        worker.project(record.id)
        pid = worker.pid
        outcome = while_it_works(worker, *stuck, signal.SIGSTOP)
        assert outcome.failure is Failure.HUNG
        assert "killed after 3 s" in str(outcome.problems[0])
        assert pid
        wait_until_gone(pid)
        assert entry_made(worker, record) == "entry_0001"


def test_each_job_has_the_settings_that_are_in_force_when_it_begins(
    journal: Journal, linked: FileSettings, record: Record, stuck: tuple[Record, Path], tmp_path: Path
) -> None:
    settings = by(journal, linked)
    with Worker(NEXUS, lambda: settings) as worker:
        assert entry_made(worker, record)
        pid = worker.pid
        settings = by(journal, replace(linked, data_root=tmp_path / "elsewhere"))
        settings.files.data_root.mkdir()
        assert entry_made(worker, record)
        assert (settings.files.data_root / record.master).exists()
        assert worker.pid == pid
        settings = by(journal, linked, 1.5)
        assert "killed after 1.5 s" in str(while_it_works(worker, *stuck, signal.SIGSTOP).problems[0])
        assert worker.timeout_s == 1.5


def test_a_job_that_waits_for_ever_says_where_it_waits(
    journal: Journal, linked: FileSettings, stuck: tuple[Record, Path]
) -> None:
    record, _ = stuck
    with Worker(NEXUS, lambda: by(journal, linked, 3.0)) as worker:
        outcome = worker.project(record.id)
    assert isinstance(outcome, Failed)
    assert outcome.failure is Failure.HUNG
    assert "projections/atomic.py" in str(outcome.problems[0])


def test_a_process_that_died_between_jobs_is_replaced_without_a_word(worker: Worker, record: Record) -> None:
    worker.project(record.id)
    assert worker.pid
    os.kill(worker.pid, signal.SIGKILL)
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    assert entry_made(worker, record) == "entry_0001"


def test_closing_ends_the_process(journal: Journal, linked: FileSettings, record: Record) -> None:
    with Worker(NEXUS, lambda: by(journal, linked)) as worker:
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
        from nxscribe.projections import FileSettings, Form, Settings, Worker
        journal, data_root = map(pathlib.Path, sys.argv[1:3])
        worker = Worker("nexus", lambda: Settings(FileSettings(data_root), Form(), journal))
        worker.project(sys.argv[3])
        print(worker.pid, flush=True)
        worker.project(sys.argv[4])
        sys.stdin.read()
    """
    second, lock = stuck if hung else (record, None)
    arguments = [sys.executable, "-c", code, journal.path, linked.data_root, record.id, second.id]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout
        pid = int(daemon.stdout.readline())
        if lock:
            wait_until_it_waits(lock)
        daemon.kill()
        daemon.wait()
        wait_until_gone(pid)


def test_whoever_asks_which_kinds_there_are_and_serves_a_beamline_loads_no_hdf5() -> None:
    code = "import sys, nxscribe.service.scribe as s; s.registered(); sys.exit('h5py' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_leftover_of_a_crash_is_cleared_away(worker: Worker, record: Record, data_root: Path) -> None:
    folder = data_root / "ma2210/id16a/ma2210-id16a_entries"
    folder.mkdir(parents=True)
    (folder / ".nxscribe-writing").write_bytes(b"half a file")
    (folder.parent / ".nxscribe-writing").write_bytes(b"half a master")
    worker.project(record.id)
    assert sorted(path.name for path in folder.iterdir()) == ["definitions", "entry_0001.h5"]
    there = sorted(path.name for path in folder.parent.iterdir() if path.is_file())
    assert there == [".nxscribe.lock", "ma2210-id16a.h5"]
