from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tango

from nxscribe.simulation import SimulationError, TangoDatabase

HOLDER = """
import sys, time
from nxscribe.simulation import TangoDatabase
try:
    with TangoDatabase() as database:
        print(database.host, flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    pass
"""


def connect(host: str) -> tango.Database:
    name, port = host.split(":")
    return tango.Database(name, int(port))


def answers(host: str) -> bool:
    # A plain connection: the Tango client itself falls over a database that is about to end.
    name, port = host.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((name, int(port))) == 0


def test_the_database_registers_devices_and_answers_for_them():
    with TangoDatabase() as database:
        client = connect(database.host)
        device = tango.DbDevInfo()
        device.server, device._class, device.name = "Any/one", "Any", "a/b/c"
        client.add_device(device)
        assert list(client.get_device_name("Any/one", "Any")) == ["a/b/c"]


def test_two_databases_run_side_by_side():
    with TangoDatabase() as one, TangoDatabase() as other:
        assert one.host != other.host
        assert answers(one.host)
        assert answers(other.host)


def test_afterwards_no_process_and_no_folder_is_left():
    with TangoDatabase() as database:
        pid = database.process.pid
        folder = Path(f"/proc/{pid}/cwd").readlink()
        assert folder.is_dir()
    assert not Path(f"/proc/{pid}").exists()
    assert not folder.exists()
    assert not answers(database.host)


def test_a_database_comes_back_on_the_port_it_had():
    with TangoDatabase() as first:
        pass
    with TangoDatabase(port=int(first.host.split(":")[1])) as second:
        assert second.host == first.host
        assert answers(second.host)


def test_a_port_that_is_taken_is_told_with_what_the_server_said():
    with TangoDatabase() as first, pytest.raises(SimulationError, match="did not start"):
        TangoDatabase(port=int(first.host.split(":")[1])).__enter__()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_the_database_ends_with_the_program_that_started_it(ending: signal.Signals):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as holder:
        assert holder.stdout is not None
        host = holder.stdout.readline().strip()
        assert answers(host)
        os.killpg(holder.pid, ending)  # the whole foreground group, as a terminal does
        assert holder.wait(10) == (0 if ending is signal.SIGINT else -signal.SIGKILL)
    deadline = time.monotonic() + 10
    while answers(host):
        assert time.monotonic() < deadline, "the database outlives its parent"
        time.sleep(0.02)
