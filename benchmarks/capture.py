"""How long a control system waits at scan start and end: nxscribe, plain PyTango at its fastest, DESY's NXSDataWriter.

    python benchmarks/capture.py --sizes 30x5 300x7 --servers 1 3 10 --latencies 0 5 20 [--base .venv-base/bin/python]
        [--peer .venv-peer/bin/python]

It starts a Tango database, device servers, a daemon, and, with `--base`, a daemon of another build of nxscribe, by the
Python of its environment; with `--peer`, an NXSDataWriter from an environment of its own (`pip install
nxswriter==3.25.0 pytango`). All are asked by one client process, in turns, so that what else the machine does weighs on
all. Every attribute is read at the start and at the end. Times are milliseconds as the client sees them: median and
95th percentile.

`floor`: one thread for each device with a proxy that was made before, one `read_attributes` each, and nothing made of
what comes back. `start` and `end`: StartScan and EndScan of a daemon, answered when the record is committed, and the
ratio of the median to the floor's. `kept`: StartScan of a second daemon, which keeps all sources fresh, so that nothing
is read. `CPU`: the processor time that one start costs the first daemon, in ms; `MB`: its memory. Each begins when the
files of the one before are written. `to base`: the ratios of this build's medians to those of the other build, and of
what a start and a kept start take above the floor. Afterwards every value of every file is compared with the device's.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import h5py
import numpy as np

# Before PyTango is imported: an opentelemetry in this environment, such as bluesky's, would cost the floor more than
# its reads (findings/pytango_looks_for_telemetry_with_each_call.sh).
os.environ.setdefault("PYTANGO_DISABLE_TELEMETRY_PATCHING", "1")
import tango
from rich.console import Console
from rich.table import Table

from nxscribe.simulation import TangoDatabase
from nxscribe.simulation._process import ChildProcess
from peer import NxsDataWriter
from processes import cpu_s, held_mb

DEVICES = Path(__file__).parent / "devices"
DEADLINE_S = 20.0
READY_S = 300.0
KEPT_S = 3600.0
BUILDS = ("this", "base")


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


class Daemon:
    """`nxscribe run` with one or two techniques: `read` reads every attribute, `kept` keeps each fresh for an hour."""

    def __init__(
        self,
        attributes: list[str],
        folder: Path,
        *,
        deadline_s: float = DEADLINE_S,
        techniques: Sequence[str] = ("read", "kept"),
        python: str = sys.executable,
        beamline: str = "bench",
    ) -> None:
        self.beamline = beamline
        self._data = folder / "data"
        self._data.mkdir(parents=True)
        (folder / "bench.xml").write_text(definition(len(attributes)))
        (folder / "bench.yaml").write_text(json.dumps(config(attributes, folder, deadline_s, techniques, beamline)))
        self._log = (folder / "daemon.log").open("wb")
        self.process = subprocess.Popen(
            [python, "-m", "nxscribe", "run", str(folder / "bench.yaml")], stdout=self._log, stderr=self._log
        )
        wait_until(self._answers, "the daemon answers")
        self._proxy = tango.DeviceProxy(f"{self.beamline}/nxscribe/main")
        self._proxy.set_timeout_millis(60_000)
        self._scan(techniques[0])
        wait_until(self._has_settled, "the daemon has got to know all attributes, and asked for their events")

    def _has_settled(self) -> bool:
        return not any("not yet" in line for line in self._proxy.keptFresh)

    def _answers(self) -> bool:
        assert self.process.poll() is None, Path(self._log.name).read_text()
        try:
            return bool(tango.DeviceProxy(f"{self.beamline}/nxscribe/main").state() == tango.DevState.ON)
        except tango.DevFailed:
            return False

    def _scan(self, technique: str) -> None:
        self.start(technique)
        self.await_files()
        self.end()
        self.await_files()

    def start(self, technique: str = "read", proposal: str = "bench") -> None:
        missing = self.try_start(technique, proposal)
        assert not missing, missing

    def end(self) -> None:
        missing = self.try_end()
        assert not missing, missing

    def try_start(self, technique: str, proposal: str) -> dict[str, str]:
        """Start a scan; what could not be read."""
        request = {"proposal": proposal, "sample": "s", "scan": technique, "technique": technique}
        return json.loads(self._proxy.StartScan(json.dumps(request)))["missing"]

    def try_end(self) -> dict[str, str]:
        """The same at the end."""
        return json.loads(self._proxy.EndScan(""))["missing"]

    @property
    def files_waiting(self) -> int:
        return int(self._proxy.filesWaiting)

    def await_files(self) -> None:
        wait_until(lambda: self.files_waiting == 0, "the files are written")

    def await_health(self) -> None:
        wait_until(lambda: not self._proxy.sickDevices, "every device is well")

    @property
    def cpu_s(self) -> float:
        """What the daemon, without its writer, has used of all processors."""
        return cpu_s(self.process.pid)

    @property
    def memory_mb(self) -> float:
        return held_mb(self.process.pid)

    def check(self, expected: list[float]) -> int:
        """See that every value of every file is right; say how many entries there were."""
        (master,) = (self._data / "bench").rglob(f"bench-{self.beamline}.h5")
        with h5py.File(master) as file:
            for entry in file:
                for phase in ("initial", "final"):
                    group = file[f"{entry}/{phase}"].id
                    written = [_number(group, f"v{index}") for index in range(len(expected))]
                    assert written == expected, f"{entry}: {phase}"
            return len(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(60)
        self._log.close()


def _number(group: h5py.h5g.GroupID, name: str) -> float:
    number = np.empty((), np.float64)
    h5py.h5d.open(group, name.encode()).read(h5py.h5s.ALL, h5py.h5s.ALL, number)
    return float(number)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + READY_S
    while not condition():
        assert time.monotonic() < until, f"it never came that {what}"
        time.sleep(0.01)


def definition(count: int) -> str:
    groups = []
    for phase in ("initial", "final"):
        fields = "".join(
            f'<v{index} NAPItype="NX_FLOAT64" units="mm" record="{phase}">${{v{index}}}</v{index}>'
            for index in range(count)
        )
        groups.append(f'<group NX_class="NXcollection" groupName="{phase}">{fields}</group>')
    return f'<group NX_class="NXentry" groupName="${{entry}}">{"".join(groups)}</group>'


def config(
    attributes: list[str], folder: Path, deadline_s: float, techniques: Sequence[str], beamline: str
) -> dict[str, object]:
    names = {f"v{index}": name for index, name in enumerate(attributes)}
    kept = {placeholder: {"tango": name, "max_age_s": KEPT_S} for placeholder, name in names.items()}
    sources = {"read": names, "kept": kept}
    return {
        "beamline": beamline,
        "data_root": str(folder / "data"),
        "state_dir": str(folder / "state"),
        "limits": {"deadline_s": deadline_s},
        "techniques": {name: {"definition": "bench.xml", "sources": sources[name]} for name in techniques},
    }


@contextmanager
def devices(count: int, servers: int, folder: Path) -> Iterator[list[str]]:
    """The names of so many devices, spread over so many server processes."""
    with ExitStack() as stack:
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


class Builds:
    """A daemon of each build, which take turns on the same devices."""

    def __init__(
        self, pythons: dict[str, str], attributes: list[str], folder: Path, technique: str, stack: ExitStack
    ) -> None:
        self._technique = technique
        self.daemons = {
            build: stack.enter_context(
                Daemon(attributes, folder / technique / build, techniques=[technique], python=python, beamline=build)
            )
            for build, python in pythons.items()
        }

    def scan(self, build: str, took: dict[str, list[float]], before: Callable[[str], None]) -> None:
        """One scan of a build; `before` is called before its start and before its end."""
        daemon = self.daemons[build]
        before("start")
        cpu_s = daemon.cpu_s
        timed(took, f"{build} {self._technique}", lambda: daemon.start(self._technique))
        took.setdefault(f"{build} {self._technique} CPU", []).append((daemon.cpu_s - cpu_s) * 1e3)
        daemon.await_files()
        before("end")
        timed(took, f"{build} {self._technique} end", daemon.end)
        daemon.await_files()

    def run(self, repeat: int, took: dict[str, list[float]], before: Callable[[int, str], None]) -> None:
        """Scans in turns; the builds change places from turn to turn."""
        for number in range(repeat):
            for build in list(self.daemons)[:: 1 if number % 2 else -1]:
                self.scan(build, took, lambda what, number=number: before(number, what))


def timed(took: dict[str, list[float]], what: str, call: Callable[[], None]) -> None:
    """Add how many milliseconds a call takes."""
    begun = time.perf_counter()
    call()
    took.setdefault(what, []).append((time.perf_counter() - begun) * 1e3)


def measure(size: str, servers: int, latency_ms: float, given: argparse.Namespace) -> list[str]:
    """One row of the table. It runs in a process of its own: a Tango client keeps its first database for ever."""
    count, each = map(int, size.split("x"))
    repeat, pythons = given.repeat, {"this": sys.executable} | ({"base": given.base} if given.base else {})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        names = stack.enter_context(devices(count, servers, folder))
        for name in names:
            proxy = tango.DeviceProxy(f"tango://{name}")
            proxy.put_property({"latency_ms": latency_ms})
            proxy.init()
        values = [f"value{number}" for number in range(each)]
        attributes = [f"{name}/{value}" for name in names for value in values]
        expected = [number + 0.5 for _ in names for number in range(each)]
        floor = Floor(names, values)
        rival = stack.enter_context(NxsDataWriter(given.peer, attributes, folder)) if given.peer else None
        took: dict[str, list[float]] = {}

        def before_read(number: int, what: str) -> None:
            # What comes after a pause finds cold servers: the floor takes its turn before starts and before ends.
            if (what == "start") is bool(number % 2):
                timed(took, "floor", floor.capture)

        floor.capture()
        with ExitStack() as of_daemons:
            builds = Builds(pythons, attributes, folder, "read", of_daemons)
            builds.run(repeat, took, before_read)
            for _ in range(repeat if rival else 0):
                rival.prepare()
                timed(took, "peer start", rival.start)
                timed(took, "peer end", rival.end)
            memory_mb = {build: daemon.memory_mb for build, daemon in builds.daemons.items()}
        for daemon in builds.daemons.values():
            assert daemon.check(expected) == repeat + 1
        assert rival is None or rival.check(expected) == repeat
        with ExitStack() as of_daemons:
            builds = Builds(pythons, attributes, folder, "kept", of_daemons)
            builds.run(repeat, took, lambda *_: None)
        for daemon in builds.daemons.values():
            assert daemon.check(expected) == repeat + 1
        return row(took, memory_mb)


def row(took: dict[str, list[float]], memory_mb: dict[str, float]) -> list[str]:
    middle = {what: statistics.median(times) for what, times in took.items()}

    def cell(what: str) -> str:
        times = sorted(took[what])
        return f"{middle[what]:.1f} {times[int(0.95 * len(times))]:.1f}"

    def ratio(one: float, other: float) -> str:
        return f"{one / other:.2f}"

    cells = [cell("floor")]
    for what in ("this read", "this read end"):
        cells += [cell(what), ratio(middle[what], middle["floor"])]
    cells += [cell("this kept"), f"{middle['this read CPU']:.1f}", f"{memory_mb['this']:.0f}"]
    if "base" in memory_mb:
        phases = ("read", "read end", "read CPU", "kept", "kept CPU")
        cells += [ratio(middle[f"this {what}"], middle[f"base {what}"]) for what in phases]
        above = [middle[f"{build} read"] - middle["floor"] for build in BUILDS]
        cells += [ratio(*above), ratio(memory_mb["this"], memory_mb["base"])]
    else:
        cells += [""] * 7
    for what, ours in (("start", "this read"), ("end", "this read end")):
        there = f"peer {what}" in took
        cells += [cell(f"peer {what}"), ratio(middle[f"peer {what}"], middle[ours])] if there else ["", ""]
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["30x5", "300x7"], help="devices x attributes")
    parser.add_argument("--servers", nargs="+", type=int, default=[1, 3, 10])
    parser.add_argument("--latencies", nargs="+", type=float, default=[0.0, 5.0, 20.0], help="of each attribute, in ms")
    parser.add_argument("--repeat", type=int, default=30)
    parser.add_argument("--base", help="the Python of an environment with another build of nxscribe")
    parser.add_argument("--peer", type=Path, help="the Python of an environment with nxswriter==3.25.0")
    parser.add_argument("--one", action="store_true", help="one row, as JSON")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.sizes[0], given.servers[0], given.latencies[0], given)))
        return
    columns = (
        "floor",
        "start",
        "ratio",
        "end",
        "ratio",
        "kept",
        "CPU",
        "MB",
        "start to base",
        "end to base",
        "CPU to base",
        "kept to base",
        "kept CPU to base",
        "start above floor to base",
        "MB to base",
        "peer start",
        "times",
        "peer end",
        "times",
    )
    table = Table("devices", "servers", "latency", *columns)
    for size in given.sizes:
        for servers in given.servers:
            for latency in given.latencies:
                case = ["--sizes", size, "--servers", str(servers), "--latencies", str(latency)]
                case += ["--repeat", str(given.repeat), *(["--peer", str(given.peer)] if given.peer else [])]
                case += ["--base", given.base] if given.base else []
                command = [sys.executable, __file__, "--one", *case]
                ran = subprocess.run(command, capture_output=True, text=True, check=False)
                cells = json.loads(ran.stdout.splitlines()[-1]) if ran.returncode == 0 else [ran.stderr[-300:]]
                table.add_row(size, str(servers), f"{latency:g}", *cells)
                print(size, servers, latency, *cells, file=sys.stderr)
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
