"""What becomes of a daemon whose surroundings go away: its log, its service manager, its processor, its records."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import tango
from daemons import Daemon, wait_until


def one_scan(daemon: Daemon, scan: str) -> None:
    daemon.start_scan(scan=scan)
    daemon.end_scan()


def start_with_log(daemon: Daemon, descriptor: int) -> None:
    daemon.process = subprocess.Popen(
        [sys.executable, "-m", "nxscribe", "run", str(daemon.config)],
        stdin=subprocess.DEVNULL,
        stdout=descriptor,
        stderr=descriptor,
        # PyTango warns of a coverage run in print: a pipe that nobody reads would hold it for ever.
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    daemon.await_answers()


def test_a_log_whose_reader_is_gone_costs_no_trigger_and_no_file_and_is_told(make_daemon: Callable[..., Daemon]):
    daemon = make_daemon()
    read, write = os.pipe()
    start_with_log(daemon, write)
    os.close(write)
    os.close(read)
    one_scan(daemon, "a1")
    one_scan(daemon, "a2")
    daemon.await_files()
    assert len(list(daemon.data.rglob("entry_*.h5"))) == 2
    wait_until(lambda: daemon.proxy.state() == tango.DevState.ALARM, "the trouble shows")
    assert "the log cannot be written: [Errno 32] Broken pipe" in daemon.proxy.troubles[0]
    assert daemon.stop() == 0


def test_a_log_on_a_full_disk_keeps_no_daemon_from_its_work(make_daemon: Callable[..., Daemon]):
    daemon = make_daemon()
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        start_with_log(daemon, full.fileno())
    one_scan(daemon, "a1")
    daemon.await_files()
    wait_until(lambda: "No space left" in "".join(daemon.proxy.troubles), "the trouble shows")


def test_a_log_that_nobody_reads_holds_up_no_trigger(make_daemon: Callable[..., Daemon]):
    daemon = make_daemon()
    read, write = os.pipe()
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, b"x" * 4096)
    os.set_blocking(write, True)
    start_with_log(daemon, write)
    os.close(write)
    one_scan(daemon, "a1")
    daemon.await_files()
    wait_until(lambda: "does not answer" in "".join(daemon.proxy.troubles), "the trouble shows")
    assert daemon.stop() == 0
    os.close(read)


def test_a_service_manager_that_was_never_there_is_told_once_and_changes_nothing(
    make_daemon: Callable[..., Daemon], tmp_path: Path
):
    daemon = make_daemon().start(NOTIFY_SOCKET=str(tmp_path / "nowhere"), WATCHDOG_USEC="100000")
    one_scan(daemon, "a1")
    daemon.await_files()
    wait_until(lambda: daemon.events("the service manager is not told how the daemon fares"), "it is told")
    assert daemon.stop() == 0
    assert len(daemon.events("the service manager is not told how the daemon fares")) == 1


@pytest.mark.parametrize("how", ["goes away", "reads nothing"])
def test_a_service_manager_that_is_lost_in_mid_scan_costs_the_scan_nothing(
    make_daemon: Callable[..., Daemon], tmp_path: Path, how: str
):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        daemon = make_daemon().start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="20000")
        assert manager.recv(1000).startswith(b"READY=1")
        daemon.start_scan(scan="a1")
        if how == "goes away":
            manager.close()
        wait_until(lambda: daemon.events("the service manager is not told how the daemon fares"), "it is told")
        daemon.end_scan()
        daemon.await_files()
        assert daemon.stop() == 0


def test_a_daemon_that_was_stopped_and_went_on_serves_as_before(make_daemon: Callable[..., Daemon]):
    daemon = make_daemon().start(WATCHDOG_USEC="20000")
    assert daemon.process
    for _ in range(20):
        daemon.process.send_signal(signal.SIGSTOP)
        time.sleep(0.03)  # longer than the main loop waits for a signal
        daemon.process.send_signal(signal.SIGCONT)
    one_scan(daemon, "a1")
    daemon.await_files()
    assert not daemon.events("reloaded")
    assert daemon.stop() == 0


def test_a_server_that_is_ended_from_outside_ends_the_process(make_daemon: Callable[..., Daemon]):
    daemon = make_daemon().start()
    daemon.await_events("ready")  # the device answers a little before: a server that ends then has failed to start
    assert daemon.process
    server = daemon.config.read_text().partition("server: ")[2].partition(",")[0]
    tango.DeviceProxy(f"dserver/{server}").command_inout("Kill")
    assert daemon.process.wait(20) == 1
    assert "someone sent its admin device Kill" in daemon.log_file.read_text()


def test_records_that_another_process_removed_do_not_make_the_daemon_refuse_a_start(
    make_daemon: Callable[..., Daemon],
):
    daemon = make_daemon()
    other = daemon.definition.with_name("other.xml")
    other.write_text(daemon.definition.read_text().replace("control", "elsewhere"))
    daemon.config.write_text(
        daemon.config.read_text() + "  other: {definition: other.xml}\nrecords: {keep_days: 0.000001}\n"
    )
    daemon.start()
    for technique in ("other", "plain"):
        daemon.start_scan(technique=technique, scan=technique)
        daemon.end_scan()
    daemon.await_files()
    wait_until(lambda: _removed(daemon), "the first record is removed")
    assert daemon.start_scan(technique="other", scan="again")["number"] == 3


def _removed(daemon: Daemon) -> bool:
    words = [sys.executable, "-m", "nxscribe", "records", "retain", str(daemon.config)]
    told = subprocess.run(words, capture_output=True, text=True, check=True)
    return told.stderr.startswith("1 removed")


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("/dev/null", "it is not a folder"),
        ("/tmp/" + "long" * 30, "its name is too long"),  # noqa: S108 - never made
        ("/dev/null/sockets", "cannot make it"),
    ],
)
def test_a_folder_in_which_omniorb_cannot_make_its_sockets_is_named(
    make_daemon: Callable[..., Daemon], folder: str, why: str
):
    daemon = make_daemon()
    daemon.launch(ORBunixTransportDirectory=folder)
    assert daemon.process
    assert daemon.process.wait(60) == 1
    last = daemon.log_file.read_text().splitlines()[-1]
    assert f"cannot use {folder} for its sockets; " in last
    assert why in last
    assert "ORBunixTransportDirectory" in last
