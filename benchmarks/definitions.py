"""How fast definitions are read, and what reloading them costs a scan.

    python benchmarks/definitions.py [--scans 300]

First the ESRF's own file of 1,267 fields: read, loaded and compiled into a capture plan, against lxml parsing it to a
tree and no more. Then `nxscribe check` on the simulated beamline as a command, against Python starting for nothing.
Last the round trip of StartScan on a simulated beamline: blocks of scans in peace take turns with blocks during which a
definition is edited and reloaded every 200 ms, so that what else the machine does weighs on both. The pace is told: a
machine that cannot reload so often has not been tried.
"""

from __future__ import annotations

import argparse
import importlib.resources
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import tango
from lxml import etree

from nxscribe.cli._daemon_process import DaemonProcess
from nxscribe.cli._shipped import shipped
from nxscribe.client import ScribeClient
from nxscribe.definitions import load_definition, read_xml
from nxscribe.plan import Source, compile_plan
from nxscribe.simulation import SimulatedBeamline, TangoDatabase
from nxscribe.sources import TangoSource

ESRF_FILE = Path(str(importlib.resources.files("icat_esrf_definitions"))) / "hdf5_cfg.xml"
RELOAD_EVERY_S = 0.2
BLOCK = 25


def median_ms(way: Callable[[], object], repeat: int = 15) -> float:
    way()
    times = []
    for _ in range(repeat):
        begun = time.process_time()
        way()
        times.append(time.process_time() - begun)
    return statistics.median(times) * 1e3


def reading() -> None:
    data = ESRF_FILE.read_bytes()
    definition = load_definition("esrf", ESRF_FILE).definition
    sources = {name: Source(TangoSource((f"a/b/c/{name}",))) for name in definition.placeholders}
    floor = median_ms(lambda: etree.fromstring(data))
    print(f"lxml parses the ESRF's file           {floor:8.1f} ms")
    ways: dict[str, Callable[[], object]] = {
        "read": lambda: read_xml(data, "f"),
        "load (with checks and sha256)": lambda: load_definition("esrf", ESRF_FILE),
        "compile, no source": lambda: compile_plan(definition, {}, parameters=("*",)),
        f"compile, {len(sources)} sources": lambda: compile_plan(definition, sources),
    }
    for name, way in ways.items():
        took = median_ms(way)
        print(f"{name:37} {took:8.1f} ms {took / floor:8.1f} times lxml")


def checking() -> None:
    config = shipped() / "configs" / "sim.yaml"
    for name, words in {
        "python, for nothing": ["-c", "pass"],
        "nxscribe --version": ["-m", "nxscribe", "--version"],
        "nxscribe check configs/sim.yaml": ["-m", "nxscribe", "check", str(config)],
    }.items():
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            subprocess.run([sys.executable, *words], check=True, capture_output=True)
            times.append(time.perf_counter() - begun)
        print(f"{name:37} {min(times) * 1e3:8.0f} ms at best, {statistics.median(times) * 1e3:.0f} ms in the middle")


@contextmanager
def reloads(device: str, definition: Path, took: list[float], paces: list[float]) -> Iterator[None]:
    """Edits and reloads, from a thread of its own, until the block ends.

    Adds to `took` how long each reload took, and to `paces` the time from one to the next (seconds).
    """
    end = threading.Event()
    text = definition.read_text()

    def work() -> None:
        proxy = tango.DeviceProxy(device)
        proxy.set_timeout_millis(30_000)
        due = time.monotonic()
        last: float | None = None
        while not end.wait(max(0.0, due - time.monotonic())):
            begun = time.monotonic()
            if last is not None:
                paces.append(begun - last)
            last = begun
            due = max(due + RELOAD_EVERY_S, begun)
            definition.write_text(text.replace("Number of darks", f"How many darks, {len(took)}"))
            assert not proxy.Reload()
            took.append(time.monotonic() - begun)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def triggering(scans: int) -> None:
    with ExitStack() as stack:
        output = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for folder in ("configs", "definitions"):
            shutil.copytree(shipped() / folder, output / folder)
        (output / "data").mkdir()
        config, definition = output / "configs" / "sim.yaml", output / "definitions" / "tomo.xml"
        host = os.environ["TANGO_HOST"] = stack.enter_context(TangoDatabase()).host
        stack.enter_context(SimulatedBeamline(host, output / "data")).wait_ready()
        daemon = DaemonProcess(config, log=output / "log")
        client = stack.enter_context(daemon).client("sim/nxscribe/main")
        times: dict[str, list[float]] = {"in peace": [], "reloading": []}
        took: list[float] = []
        paces: list[float] = []
        for block in range(2 * scans // BLOCK):
            kind = "reloading" if block % 2 else "in peace"
            with ExitStack() as busy:
                if kind == "reloading":
                    busy.enter_context(reloads("sim/nxscribe/main", definition, took, paces))
                    time.sleep(RELOAD_EVERY_S)
                times[kind] += [start(client, block * BLOCK + number) for number in range(BLOCK)]
        low, high = (report(kind, some) for kind, some in times.items())
        print(f"99th percentile: {high / low:.2f} times")
        print(
            f"{len(took)} reloads, {statistics.median(took) * 1e3:.0f} ms each in the middle, one every "
            f"{statistics.mean(paces) * 1e3:.0f} ms"
        )


def start(client: ScribeClient, number: int) -> float:
    begun = time.perf_counter()
    client.start("ma2210", "phantom", f"t{number:05d}", "tomo", {})
    took = time.perf_counter() - begun
    client.end({})
    time.sleep(0.05)
    return took


def report(kind: str, times: list[float]) -> float:
    some = sorted(one * 1e3 for one in times)
    high = some[int(0.99 * len(some))]
    print(
        f"StartScan, {kind:26} {statistics.median(some):8.1f} ms in the middle, 99 % below {high:.1f}, of {len(some)}"
    )
    return high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=300, help="of each kind; 0 leaves them out")
    options = parser.parse_args()
    reading()
    checking()
    if options.scans:
        triggering(options.scans)


if __name__ == "__main__":
    main()
