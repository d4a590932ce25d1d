"""A journal that is damaged under a daemon: what is damaged is told, and all else goes on."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import h5py
import pytest
import tango
from daemons import Daemon, wait_until
from typer.testing import CliRunner

from nxscribe.cli._app import app

PAGE = 4096


def scan(daemon: Daemon, name: str) -> str:
    daemon.start_scan(scan=name)
    return str(daemon.end_scan()["record"])


def titles(master: Path) -> list[str]:
    with h5py.File(master) as file:
        return [str(file[name]["title"].asstr()[()]) for name in sorted(file)]


def test_a_damaged_record_costs_its_own_file_alone(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon().start()
    away = daemon.data.with_name("away")
    daemon.data.rename(away)
    damaged, _ = scan(daemon, "a1"), scan(daemon, "a2")
    daemon.stop()
    journal = daemon.state / "journal.sqlite"
    with closing(sqlite3.connect(journal)) as connection, connection:
        connection.execute("UPDATE part SET payload = zeroblob(100) WHERE name = 'final' AND record = 1")
    away.rename(daemon.data)
    daemon.start()
    wait_until(lambda: daemon.proxy.filesWaiting == 1, "the sound one is written")
    scan(daemon, "a3")
    wait_until(lambda: titles(daemon.master) == ["phantom - a2", "phantom - a3"], "so is what comes after")
    assert f"record {damaged} in the journal {journal} is damaged" in daemon.proxy.troubles[0]
    assert daemon.proxy.state() == tango.DevState.ALARM
    daemon.stop()
    saved = CliRunner().invoke(app, ["records", "salvage", str(journal), str(journal.with_name("saved.sqlite"))])
    assert f"lost: record {damaged}" in saved.stderr
    assert "2 saved" in saved.stderr


def test_pages_that_are_damaged_for_a_while_refuse_triggers_with_the_reason(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon().start()
    scan(daemon, "a1")
    daemon.await_files()
    # With its end, what is in the log goes into the file.
    daemon.stop()
    daemon.start()
    journal = daemon.state / "journal.sqlite"
    sound = journal.read_bytes()
    with journal.open("r+b") as file:
        file.seek(PAGE)
        file.write(b"\xff" * (len(sound) - PAGE))
    with pytest.raises(tango.DevFailed) as caught:
        daemon.start_scan(scan="a2")
    assert caught.value.args[0].reason == "NXSCRIBE_JournalUnusable"
    assert "a part of the file is damaged" in caught.value.args[0].desc
    assert "was refused" in daemon.proxy.troubles[0]
    assert "a part of the file is damaged" in daemon.proxy.troubles[0]
    assert daemon.proxy.state() == tango.DevState.ALARM
    with journal.open("r+b") as file:
        file.write(sound)
    assert daemon.start_scan(scan="a2")["entry"] == "entry_0002"
    daemon.end_scan()
    daemon.await_files()
    wait_until(lambda: not daemon.proxy.troubles, "all is well again")
    assert titles(daemon.master) == ["phantom - a1", "phantom - a2"]


def test_a_definition_that_is_damaged_in_the_journal_costs_no_scan(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon().start()
    scan(daemon, "a1")
    daemon.await_files()
    daemon.stop()
    journal = daemon.state / "journal.sqlite"
    with closing(sqlite3.connect(journal)) as connection, connection:
        connection.execute("UPDATE definition SET payload = zeroblob(length(payload))")
    daemon.start()
    scan(daemon, "a2")
    daemon.await_files()
    assert titles(daemon.master) == ["phantom - a1", "phantom - a2"]
    daemon.stop()
    assert CliRunner().invoke(app, ["records", "check", str(journal)]).exit_code == 0


def test_commits_behind_a_damaged_place_of_the_log_are_told_after_the_next_start(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon().start()
    ended = [scan(daemon, f"a{number}") for number in range(6)]
    daemon.stop(signal.SIGKILL)
    journal = daemon.state / "journal.sqlite"
    log = journal.with_name(journal.name + "-wal")
    data = bytearray(log.read_bytes())
    data[len(data) // 3] ^= 1
    log.write_bytes(data)
    daemon.start()
    assert "commits lie behind a damaged place" in daemon.proxy.troubles[0]
    assert daemon.proxy.state() == tango.DevState.ALARM
    scan(daemon, "b1")
    (copy,) = daemon.state.glob("damaged-*/journal.sqlite")
    saved = CliRunner().invoke(app, ["records", "salvage", str(copy), str(daemon.state / "saved.sqlite")])
    assert f"{len(ended)} saved" in saved.stderr
