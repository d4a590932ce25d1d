from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import tango
from daemons import Daemon, wait_until


@pytest.fixture
def slow(make_daemon: Callable[..., Daemon], serve: Callable[..., object]) -> Daemon:
    """A daemon one of whose sources can be told to be slow."""
    daemon = make_daemon()
    device = serve("faulty").device
    daemon.config.write_text(
        daemon.config.read_text()
        .replace("sim/mono/dcm/no_such_attribute", f"{device}/slow")
        .replace("deadline_s: 1.0", "deadline_s: 20")
    )
    daemon.source = tango.DeviceProxy(device)
    return daemon.start()


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def starting(daemon: Daemon, elsewhere: ThreadPoolExecutor) -> Future[str]:
    """A start that waits for its slow source."""
    daemon.source.delay = 8.0
    pending = elsewhere.submit(daemon.proxy.StartScan, daemon.request())
    wait_until(lambda: daemon.proxy.state() == tango.DevState.RUNNING, "the start is under way")
    return pending


def test_state_status_and_attributes_answer_while_a_capture_waits(slow: Daemon, elsewhere: ThreadPoolExecutor):
    proxy = slow.proxy
    pending = starting(slow, elsewhere)
    took = []
    for _ in range(20):
        begun = time.monotonic()
        proxy.state(), proxy.status(), proxy.read_attributes(["currentScan", "missingValues", "filesWaiting"])
        took.append(time.monotonic() - begun)
    assert not pending.done()
    # On a busy machine one call may be held up, but the wait for the device is of another order.
    assert sorted(took)[len(took) // 2] < 0.5
    slow.source.set_timeout_millis(20_000)
    proxy.AbortScan()
    with pytest.raises(tango.DevFailed, match="aborted"):
        pending.result(20)


def test_an_abort_stops_a_capture_that_waits_and_nothing_is_opened(slow: Daemon, elsewhere: ThreadPoolExecutor):
    pending = starting(slow, elsewhere)
    begun = time.monotonic()
    assert slow.proxy.AbortScan() == ""
    with pytest.raises(tango.DevFailed, match="aborted"):
        pending.result(20)
    assert time.monotonic() - begun < 4
    assert slow.proxy.state() == tango.DevState.ON
    assert not list(slow.data.rglob("*.h5"))


def test_attributes_can_be_read_at_any_instant_of_many_scans(daemon: Daemon):
    """Reads and pushed events share Tango's one value of an attribute: neither may see the other half done."""
    failures: list[str] = []
    done = threading.Event()

    def look() -> None:
        proxy = daemon.proxy
        while not done.is_set():
            try:
                proxy.read_attributes(["filesWaiting", "missingValues", "currentScan", "State", "Status"])
                for name in ("filesWaiting", "currentScan"):
                    proxy.read_attribute(name)
            except tango.DevFailed as error:
                failures.append(error.args[0].reason)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    for number in range(40):
        answer = json.loads(daemon.proxy.StartScan(daemon.request(scan=f"a{number}")))
        assert answer["number"] == number + 1
        daemon.end_scan()
    daemon.await_files()
    done.set()
    for looker in lookers:
        looker.join()
    assert failures == []


@pytest.fixture
def locked_journal(daemon: Daemon) -> Iterator[sqlite3.Connection]:
    """Another process's hold on the journal, as a backup has it for a moment: until it is committed nothing is kept."""
    with contextlib.closing(sqlite3.connect(daemon.state / "journal.sqlite", isolation_level=None)) as connection:
        yield connection


def test_an_abort_that_is_answered_while_a_start_waits_for_its_journal_leaves_no_scan_open(
    daemon: Daemon, locked_journal: sqlite3.Connection, elsewhere: ThreadPoolExecutor
):
    locked_journal.execute("BEGIN IMMEDIATE")
    starting = elsewhere.submit(daemon.start_scan)
    wait_until(lambda: daemon.proxy.state() == tango.DevState.RUNNING, "the start is under way")
    time.sleep(0.3)  # the capture is over by then, and the start waits for the journal
    aborting = elsewhere.submit(daemon.proxy.AbortScan)
    time.sleep(0.1)
    locked_journal.execute("COMMIT")
    assert aborting.result() == ""
    assert daemon.proxy.state() == tango.DevState.ON
    with pytest.raises(tango.DevFailed, match="the start was aborted"):
        starting.result()


def test_an_abort_that_is_answered_while_an_end_waits_for_its_journal_makes_it_an_aborted_one(
    daemon: Daemon, locked_journal: sqlite3.Connection, elsewhere: ThreadPoolExecutor
):
    daemon.start_scan()
    locked_journal.execute("BEGIN IMMEDIATE")
    ending = elsewhere.submit(daemon.end_scan)
    time.sleep(0.3)
    aborting = elsewhere.submit(daemon.proxy.AbortScan)
    time.sleep(0.1)
    locked_journal.execute("COMMIT")
    assert aborting.result() == ""
    assert ending.result()["end_reason"] == "aborted"
