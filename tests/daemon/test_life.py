from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import h5py
import tango
from daemons import Daemon, wait_until

from nxscribe.simulation import TangoDatabase


def test_a_scan_outlives_a_stop_and_a_new_start_of_the_daemon(make_daemon):
    daemon: Daemon = make_daemon().start()
    daemon.start_scan()
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.proxy.state() == tango.DevState.RUNNING
    assert daemon.proxy.currentScan == "phantom - a1"
    daemon.end_scan()
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        assert master["entry_0001/nxscribe/end_reason"].asstr()[()] == "finished"
        assert any("restarted" in note for note in master["entry_0001/nxscribe/notes"].asstr())


def test_a_scan_outlives_a_kill_of_the_daemon(make_daemon):
    daemon: Daemon = make_daemon().start()
    answer = daemon.start_scan()
    daemon.stop(signal.SIGKILL)
    daemon.start()
    assert daemon.end_scan()["record"] == answer["record"]
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        assert "current_start" in master["entry_0001/instrument/source"]


def test_sighup_reads_the_definitions_anew(daemon: Daemon):
    daemon.definition.write_text(daemon.definition.read_text().replace("control", "renamed"))
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: daemon.events("reloaded"), "the reload is done")
    daemon.start_scan(parameters={"exposure": 1.0})
    daemon.end_scan()
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        assert "renamed" in master["entry_0001/instrument"]


def test_an_open_scan_ends_with_the_definition_that_it_began_with(daemon: Daemon):
    daemon.start_scan(parameters={"exposure": 1.0})
    daemon.definition.write_text(daemon.definition.read_text().replace("control", "renamed"))
    daemon.proxy.Reload()
    daemon.end_scan()
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        assert "control" in master["entry_0001/instrument"]


def test_the_service_manager_learns_when_it_is_ready_alive_and_stopping(make_daemon, tmp_path: Path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        daemon: Daemon = make_daemon().start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000")
        assert manager.recv(1000).startswith(b"READY=1")
        # READY is true: the device answered at that moment, and it is registered.
        assert daemon.proxy.state() == tango.DevState.ON
        assert manager.recv(1000) == b"WATCHDOG=1"
        daemon.process.terminate()
        wait_until(lambda: manager.recv(1000).startswith(b"STOPPING=1"), "it says that it stops")
        assert daemon.process.wait(30) == 0


def loader_of(daemon: Daemon) -> int:
    words = ["pgrep", "-P", str(daemon.process.pid), "-f", "nxscribe.service.reload.loader"]
    return int(subprocess.run(words, capture_output=True, check=True, text=True).stdout)


def test_the_watchdog_is_fed_while_a_reload_hangs(make_daemon, tmp_path: Path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        daemon: Daemon = make_daemon().start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000")

        def told() -> bytes:
            """The next word that is not of the watchdog, or the third of it in turn."""
            for _ in range(3):
                if (word := manager.recv(1000)) != b"WATCHDOG=1":
                    return word
            return word

        daemon.proxy.Reload()
        reader = loader_of(daemon)
        os.kill(reader, signal.SIGSTOP)
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: told() == b"RELOADING=1", "it begins to reload")
        assert told() == b"WATCHDOG=1"
        os.kill(reader, signal.SIGCONT)
        wait_until(lambda: told() == b"READY=1", "the reload is done")


def test_a_database_that_is_down_does_not_keep_the_watchdog_from_its_food(make_daemon, tmp_path: Path):
    with TangoDatabase() as database, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        daemon: Daemon = make_daemon()
        daemon.devices = [f"tango://{database.host}/{device}" for device in daemon.devices]
        daemon.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000", TANGO_HOST=database.host)
        assert manager.recv(1000).startswith(b"READY=1")
        assert manager.recv(1000) == b"WATCHDOG=1"
        database.process.stop()
        manager.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while manager.recv(1000):
                pass
        manager.settimeout(10)
        for _ in range(3):
            assert manager.recv(1000) == b"WATCHDOG=1"
        daemon.process.kill()


def test_every_line_of_the_log_names_the_beamline_from_the_first_on(make_daemon):
    daemon: Daemon = make_daemon().start()
    daemon.start_scan()
    daemon.stop()
    daemon.start()
    daemon.await_events("scan resumed")
    assert {line["beamline"] for line in daemon.log} == {"sim"}


def test_one_thread_alone_is_open_to_the_signals_that_the_daemon_waits_for(daemon: Daemon):
    def open_to_them() -> int:
        masks = [
            int(re.search(r"SigBlk:\s*(\w+)", (task / "status").read_text())[1], 16)
            for task in Path(f"/proc/{daemon.process.pid}/task").iterdir()
        ]
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        return sum(not all(mask >> (number - 1) & 1 for number in numbers) for mask in masks)

    wait_until(open_to_them, "the daemon waits for signals")
    assert open_to_them() == 1
