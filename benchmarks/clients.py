"""What a scan costs its control system: with nxscribe and without, in one run.

    python benchmarks/clients.py [--repeat 200] [--scans 1000] [--what bluesky burst sardana shell]

It starts the simulated beamline and a daemon with the demo's config, and records scans of its technique `scan`, with
some 90 values at the start and 30 at the end. The two sides of a ratio take turns, so that what else the machine does
weighs on both. Times are medians.

`bluesky`: a `count` of one simulated counter by the RunEngine, subscribed and not. `demo's config`: every value is read
from its device in each scan, and each camera is asked for its files. `kept fresh`: every attribute has a `max_age_s`,
and there is no Lima camera, as a config for fast scans by bluesky has it.
`burst`: that many scans by bluesky, back to back: none may be refused, none lost, and every file must be there.
`sardana`: an `ascan` of two points of 10 ms, of a dummy motor and two dummy counters, with the recorder and without.
`shell`: the processor time of `nxscribe scan start` and `end`, and of Python that imports PyTango and nothing else.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import bluesky.plans as bp
import h5py
import tango
import yaml
from bluesky import RunEngine
from ophyd.sim import SynSignal
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))
from sardana_server import MACRO_SERVER, SardanaServer

from nxscribe.client import ClientError, ScribeClient
from nxscribe.integrations import sardana
from nxscribe.integrations.bluesky import NxScribe
from nxscribe.runtime import PythonProcess
from nxscribe.simulation import SimulatedBeamline, TangoDatabase

TOP = Path(__file__).resolve().parents[1]
PROPOSAL = "ma2210"
START_S = 60.0
FILES_S = 300.0
MOST = {"bluesky": 3.0, "sardana": 1.2}
"""The ratios that should not be exceeded."""
KEPT_S = 60.0
UNCOUNTED = 10
"""The first scans open connections, and the daemon's sources."""


class Refusals(logging.Handler):
    """Counts what the client or the callback complained of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"in {timeout_s:g} s it never came that {what}")
        time.sleep(0.05)


class Daemon:
    """A daemon of the simulated beamline, with a config of its own."""

    def __init__(self, stack: ExitStack, folder: Path, device: str, change: Callable[[dict[str, Any]], None]) -> None:
        for name in ("configs", "definitions", "schemas"):
            shutil.copytree(TOP / name, folder / name)
        self.device, self.data = device, folder / "data"
        self.data.mkdir()
        file = folder / "configs/sim.yaml"
        config = yaml.safe_load(file.read_text())
        config["tango"] = {"server": f"nxscribe/{folder.name}", "devices": [device]}
        change(config)
        file.write_text(json.dumps(config, indent=1))  # it is YAML, too
        process = PythonProcess(["-m", "nxscribe", "run", str(file)], output=folder / "log")
        stack.callback(process.stop, 20.0)
        stack.callback(process.terminate)
        self.client = ScribeClient(device, timeout_s=30, raises=True)
        wait_until(self._answers, f"{device} answers", START_S)

    def _answers(self) -> bool:
        try:
            return bool(self.client.show())
        except ClientError:
            return False

    def await_files(self) -> None:
        wait_until(lambda: self.client.show().get("filesWaiting") == 0, "every file is written", FILES_S)


def kept(config: dict[str, Any]) -> None:
    """Change a config as for fast scans: every attribute has a `max_age_s`, the property, which never changes, is in
    the config, and no Lima camera is asked for its files.
    """
    del config["detectors"]
    scan = config["techniques"]["scan"]
    for sources in (config["sources"], scan["sources"]):
        for name, source in sources.items():
            if isinstance(source, str | list):
                sources[name] = {"tango": source, "max_age_s": KEPT_S}
            elif "property" in source:
                sources[name] = {"value": "SN 1"}
    config["techniques"] = {"scan": scan}


def took_s(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def processor_s(command: list[str]) -> float:
    """The processor time of a command, that of the kernel included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def counts(daemon: Daemon, config: str, repeat: int) -> Iterator[tuple[str, str, str, str]]:
    """A scan by bluesky, with nxscribe and without."""
    counter = SynSignal(name="counter")
    without, with_it = RunEngine({}, context_managers=[]), RunEngine({}, context_managers=[])
    with_it.subscribe(NxScribe(daemon.device, technique="scan", proposal=PROPOSAL, raises=True))
    times: dict[str, list[float]] = {name: [] for name in ("without", "with", "startDeadTime", "endDeadTime")}
    for number in range(repeat + UNCOUNTED):
        for name, engine in (("without", without), ("with", with_it)):
            spent = took_s(lambda engine=engine: engine(bp.count([counter])))
            if number >= UNCOUNTED:
                times[name].append(spent)
        if number >= UNCOUNTED and number % 10 == 0:
            shown = daemon.client.show()
            for name in ("startDeadTime", "endDeadTime"):
                times[name].append(float(str(shown[name])))
    daemon.await_files()
    yield from rows_of(f"bluesky count, {config}", times, MOST["bluesky"])


def rows_of(what: str, times: dict[str, list[float]], most: float) -> Iterator[tuple[str, str, str, str]]:
    told = {name: statistics.median(found) for name, found in times.items()}
    ratio = told["with"] / told["without"]
    much = f"{ratio:.2f}" if ratio <= most else f"[red]{ratio:.2f}[/]"
    yield what, f"{told['without'] * 1e3:.1f} ms", f"{told['with'] * 1e3:.1f} ms", much
    for phase in ("start", "end"):
        yield f"  of it the daemon's {phase}", "", f"{told[f'{phase}DeadTime'] * 1e3:.1f} ms", ""


