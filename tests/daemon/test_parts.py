"""Each thread and each child process of a running daemon is ended in turn: it is told, comes back, and scans go on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tango
from daemons import Daemon, wait_until

END_PARTS = Path(__file__).parents[1] / "support" / "end_parts.py"
PARTS = {
    "wait for signals",
    "event publisher",
    "reload by signal",
    "log writer",
    "projector",
    "housekeeper",
    "journal keeper",
    "counter of projections",
    "watch of the config's files",
    "look at the entries on disk",
    "writer process",
    "definitions reader process",
    "follower of units and labels",
}


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    pipe = tmp_path / "ends"
    os.mkfifo(pipe)
    return pipe


@pytest.fixture
def mortal(make_daemon: Callable[..., Daemon], pipe: Path) -> Iterator[Daemon]:
    daemon = make_daemon()
    # The housekeeper shall turn each second.
    daemon.config.write_text(daemon.config.read_text().replace("limits: {", "limits: {scan_hours: 0.003, "))
    daemon.program = [str(END_PARTS), str(pipe)]
    daemon.start()
    yield daemon
    assert daemon.stop() == 0


def has_come_back(daemon: Daemon, part: str) -> bool:
    if part == "wait for signals":
        assert daemon.process
        daemon.process.send_signal(signal.SIGHUP)  # it ends after the turn under way, which waits for one
    if part.startswith("worker of "):
        daemon.proxy.PreviewLive("plain")  # the same: it waits for a request
    return any(part in str(line) and "is started again" in line["event"] for line in daemon.log)


def test_each_part_that_ends_is_told_and_comes_back_and_a_scan_goes_through(mortal: Daemon, pipe: Path) -> None:
    assert mortal.process
    mortal.proxy.Reload()  # so that the reader is there
    mortal.start_scan(scan="before")
    mortal.end_scan()
    mortal.await_files()
    pipe.write_text("?\n")
    found = wait_until(pipe.with_suffix(".parts").exists, "the parts are listed")
    found = set(pipe.with_suffix(".parts").read_text().splitlines())
    devices = {part for part in found if part.startswith("worker of ")}
    assert devices, "each device has a worker"
    assert found - devices == PARTS, "a part that is new belongs to this test, too"
    parts = [*sorted(PARTS), min(devices)]
    for number, part in enumerate(parts):
        pipe.write_text(f"{part}\n")
        wait_until(lambda part=part: has_come_back(mortal, part), f"the log tells of the {part}")
        wait_until(lambda: not mortal.proxy.troubles, "all is well again")
        assert mortal.start_scan(scan=f"after{number}")["entry"]
        mortal.end_scan(files={})
        mortal.await_files()
        wait_until(lambda: mortal.proxy.state() == tango.DevState.ON, "it is ready")
    entries = list(mortal.data.rglob("entry_*.h5"))
    assert len(entries) == 1 + len(parts)
    # The parts that work only when they are called do so, too.
    before = len(mortal.events("reloaded"))
    os.kill(mortal.process.pid, signal.SIGHUP)
    wait_until(lambda: len(mortal.events("reloaded")) > before, "the signal reloads")
