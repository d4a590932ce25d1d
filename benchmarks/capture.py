"""How long a capture takes: nxscribe's snapshot against the fastest way that plain PyTango offers to read the same.

    python benchmarks/capture.py --sizes 30x5 300x7 --servers 1 3 10 --latencies 0 5 20

It starts a Tango database and device servers of its own, and prints a table: milliseconds for one capture of all
attributes, median and 95th percentile, the CPU time that one capture costs the client, and the ratio of the medians.
The floor is one thread for each device with a proxy that was made before, one `read_attributes` each, and nothing made
of what comes back. Both ways take turns, so that what else the machine does weighs on both.
"""

from __future__ import annotations

import argparse
import os
import queue
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import tango
from rich.console import Console
from rich.table import Table

from nxscribe.capture import Capturer, TangoReader
from nxscribe.model import Definition, Field, Group, Phase, Template
from nxscribe.plan import CapturePlan, Source, TangoSource, compile_plan
from nxscribe.simulation import TangoDatabase
from nxscribe.simulation.process import ChildProcess

DEVICES = Path(__file__).parent / "devices"
DEADLINE_S = 20.0


class Floor:
    """Plain PyTango at its fastest."""

    def __init__(self, devices: list[str], attributes: list[str]) -> None:
        self._attributes = attributes
        self._done: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._orders: list[queue.SimpleQueue[bool]] = []
        for device in devices:
            proxy = tango.DeviceProxy(f"tango://{device}")
            proxy.set_source(tango.DevSource.DEV)
            proxy.set_timeout_millis(int(DEADLINE_S * 1000))
            order: queue.SimpleQueue[bool] = queue.SimpleQueue()
            self._orders.append(order)
            threading.Thread(target=self._work, args=(proxy, order), daemon=True).start()

    def _work(self, proxy: tango.DeviceProxy, order: queue.SimpleQueue[bool]) -> None:
        while order.get():
            self._done.put(proxy.read_attributes(self._attributes))

    def capture(self) -> None:
        for order in self._orders:
            order.put(True)
        for _ in self._orders:
            self._done.get()

    def close(self) -> None:
        for order in self._orders:
            order.put(False)


def measure(ways: list[Callable[[], object]], repeat: int) -> list[tuple[float, float, float]]:
    """For each way median, 95th percentile and CPU time, in milliseconds."""
    times: list[list[float]] = [[] for _ in ways]
    cpu = [0.0 for _ in ways]
    for way in ways:
        way()
    for _ in range(repeat):
        for number, way in enumerate(ways):
            used, begun = time.process_time(), time.perf_counter()
            way()
            times[number].append((time.perf_counter() - begun) * 1e3)
            cpu[number] += (time.process_time() - used) * 1e3
    return [
        (statistics.median(some), sorted(some)[int(0.95 * len(some))], total / repeat)
        for some, total in zip(times, cpu, strict=True)
    ]


@contextmanager
def devices(count: int, servers: int) -> Iterator[list[str]]:
    """The names of so many devices, spread over so many server processes."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        host = os.environ["TANGO_HOST"] = stack.enter_context(TangoDatabase()).host
        database = tango.Database(*host.split(":"))
        names = [f"bench/latency/{number}" for number in range(count)]
        for number, name in enumerate(names):
            info = tango.DbDevInfo()
            info.server, info.name = f"latency/s{number % servers}", name
            info._class = "Latency"  # noqa: SLF001 - PyTango has no other name for it
            database.add_device(info)
        path = os.pathsep.join(str(Path(entry).resolve()) for entry in (DEVICES, *sys.path) if entry)
        for number in range(servers):
            log = folder / f"{number}.log"
            server = ChildProcess("latency", f"s{number}", directory=folder, log=log, env={"PYTHONPATH": path})
            stack.enter_context(server)
            server.wait_for("Ready to accept request")
        # In full: a client remembers its first database as the one to ask.
        yield [f"{host}/{name}" for name in names]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["30x5", "300x7"], help="devices x attributes")
    parser.add_argument("--servers", nargs="+", type=int, default=[1, 3, 10])
    parser.add_argument("--latencies", nargs="+", type=float, default=[0.0, 5.0, 20.0], help="of each attribute, in ms")
    parser.add_argument("--repeat", type=int, default=40)
    options = parser.parse_args()
    table = Table("devices", "servers", "latency", "floor", "p95", "CPU", "nxscribe", "p95", "CPU", "ratio")
    for size in options.sizes:
        count, attributes = map(int, size.split("x"))
        for servers in options.servers:
            with devices(count, servers) as names:
                for latency in options.latencies:
                    row = compare(names, [f"value{number}" for number in range(attributes)], latency, options.repeat)
                    table.add_row(size, str(servers), f"{latency:g}", *row)
    Console(width=120).print(table)


def plan_for(attributes: list[str]) -> CapturePlan:
    fields = tuple(Field(f"v{number}", Template(f"${{v{number}}}"), "NX_FLOAT") for number in range(len(attributes)))
    definition = Definition("bench", Group("${entry}", "NXentry", fields), "")
    sources = {f"v{number}": Source(TangoSource((name,))) for number, name in enumerate(attributes)}
    return compile_plan(definition, sources)[0]


def compare(names: list[str], attributes: list[str], latency_ms: float, repeat: int) -> list[str]:
    for name in names:
        proxy = tango.DeviceProxy(f"tango://{name}")
        proxy.put_property({"latency_ms": latency_ms})
        proxy.init()
    floor = Floor(names, attributes)
    plan = plan_for([f"{name}/{attribute}" for name in names for attribute in attributes])

    def capture() -> None:
        snapshot = capturer.capture(plan, Phase.INITIAL, given={}, had={}, deadline_s=DEADLINE_S)
        assert len(snapshot.readings) == len(names) * len(attributes)
        assert not snapshot.missing, next(iter(snapshot.missing.values())).error

    with TangoReader() as reader:
        capturer = Capturer(reader)
        (low, low95, low_cpu), (ours, ours95, cpu) = measure([floor.capture, capture], repeat)
    floor.close()
    return [*(f"{number:.1f}" for number in (low, low95, low_cpu, ours, ours95, cpu)), f"{ours / low:.2f}"]


if __name__ == "__main__":
    main()
