"""Scans that nobody ends, and what a daemon finds when it starts: closed by rule, told, and in no one's way."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import h5py
import pytest
import tango
from crashes import ENERGY
from daemons import Daemon, wait_until

from nxscribe.records import Journal, JournalReader


def end_reason(daemon: Daemon, number: int) -> str:
    with h5py.File(daemon.master) as file:
        node = file.get(f"entry_{number:04d}/nxscribe/end_reason")
        return "" if node is None else str(node.asstr()[()])


def test_a_start_while_a_scan_runs_is_refused_unless_the_config_says_otherwise(make_daemon) -> None:
    daemon = make_daemon().start()
    daemon.start_scan()
    with pytest.raises(tango.DevFailed, match="one scan at a time"):
        daemon.start_scan(scan="a2")
    assert daemon.proxy.currentScan == "phantom - a1"


def test_a_start_may_interrupt_the_scan_that_runs_with_its_final_readings(make_daemon) -> None:
    daemon = make_daemon("on_start_while_running: interrupt\n").start()
    daemon.start_scan()
    assert daemon.start_scan(scan="a2")["entry"] == "entry_0002"
    daemon.end_scan()
    daemon.await_files()
    assert end_reason(daemon, 1) == "interrupted"
    assert end_reason(daemon, 2) == "finished"
    with h5py.File(daemon.master) as file:
        assert file["entry_0001/instrument/monochromator/energy_end"][()] == ENERGY
        assert "a new scan was started" in file["entry_0001/nxscribe/notes"].asstr()[-1]


def test_a_start_that_is_refused_interrupts_nothing(make_daemon) -> None:
    daemon = make_daemon("on_start_while_running: interrupt\n").start()
    daemon.start_scan()
    with pytest.raises(tango.DevFailed):
        daemon.start_scan(scan="a2", technique="nothing")
    with pytest.raises(tango.DevFailed):
        daemon.start_scan(scan="../a2")
    assert daemon.proxy.currentScan == "phantom - a1"


def test_a_scan_that_lasts_longer_than_the_config_allows_is_closed_with_its_final_readings(make_daemon) -> None:
    daemon = make_daemon()
    daemon.config.write_text(daemon.config.read_text().replace("limits: {", "limits: {scan_hours: 0.0005, "))
    daemon.start()
    daemon.start_scan()
    wait_until(lambda: daemon.proxy.state() == tango.DevState.ON, "the scan is closed")
    daemon.await_files()
    assert end_reason(daemon, 1) == "interrupted"
    with h5py.File(daemon.master) as file:
        assert file["entry_0001/instrument/monochromator/energy_end"][()] == ENERGY
        assert "0.0005 hours" in file["entry_0001/nxscribe/notes"].asstr()[-1]
    assert daemon.start_scan(scan="a2")["entry"] == "entry_0002"


def test_a_scan_whose_session_is_gone_is_closed_by_the_same_limit(make_daemon) -> None:
    daemon = make_daemon()
    daemon.start().start_scan()
    daemon.stop()
    config = daemon.config.read_text().replace(daemon.devices[0], daemon.devices[0] + "b")
    daemon.config.write_text(config.replace("limits: {", "limits: {scan_hours: 0.0005, "))
    daemon.devices[0] += "b"
    daemon.start()
    wait_until(lambda: daemon.events("a scan without a session was closed"), "it is closed")
    wait_until(lambda: daemon.master.exists() and end_reason(daemon, 1) == "interrupted", "its entry says so")


def test_one_damaged_open_record_does_not_keep_the_daemon_from_starting(make_daemon) -> None:
    daemon = make_daemon().start()
    daemon.start_scan()
    daemon.await_files()
    daemon.stop(signal.SIGKILL)
    with closing(sqlite3.connect(daemon.state / "journal.sqlite")) as connection, connection:
        connection.execute("UPDATE part SET sha256 = zeroblob(32) WHERE name = 'initial'")
    daemon.start()
    assert "an open scan is damaged in the journal" in daemon.log_file.read_text()
    assert daemon.start_scan(scan="a2")["entry"] == "entry_0002"
    daemon.end_scan()


@pytest.mark.parametrize("layout", ["linked", "single"])
def test_a_new_journal_numbers_on_above_the_entries_that_are_on_disk(make_daemon, layout: str) -> None:
    daemon = make_daemon(f"files: {{layout: {layout}}}\n").start()
    for name in ("a1", "a2"):
        daemon.start_scan(scan=name)
        daemon.end_scan()
    daemon.await_files()
    daemon.stop()
    daemon.state.rename(daemon.state.with_name("old state"))
    daemon.start()
    assert daemon.start_scan(scan="a3")["entry"] == "entry_0003"
    daemon.end_scan()
    daemon.await_files()
    with h5py.File(daemon.master) as file:
        assert list(file) == ["entry_0001", "entry_0002", "entry_0003"]


@pytest.mark.long
def test_a_restored_old_journal_numbers_on_above_the_entries_that_are_on_disk(make_daemon, tmp_path: Path) -> None:
    daemon = make_daemon().start()
    daemon.start_scan()
    daemon.end_scan()
    daemon.await_files()
    daemon.stop()
    with JournalReader(daemon.state / "journal.sqlite") as reader:
        record = reader.record(reader.summaries()[0].id)
    daemon.start()
    daemon.start_scan(scan="a2")
    daemon.end_scan()
    daemon.await_files()
    daemon.stop()
    for file in daemon.state.glob("journal*"):
        file.unlink()
    with Journal(daemon.state / "journal.sqlite") as journal:
        journal.add(replace(record))
    daemon.start()
    assert daemon.start_scan(scan="a3")["entry"] == "entry_0003"
