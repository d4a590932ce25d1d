"""What the files of a scan cost, and how soon they are there: nxscribe, an earlier build, and HDF5's own floor.

    python benchmarks/files.py [--base PYTHON] [--repeat 20] [--burst 1] [--what scan live burst large]

It starts a Tango database, device servers and a daemon of this build; with `--base`, the Python of an environment that
has another build, also a daemon of that. All are asked by one client process in turns, on the same devices, so that
what else the machine does weighs on all of them. Afterwards every value of every file is compared with the device's.

`scan`: 150 values at the start and 150 at the end. `writer, start` and `writer, end`: the processor time of the writer
process, in ms. `file`: from the answer to EndScan until the entry is complete on the disk and shown by its master.
`large`: the same of 2,100 and 2,100 values: an entry of 4,200 fields.
`live`: the same scans while a program of its own opens the master again and again: from the answer to EndScan until
that program has seen the entry complete in the master, and how many faults it met.
`burst`: scans back to back, without a pause, with all sources kept fresh. `files`: how many scans a second have their
files one second after the last trigger is answered. `p99`: of StartScan meanwhile, in ms, and the same while the writer
is stopped by a signal, so that no file is written.
`floor`: h5py's low-level calls write the same tree with types and spaces made before, fsync, rename; nothing else.

Times are medians; a ratio is the median of this build's to the base's.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np
from rich.console import Console
from rich.table import Table

from capture import Daemon, devices, wait_until
from processes import cpu_s, writer_of

SIZES = {"scan": (30, 5), "live": (30, 5), "burst": (30, 5), "large": (300, 7)}
"""Devices and attributes."""
TECHNIQUES = {"scan": "read", "live": "read", "burst": "kept", "large": "read"}
READER = Path(__file__).parent.parent / "tests" / "support" / "live_reader.py"
SERVERS = 3
DEADLINE_S = 60.0
COMPLETE = 0o444
BUILDS = ("base", "this")


class Files:
    """The files of one daemon, and what its writer has cost."""

    def __init__(self, name: str, python: str, technique: str, attributes: list[str], folder: Path) -> None:
        self._technique = technique
        self.daemon = Daemon(
            attributes, folder, deadline_s=DEADLINE_S, techniques=[technique], python=python, beamline=name
        )
        self._writer = writer_of(self.daemon.process.pid)
        self._master = folder / "data" / "bench" / name / f"bench-{name}.h5"
        self._entries = self._master.with_name(f"{self._master.stem}_entries")
        self.number = 1
        """Of the newest scan: the daemon made one when it began."""

    @property
    def newest(self) -> Path:
        return self._entries / f"entry_{self.number:04d}.h5"

    @property
    def complete(self) -> int:
        """How many entries are complete, and in the master."""
        with h5py.File(self._master) as file:
            return sum(_is_complete(self._entries / f"{entry}.h5") for entry in file)

    def start(self) -> None:
        self.daemon.start(self._technique)
        self.number += 1

    def start_and_end(self, took: dict[str, list[float]]) -> None:
        """One scan, each of its triggers when the files of the one before are there."""
        before = cpu_s(self._writer)
        self.start()
        self.daemon.await_files()
        between = cpu_s(self._writer)
        self.daemon.end()
        answered = time.perf_counter()
        wait_until(lambda: _is_complete(self.newest), "the entry is complete")
        with h5py.File(self._master) as file:
            assert "end_time" in file[self.newest.stem]
        took.setdefault("file", []).append((time.perf_counter() - answered) * 1e3)
        self.daemon.await_files()
        after = cpu_s(self._writer)
        took.setdefault("writer, start", []).append((between - before) * 1e3)
        took.setdefault("writer, end", []).append((after - between) * 1e3)
        took.setdefault("writer", []).append((after - before) * 1e3)

    def follow(self, scans: int, took: dict[str, list[float]]) -> None:
        """Scans that a reader follows."""
        ended: dict[str, float] = {}
        command = [sys.executable, str(READER), str(self._master)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
            for _ in range(scans):
                self.start()
                self.daemon.await_files()
                self.daemon.end()
                ended[self.newest.stem] = time.monotonic()
                self.daemon.await_files()
            told = json.loads(reader.communicate()[0])
        took.setdefault("seen", []).extend((told["seen"][entry] - time_s) * 1e3 for entry, time_s in ended.items())
        took.setdefault("faults", []).append(len(told["faults"]))

    def burst(self, seconds: float, took: dict[str, list[float]]) -> None:
        """Scans back to back."""
        before, begun = self.complete, time.perf_counter()
        starts = self._triggers(seconds)
        time.sleep(max(0.0, begun + seconds + 1.0 - time.perf_counter()))
        took.setdefault("files", []).append((self.complete - before) / (time.perf_counter() - begun))
        took.setdefault("p99", []).append(_p99(starts))
        self.daemon.await_files()

    def burst_without_files(self, seconds: float, took: dict[str, list[float]]) -> None:
        """The same while the writer does nothing."""
        os.kill(self._writer, signal.SIGSTOP)
        try:
            took.setdefault("p99 without files", []).append(_p99(self._triggers(seconds)))
        finally:
            os.kill(self._writer, signal.SIGCONT)
        self.daemon.await_files()

    def _triggers(self, seconds: float) -> list[float]:
        starts = []
        until = time.perf_counter() + seconds
        while (begun := time.perf_counter()) < until:
            self.start()
            starts.append((time.perf_counter() - begun) * 1e3)
            self.daemon.end()
        return starts


def _is_complete(path: Path) -> bool:
    try:
        return path.stat().st_mode & 0o777 == COMPLETE
    except FileNotFoundError:
        return False


def _p99(times: list[float]) -> float:
    return sorted(times)[int(0.99 * len(times))]


class Floor:
    """An entry as it is, and how fast h5py's low-level calls can write it."""

    def __init__(self, entry: Path) -> None:
        self._written = entry.parent / "floor"
        self._groups: list[tuple[bytes, list[_Part]]] = []
        self._datasets: list[tuple[bytes, _Part, list[_Part]]] = []
        self._spaces: dict[tuple[int, ...], h5py.h5s.SpaceID] = {}
        with h5py.File(entry) as file:
            self._groups.append((b"/", self._attributes(file)))
            file.visititems(self._take)

    def _take(self, name: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Group):
            self._groups.append((name.encode(), self._attributes(node)))
        else:
            value = node[()] if node.shape == () else node[...]
            self._datasets.append((name.encode(), self._part("", node.id, value), self._attributes(node)))

    def _attributes(self, node: h5py.Group | h5py.Dataset) -> list[_Part]:
        return [self._part(name, h5py.h5a.open(node.id, name.encode()), value) for name, value in node.attrs.items()]

    def _part(self, name: str, stored: h5py.h5d.DatasetID | h5py.h5a.AttrID, value: object) -> _Part:
        space = self._spaces.setdefault(stored.shape, h5py.h5s.create_simple(stored.shape))
        if not stored.shape:
            space = self._spaces[()] = h5py.h5s.create(h5py.h5s.SCALAR)
        array = np.require(value, stored.dtype, "C")
        return _Part(name.encode(), h5py.h5t.py_create(stored.dtype, logical=True), space, array)

    def write(self) -> None:
        """Once, as a file of its own."""
        access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
        access.set_fapl_core(backing_store=False)
        file = h5py.h5f.create(b"floor", fapl=access)
        for name, attributes in self._groups:
            group = h5py.h5g.open(file, name) if name == b"/" else h5py.h5g.create(file, name)
            for one in attributes:
                one.write_attribute(group)
        for name, value, attributes in self._datasets:
            dataset = h5py.h5d.create(file, name, value.type, value.space)
            dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, value.array)
            for one in attributes:
                one.write_attribute(dataset)
        h5py.h5f.flush(file)
        temporary = self._written.with_suffix(".tmp")
        with temporary.open("wb") as out:
            out.write(file.get_file_image())
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(self._written)
        folder = os.open(self._written.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def measure(self, took: dict[str, list[float]]) -> None:
        """One writing: its processor time and how long it took."""
        begun, before = time.perf_counter(), time.process_time()
        self.write()
        took.setdefault("writer, end", []).append((time.process_time() - before) * 1e3)
        took.setdefault("file", []).append((time.perf_counter() - begun) * 1e3)


class _Part:
    """A value with all that HDF5 wants to know of it, made before."""

    def __init__(self, name: bytes, type: h5py.h5t.TypeID, space: h5py.h5s.SpaceID, array: object) -> None:  # noqa: A002 - HDF5's word
        self.name, self.type, self.space, self.array = name, type, space, array

    def write_attribute(self, node: h5py.h5g.GroupID | h5py.h5d.DatasetID) -> None:
        h5py.h5a.create(node, self.name, self.type, self.space).write(self.array)


def measure(what: str, given: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    """What one part of the table is made of. It runs in a process of its own: a Tango client keeps its first database
    for ever.
    """
    count, each = SIZES[what]
    took: dict[str, dict[str, list[float]]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=given.folder)))
        names = stack.enter_context(devices(count, SERVERS, folder))
        attributes = [f"{name}/value{number}" for name in names for number in range(each)]
        expected = [number + 0.5 for _ in names for number in range(each)]
        pythons = {"this": sys.executable} | ({"base": given.base} if given.base else {})
        builds: dict[str, Files] = {}
        for name in (name for name in BUILDS if name in pythons):
            builds[name] = Files(name, pythons[name], TECHNIQUES[what], attributes, folder / name)
            stack.enter_context(builds[name].daemon)
        steps: list[Callable[[], None]] = []
        for name, build in builds.items():
            mine = took.setdefault(name, {})
            if what == "burst":
                steps.append(lambda build=build, mine=mine: build.burst_without_files(given.burst, mine))
                steps.append(lambda build=build, mine=mine: build.burst(given.burst, mine))
            elif what == "live":
                steps.append(lambda build=build, mine=mine: build.follow(5, mine))
            else:
                build.start_and_end({})
                steps.append(lambda build=build, mine=mine: build.start_and_end(mine))
        if what in ("scan", "large"):
            floor = Floor(builds["this"].newest)
            steps.append(lambda: floor.measure(took.setdefault("floor", {})))
        fifth = max(2, given.repeat // 5)
        repeat = {"scan": given.repeat, "large": max(3, given.repeat // 4), "burst": fifth, "live": fifth}[what]
        for _ in range(repeat):
            for step in steps:
                step()
        for build in builds.values():
            assert build.daemon.check(expected) == build.number
    return took


def rows(what: str, took: dict[str, dict[str, list[float]]]) -> list[list[str]]:
    """The lines of the table: medians of base, this build and floor, and ratios."""
    table = []
    for row in took["this"]:
        middle = {name: statistics.median(times[row]) for name, times in took.items() if row in times}
        cells = [f"{middle[name]:.1f}" if name in middle else "" for name in ("base", "this", "floor")]
        ratios = [f"{middle['this'] / middle[name]:.2f}" if middle.get(name) else "" for name in ("base", "floor")]
        table.append([what, row, *cells, *ratios])
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--base", help="the Python of an environment with another build")
    parser.add_argument("--repeat", type=int, default=20, help="scans; a quarter of it for large ones")
    parser.add_argument("--burst", type=float, default=1.0, help="seconds")
    parser.add_argument("--folder", type=Path, help="where to measure: on the disk that matters")
    parser.add_argument("--one", action="store_true", help="one part, as JSON")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.what[0], given)))
        return
    table = Table("what", "ms, or scans a second", "base", "this", "floor", "to base", "to floor")
    for what in given.what:
        arguments = [argument for argument in sys.argv[1:] if argument not in {"--what", *SIZES}]
        command = [sys.executable, __file__, "--one", "--what", what, *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            sys.exit(ran.stderr)
        for row in rows(what, json.loads(ran.stdout.splitlines()[-1])):
            table.add_row(*row)
            print(*row, sep="\t", file=sys.stderr)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
