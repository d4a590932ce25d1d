"""Servers that take connections and answer nothing, of every kind that a daemon speaks to: whom they hold up."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tango
from daemons import Daemon, wait_until

from nxscribe.simulation import TangoDatabase


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    while ") T " not in Path(f"/proc/{pid}/stat").read_text():
        time.sleep(0.001)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def database() -> Iterator[TangoDatabase]:
    with TangoDatabase() as database:
        yield database


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The service manager's end of its socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        yield manager


def on_database(daemon: Daemon, database: TangoDatabase) -> None:
    """Have the daemon's own devices in this database."""
    daemon.devices = [f"tango://{database.host}/{device}" for device in daemon.devices]
    settings = daemon.config.read_text().replace("tango: {", f'tango: {{host: "{database.host}", ')
    for source in ("sim/mono/dcm/energy", "sim/machine/ring/current"):
        settings = settings.replace(source, f"{os.environ['TANGO_HOST']}/{source}")
    daemon.config.write_text(settings)


def with_property(daemon: Daemon, database: TangoDatabase) -> None:
    """Have one more value, a property in this database."""
    tango.Database(*database.host.split(":")).put_device_property("a/b/c", {"Serial": ["SN 7"]})
    daemon.config.write_text(
        daemon.config.read_text().replace(
            "sim/mono/dcm/no_such_attribute", f"{{property: '{database.host}/a/b/c/Serial'}}"
        )
    )


def drain(manager: socket.socket) -> None:
    manager.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while manager.recv(1000):
            pass
    manager.settimeout(20)


@pytest.mark.parametrize("whose", ["its own", "another site's"])
def test_a_database_that_hangs_costs_the_deadline_once_and_holds_up_nobody(
    make_daemon: Callable[..., Daemon], database: TangoDatabase, manager: socket.socket, whose: str
):
    daemon = make_daemon()
    if whose == "its own":
        on_database(daemon, database)
    with_property(daemon, database)
    daemon.start(NOTIFY_SOCKET=str(manager.getsockname()), WATCHDOG_USEC="200000")
    proxy = daemon.proxy
    assert "broken" not in daemon.start_scan()["missing"]
    daemon.end_scan()
    with frozen(database.process.pid):
        drain(manager)
        times = []
        for number in range(3):
            begun = time.monotonic()
            answer = daemon.start_scan(scan=f"b{number}")
            times.append(time.monotonic() - begun)
            assert "energy" not in answer["missing"]
            assert "a/b/c/serial" in answer["missing"]["broken"].lower()
            proxy.EndScan("")
            assert proxy.state() == tango.DevState.ON
        assert max(times) < 3
        assert min(times[1:]) < 0.5
        wait_until(lambda: manager.recv(1000) == b"WATCHDOG=1", "the watchdog is fed")
    wait_until(lambda: daemon.is_read("broken"), "the property is read again")


def test_a_device_server_that_hangs_while_events_and_reads_are_wanted_of_it_holds_up_nobody(
    make_daemon: Callable[..., Daemon], serve: Callable[..., object], manager: socket.socket
):
    daemon = make_daemon()
    server = serve("pushing")
    daemon.config.write_text(
        daemon.config.read_text().replace(
            "sim/mono/dcm/no_such_attribute", f"{{tango: {server.device}/pushed, max_age_s: 2}}"
        )
    )
    daemon.start(NOTIFY_SOCKET=str(manager.getsockname()), WATCHDOG_USEC="200000")
    proxy = daemon.proxy
    wait_until(lambda: daemon.is_read("broken"), "its value is had")
    server.freeze()
    drain(manager)
    for number in range(4):
        begun = time.monotonic()
        answer = daemon.start_scan(scan=f"c{number}")
        proxy.EndScan("")
        assert time.monotonic() - begun < 4
        assert "energy" not in answer["missing"]
        wait_until(lambda: manager.recv(1000) == b"WATCHDOG=1", "the watchdog is fed")
        drain(manager)
        # Asked anew for units, events and properties, as after an edit.
        proxy.Reload()
    server.thaw()
    wait_until(lambda: daemon.is_read("broken"), "its value is had again")


@pytest.mark.parametrize("how", ["is down", "hangs"])
def test_a_daemon_whose_database_is_away_says_so_and_serves_as_soon_as_it_is_there(
    make_daemon: Callable[..., Daemon], database: TangoDatabase, manager: socket.socket, how: str
):
    daemon = make_daemon()
    on_database(daemon, database)
    with contextlib.ExitStack() as away:
        if how == "hangs":
            away.enter_context(frozen(database.process.pid))
        else:
            database.process.stop()
        daemon.launch(NOTIFY_SOCKET=str(manager.getsockname()))
        [line] = wait_until(lambda: daemon.events("waiting for the Tango database"), "it says so", 40)
        assert database.host in line["reason"]
        assert "TANGO_HOST" in line["reason"]
        assert b"EXTEND_TIMEOUT_USEC=" in manager.recv(1000)
    if how == "is down":
        away.enter_context(TangoDatabase(int(database.host.split(":")[1])))
    daemon.await_answers()
    assert daemon.start_scan()["number"] == 1
    daemon.process.kill()
    daemon.process.wait()
    away.close()


def test_a_daemon_that_waits_for_its_database_can_be_ended(make_daemon: Callable[..., Daemon], database: TangoDatabase):
    daemon = make_daemon()
    on_database(daemon, database)
    with frozen(database.process.pid):
        daemon.launch()
        wait_until((daemon.state / "journal.sqlite").exists, "it begins")
        begun = time.monotonic()
        assert daemon.stop() in (0, -signal.SIGTERM)  # perhaps before it was ready for the signal
        assert time.monotonic() - begun < 20


def test_a_daemon_whose_database_hangs_can_be_ended(make_daemon: Callable[..., Daemon], database: TangoDatabase):
    daemon = make_daemon()
    on_database(daemon, database)
    daemon.start()
    with frozen(database.process.pid):
        assert daemon.stop() == 0