def ascans(daemon: Daemon, config: str, server: SardanaServer, repeat: int) -> Iterator[tuple[str, str, str, str]]:
    """A scan by Sardana, with nxscribe and without."""
    server.run(f"senv NxScribeDevice {daemon.device}", "senv NxScribeProposal ma3000", "senv NxScribeTechnique scan")
    times: dict[str, list[float]] = {name: [] for name in ("without", "with", "startDeadTime", "endDeadTime")}
    for number in range(repeat + UNCOUNTED):
        for name, recorders in (("without", "[]"), ("with", "['NxScribeRecorder']")):
            server.run(f'senv DataRecorder "{recorders}"')
            begun = time.perf_counter()
            told = server.run("ascan sx 0 0.1 1 0.01")
            assert "nxscribe" not in told, told
            if number >= UNCOUNTED:
                times[name].append(time.perf_counter() - begun)
        if number >= UNCOUNTED and number % 10 == 0:
            shown = daemon.client.show()
            for name in ("startDeadTime", "endDeadTime"):
                times[name].append(float(str(shown[name])))
    daemon.await_files()
    yield from rows_of(f"Sardana ascan, {config}", times, MOST["sardana"])


def sardana_server(stack: ExitStack, folder: Path) -> SardanaServer:
    folder.mkdir()
    server = SardanaServer(folder)
    tango.Database().put_device_property(MACRO_SERVER, {"RecorderPath": list(sardana.__path__)})
    stack.callback(server.stop)
    server.start()
    return server


def burst(daemon: Daemon, scans: int) -> Iterator[tuple[str, str, str, str]]:
    """Many scans, back to back. Raises AssertionError if one is refused or lost."""
    refusals = Refusals()
    for name in ("nxscribe.client", "nxscribe.bluesky"):
        logging.getLogger(name).addHandler(refusals)
    counter, engine = SynSignal(name="counter"), RunEngine({}, context_managers=[])
    engine.subscribe(NxScribe(daemon.device, technique="scan", proposal="ma1000"))
    uids: list[str] = []
    spent = took_s(lambda: [uids.extend(engine(bp.count([counter]))) for _ in range(scans)])
    waited = took_s(daemon.await_files)
    assert not refusals.told, refusals.told[:3]
    (master,) = daemon.data.glob("ma1000/*/ma1000-*.h5")
    with h5py.File(master) as file:
        found = {file[entry]["nxscribe/parameters/bluesky_uid"].asstr()[()]: file[entry] for entry in file}
        ends = {str(entry["nxscribe/end_reason"].asstr()[()]) for entry in found.values()}
    assert set(found) == set(uids)
    assert ends == {"finished"}
    files = f"{len(found)} files after {waited:.1f} s"
    yield f"{scans} scans by bluesky", "", f"{spent / scans * 1e3:.1f} ms", files


def shell(daemon: Daemon, repeat: int) -> Iterator[tuple[str, str, str, str]]:
    """A trigger from a shell, and the import of PyTango alone."""
    program = str(Path(sys.executable).parent / "nxscribe")
    pytango, started, ended = [], [], []
    for number in range(repeat):
        pytango.append(processor_s([sys.executable, "-c", "import tango"]))
        start = [program, "scan", "start", PROPOSAL, "bone", f"shell{number}", "-t", "scan", "-d", daemon.device]
        started.append(processor_s(start))
        ended.append(processor_s([program, "scan", "end", "-d", daemon.device]))
    floor = statistics.median(pytango)
    for name, times in (("start", started), ("end", ended)):
        spent = statistics.median(times)
        yield f"nxscribe scan {name}", f"{floor * 1e3:.0f} ms", f"{spent * 1e3:.0f} ms", f"{spent / floor:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=200)
    parser.add_argument("--scans", type=int, default=1000)
    parser.add_argument("--what", nargs="+", default=["bluesky", "burst", "sardana", "shell"])
    options = parser.parse_args()
    table = Table(title="What a scan costs its control system", title_justify="left")
    table.add_column("")
    for heading in ("without", "with", "ratio"):
        table.add_column(heading, justify="right")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(TangoDatabase())
        os.environ["TANGO_HOST"] = database.host
        stack.enter_context(SimulatedBeamline(database.host, folder)).wait_ready()
        demo = Daemon(stack, folder / "demo", "sim/nxscribe/main", lambda _: None)
        rows: list[tuple[str, str, str, str]] = []
        daemons = {"demo's config": demo}
        if {"bluesky", "sardana"}.intersection(options.what):
            daemons["kept fresh"] = Daemon(stack, folder / "kept", "sim/nxscribe/kept", kept)
        if "bluesky" in options.what:
            for config, daemon in daemons.items():
                rows += counts(daemon, config, options.repeat)
        if "sardana" in options.what:
            server = sardana_server(stack, folder / "sardana")
            for config, daemon in daemons.items():
                rows += ascans(daemon, config, server, options.repeat)
        if "burst" in options.what:
            rows += burst(demo, options.scans)
        if "shell" in options.what:
            rows += shell(demo, max(options.repeat // 10, 5))
        for row in rows:
            table.add_row(*row)
        Console().print(table)


if __name__ == "__main__":
    main()
