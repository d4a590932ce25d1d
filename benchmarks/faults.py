"""What bad devices cost a scan's start: StartScan as its client sees it, by a deadline of 2 s, while devices misbehave.

    python benchmarks/faults.py

A real daemon reads 150 attributes of 30 devices in two servers, and three of one more device, which is the bad one in
most cases. Each row is one fault: how long the first start after it took and how long the second (ms); how much of it
was beyond the deadline; the longest that State took to be read meanwhile; how many readings of healthy devices were
lost, which should be none; and how long after the fault's end all readings were there again (s).
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import tango
from rich.console import Console
from rich.table import Table
from tango.test_context import parse_ior

from capture import Daemon
from nxscribe.simulation import TangoDatabase
from processes import Server

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from silence import silence_on

DEADLINE_S = 2.0
BAD = "bench/faulty/1"
NAMES = ("before", "slow", "healthy")


@dataclass
class Beamline:
    """What the faults are done to."""

    database: TangoDatabase
    good: Server
    half: Server
    bad: Server
    expected_lost: int = 0


@contextmanager
def nothing(_line: Beamline) -> Iterator[int]:
    yield 0


@contextmanager
def killed(line: Beamline) -> Iterator[int]:
    line.bad.kill()
    yield len(NAMES)
    line.bad.start()


@contextmanager
def frozen(line: Beamline) -> Iterator[int]:
    line.bad.freeze()
    yield len(NAMES)
    line.bad.thaw()


@contextmanager
def silent(line: Beamline) -> Iterator[int]:
    port = parse_ior(tango.Database().get_device_info(BAD).ior).port
    line.bad.kill()
    with silence_on(port):
        yield len(NAMES)
    line.bad.start()


def attribute_that(delay_s: float, lost: int) -> Callable[[Beamline], Iterator[int]]:
    @contextmanager
    def fault(line: Beamline) -> Iterator[int]:
        device = tango.DeviceProxy(BAD)
        device.delay = delay_s
        yield lost
        if delay_s > 60:
            line.bad.kill()
            line.bad.start()
        else:
            time.sleep(max(delay_s, 0.0))
            tango.DeviceProxy(BAD).delay = 0.0

    return fault


@contextmanager
def half_frozen(line: Beamline) -> Iterator[int]:
    line.half.freeze()
    yield 75
    line.half.thaw()


@contextmanager
def restarted_meanwhile(line: Beamline) -> Iterator[int]:
    tango.DeviceProxy(BAD).delay = 1.5

    def restart() -> None:
        time.sleep(0.5)
        line.bad.kill()
        line.bad.start()

    thread = threading.Thread(target=restart)
    thread.start()
    yield len(NAMES)
    thread.join()


@contextmanager
def without_database(line: Beamline) -> Iterator[int]:
    line.database.process.stop()
    yield 0


FAULTS: dict[str, Callable[[Beamline], Iterator[int]]] = {
    "none": nothing,
    "a server killed": killed,
    "a server frozen": frozen,
    "a host that is silent": silent,
    "an attribute that fails": attribute_that(-1.0, 1),
    "an attribute that takes 3 s": attribute_that(3.0, len(NAMES)),
    "an attribute that hangs for ever": attribute_that(1e6, len(NAMES)),
    "half of the devices frozen": half_frozen,
    "a server restarted during the read": restarted_meanwhile,
    "the Tango database gone": without_database,
}


def main() -> None:
    table = Table("fault", "first", "second", "beyond", "State", "healthy lost", "well after")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(TangoDatabase())
        os.environ["TANGO_HOST"] = database.host
        plain = [f"bench/latency/{number}" for number in range(30)]
        line = Beamline(
            database,
            Server("latency", "good", plain[:15], folder),
            Server("latency", "half", plain[15:], folder),
            Server("faulty", "bad", [BAD], folder),
        )
        attributes = [f"{name}/value{number}" for name in plain for number in range(5)]
        attributes += [f"{BAD}/{name}" for name in NAMES]
        daemon = stack.enter_context(Daemon(attributes, folder, deadline_s=DEADLINE_S))
        for name, fault in FAULTS.items():
            table.add_row(name, *row(daemon, line, fault))
        for server in (line.good, line.half, line.bad):
            server.kill()
    Console(width=120).print(table)


def row(daemon: Daemon, line: Beamline, fault: Callable[[Beamline], Iterator[int]]) -> list[str]:
    longest = 0.0
    done = threading.Event()

    proxy = tango.DeviceProxy("bench/nxscribe/main")

    def watch() -> None:
        nonlocal longest
        while not done.wait(0.01):
            begun = time.perf_counter()
            proxy.state()
            longest = max(longest, time.perf_counter() - begun)

    with fault(line) as expected:
        watcher = threading.Thread(target=watch)
        watcher.start()
        took, lost = [], 0
        for _ in range(2):
            begun = time.perf_counter()
            missing = daemon.try_start("read", "bench")
            took.append(time.perf_counter() - begun)
            lost = max(lost, len(missing) - expected)
            daemon.try_end()
            daemon.await_files()
        done.set()
        watcher.join()
    ended = time.perf_counter()
    while daemon.try_start("read", "bench"):
        daemon.try_end()
        assert time.perf_counter() - ended < 60, "it never became well again"
    well_s = time.perf_counter() - ended
    daemon.try_end()
    daemon.await_files()
    beyond = max(0.0, max(took) - DEADLINE_S)
    numbers = [f"{seconds * 1e3:.0f}" for seconds in (*took, beyond, longest)]
    return [*numbers, str(max(lost, 0)), f"{well_s:.1f}"]


if __name__ == "__main__":
    main()
