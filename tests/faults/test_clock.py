"""The system clock set back by an hour under a running daemon: nothing waits for it to catch up, and no time lies."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import h5py
import pytest
import tango
from daemons import Daemon, wait_until

from nxscribe.records import JournalReader

SOURCE = Path(__file__).parent.parent / "support" / "clock.c"
HOUR_S = 3600


@pytest.fixture(scope="session")
def clock_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("no C compiler here, and only a library can set one program's clock")
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library


class Clock:
    """The clock of whoever is started with its environment."""

    def __init__(self, library: Path, file: Path) -> None:
        self._file = file
        self.set_by(0)
        self.environment = {"LD_PRELOAD": str(library), "NXSCRIBE_TEST_CLOCK": str(file)}

    def set_by(self, seconds: int) -> None:
        # In place: the file is mapped.
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT)
        os.pwrite(descriptor, struct.pack("q", seconds), 0)
        os.close(descriptor)


@pytest.fixture
def clock(clock_library: Path, tmp_path: Path) -> Clock:
    return Clock(clock_library, tmp_path / "clock")


def scan(daemon: Daemon, name: str) -> None:
    daemon.start_scan(scan=name)
    daemon.end_scan()


def test_a_scan_in_which_the_clock_is_set_back_ends_and_tells_it(
    make_daemon: Callable[..., Daemon], clock: Clock
) -> None:
    daemon = make_daemon().start(**clock.environment)
    daemon.start_scan()
    clock.set_by(-HOUR_S)
    answer = daemon.end_scan()
    assert 0 < answer["capture_s"] <= answer["dead_time_s"] < 10
    daemon.await_files()
    with h5py.File(daemon.master) as file:
        entry = file["entry_0001"]
        start, end = (datetime.fromisoformat(entry[name].asstr()[()]) for name in ("start_time", "end_time"))
        assert timedelta(seconds=-HOUR_S) < end - start < timedelta(seconds=60 - HOUR_S)
        assert f"the system clock was set back by {HOUR_S} s during the scan" in entry["nxscribe/notes"].asstr()[0]
        assert entry["nxscribe/final_capture_duration"][()] > 0


def test_files_that_wait_do_not_wait_for_the_clock(make_daemon: Callable[..., Daemon], clock: Clock) -> None:
    daemon = make_daemon().start(**clock.environment)
    away = daemon.data.with_name("away")
    daemon.data.rename(away)
    scan(daemon, "before")
    wait_until(lambda: daemon.proxy.troubles, "the trouble is shown")
    clock.set_by(-HOUR_S)
    scan(daemon, "after")
    away.rename(daemon.data)
    wait_until(lambda: daemon.proxy.filesWaiting == 0, "both are written", 15)
    with h5py.File(daemon.master) as file:
        assert [file[name]["title"].asstr()[()] for name in file] == ["phantom - before", "phantom - after"]
        # The second is a scan of one clock.
        assert "notes" not in file["entry_0002/nxscribe"]
    with JournalReader(daemon.state / "journal.sqlite") as reader:
        assert [one.identity.scan for one in reader.summaries()] == ["after", "before"]


def test_a_scan_is_taken_up_and_closed_by_its_time_limit_although_the_clock_went_back(
    make_daemon: Callable[..., Daemon], clock: Clock
) -> None:
    daemon = make_daemon()
    daemon.config.write_text(daemon.config.read_text().replace("limits: {", "limits: {scan_hours: 0.0005, "))
    daemon.start(**clock.environment)
    daemon.start_scan()
    daemon.stop()
    clock.set_by(-HOUR_S)
    daemon.start(**clock.environment)
    assert daemon.proxy.state() == tango.DevState.RUNNING
    wait_until(lambda: daemon.proxy.state() == tango.DevState.ON, "the scan is closed", 15)
    daemon.await_files()
    with h5py.File(daemon.master) as file:
        notes = "; ".join(file["entry_0001/nxscribe/notes"].asstr())
    assert "restarted" in notes
    assert "0.0005 hours" in notes
    assert "the system clock was set back" in notes
