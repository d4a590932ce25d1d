"""A control system that scans for ever while daemon and writer are killed, and remembers what it was answered."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Self

import h5py
import tango
import witness
from daemons import Daemon, wait_until

from nxscribe.projections import FileSettings, Layout
from nxscribe.projections.nexus import inspect_entry
from nxscribe.records import Journal, JournalReader, ProjectionState, check_journal

MORTAL = Path(__file__).with_name("mortal")
DEFINITION = """\
<group NX_class="NXentry" groupName="${entry}">
  <title>${sampleName} - ${scanName}</title>
  <start_time NAPItype="NX_DATE_TIME">${startDate}</start_time>
  <end_time NAPItype="NX_DATE_TIME" record="final">${endDate}</end_time>
  <group NX_class="NXinstrument" groupName="instrument">
    <group NX_class="NXmonochromator" groupName="monochromator">
      <energy NAPItype="NX_FLOAT" units="keV">${energy}</energy>
      <energy_end NAPItype="NX_FLOAT" units="keV" record="final">${energy}</energy_end>
    </group>
    <group NX_class="NXcollection" groupName="control">
      <at_start NAPItype="NX_INT">${at_start}</at_start>
      <between NAPItype="NX_INT">${between}</between>
      <at_end NAPItype="NX_INT">${at_end}</at_end>
    </group>
  </group>
</group>
"""
CONFIG = """\
beamline: sim
data_root: {data}
state_dir: {state}
tango: {{server: nxscribe/{name}, devices: [{device}]}}
limits: {{deadline_s: 1.0, write_timeout_s: 20}}
parameters: [at_start, between, at_end]
sources:
  energy: {energy}
techniques:
  plain: {{definition: plain.xml}}
"""
ENERGY = 12.5
CONTROL = "instrument/control"
MOST_WAITING = 3

LINKED_POINTS = (
    *(
        f"{step} {which} {when}"
        for which in ("entry", "master")
        for step, whens in {
            "open": ("after",),
            "write": ("before", "after"),
            "fsync": ("before", "after"),
            "replace": ("before", "after"),
        }.items()
        for when in whens
    ),
    "chmod entry before",
    "chmod entry after",
    "fsync folder before",
    "fsync folder after",
)
SINGLE_POINTS = tuple(
    f"{step} {when}" for step in ("fsync master", "replace master", "fsync folder") for when in ("before", "after")
)
WRITER_POINTS = {Layout.LINKED: LINKED_POINTS, Layout.SINGLE: SINGLE_POINTS}
DAEMON_POINTS = ("begin journal before", "begin journal after", "commit journal before", "commit journal after")


def plain_daemon(folder: Path, name: str, energy: str, settings: str = "") -> Daemon:
    """One that reads a single attribute; `settings` are further lines of its config."""
    daemon = Daemon(folder, name)
    daemon.definition.write_text(DEFINITION)
    places = {"data": daemon.data, "state": daemon.state}
    daemon.config.write_text(CONFIG.format(**places, name=name, device=daemon.devices[0], energy=energy) + settings)
    return daemon


@dataclass
class Scan:
    """One scan as its control system knows it. What was sent and not answered may be there or not."""

    name: str
    proposal: str
    sent: dict[str, int] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)
    record: str = ""
    entry: str = ""
    read: int = 0
    end_sent: bool = False
    end_answered: bool = False


class Crashes:
    """Scans and kills on one daemon. Use it with `with`: a reader looks at every file all the while."""

    def __init__(self, folder: Path, name: str, energy: str, seed: int, layout: Layout = Layout.LINKED) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self.daemon = plain_daemon(folder, name, energy, f"files: {{layout: {layout}}}\n")
        self._settings = FileSettings(self.daemon.data, layout)
        # In turn, so that each is come to.
        self._points = {"daemon": self._in_turn(DAEMON_POINTS), "writer": self._in_turn(WRITER_POINTS[layout])}
        self.order = folder / "death"
        self.scans: list[Scan] = []
        self.kills: dict[str, int] = {}
        self.set_aside = 0
        self._checked: set[str] = set()
        self._numbers = count(1)
        self._proposals = count(1)
        self.proposal = "ma1"
        self._open: Scan | None = None

    def __enter__(self) -> Self:
        self.start()
        self._witness = subprocess.Popen(
            [sys.executable, witness.__file__, self.daemon.data],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._witness.stdout
        assert self._witness.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        self.order.unlink(missing_ok=True)
        if self._witness.poll() is None:
            self._witness.kill()
        self._witness.communicate()
        self.end_daemon()

    def end_daemon(self) -> None:
        process = self.daemon.process
        if process and process.poll() is None:
            process.kill()
            process.wait()

    def start(self) -> None:
        path = os.pathsep.join([str(MORTAL), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        self.daemon.start(PYTHONPATH=path, NXSCRIBE_TEST_DEATH=str(self.order))

    def seen_by_the_witness(self) -> tuple[int, list[str]]:
        """How many files it opened, and what was wrong with any."""
        said, _ = self._witness.communicate()
        *faults, last = said.splitlines()
        return int(last.split()[1]), faults

    # --- what the control system does ---

    def step(self) -> None:
        """The next trigger of the scan at hand. Raises DevFailed when it was not answered."""
        proxy = self.daemon.proxy
        proxy.set_timeout_millis(10_000)
        scan = self._open
        if scan is None:
            number = next(self._numbers)
            scan = Scan(f"s{number}", self.proposal)
            self.scans.append(scan)
            self._open = scan
            scan.sent["at_start"] = number
            request = {
                "proposal": scan.proposal,
                "sample": "phantom",
                "scan": scan.name,
                "technique": "plain",
                "parameters": {"at_start": number},
            }
            answer = json.loads(proxy.command_inout("StartScan", json.dumps(request)))
            scan.record, scan.entry, scan.read = answer["record"], answer["entry"], answer["read"]
            scan.answered["at_start"] = number
        elif "between" not in scan.answered:
            value = next(self._numbers)
            scan.sent["between"] = value
            proxy.command_inout("SetParameters", json.dumps({"between": value}))
            scan.answered["between"] = value
        else:
            value = next(self._numbers)
            scan.sent["at_end"] = value
            scan.end_sent = True
            proxy.command_inout("EndScan", json.dumps({"parameters": {"at_end": value}}))
            scan.answered["at_end"] = value
            scan.end_answered = True
            self._open = None

    def settle(self) -> None:
        """After a restart: what the daemon says of the scan at hand must fit what was answered."""
        state, current = self.daemon.proxy.state(), self.daemon.proxy.currentScan
        scan = self._open
        if scan is None:
            assert state != tango.DevState.RUNNING, current
        elif state == tango.DevState.RUNNING:
            # Taken up, or opened by a start whose answer was lost.
            assert current == f"phantom - {scan.name}"
            scan.record = scan.record or self._record_of(scan)
        else:
            # Its start was lost, or its end was taken and its answer lost.
            assert not scan.record or scan.end_sent, f"{scan} was started and is not open"
            self._open = None

    def _record_of(self, scan: Scan) -> str:
        with JournalReader(self.daemon.state / "journal.sqlite") as reader:
            return next(one.id for one in reader.summaries() if one.identity.scan == scan.name)

    # --- the kills ---

    def kill_daemon(self) -> None:
        self._kill("daemon", self._kill_daemon_now)

    def kill_writer(self) -> None:
        self._kill("writer", self._kill_writer_now)

    def _in_turn(self, points: tuple[str, ...]) -> Iterator[str]:
        return cycle(self.chance.sample(points, len(points)))

    def kill_both(self) -> None:
        """The daemon at a random instant, and with it its writer."""
        self._at_random(lambda: (self._kill_writer_now(), self._kill_daemon_now()))
        self._note("both at random")
        self._recover()

    def _kill(self, role: str, now) -> None:
        if self.chance.random() < 0.5:
            self._at_random(now)
            self._note(f"{role} at random")
        else:
            at = next(self._points[role])
            self._at_point(role, at)
            self._note(f"{role} {at}")
        self._recover()

    def _note(self, kind: str) -> None:
        self.kills[kind] = self.kills.get(kind, 0) + 1

    def _at_random(self, kill) -> None:
        """Kill after a while that a few triggers and their files take, scanning on."""
        timer = threading.Timer(self.chance.random() * 0.25, kill)
        timer.start()
        try:
            while timer.is_alive():
                self.step()
                self._pace()
        except tango.DevFailed:
            pass
        finally:
            timer.join()

    def _at_point(self, role: str, at: str) -> None:
        """Order a death, and scan until it is died."""
        temporary = self.order.with_suffix(".new")
        temporary.write_text(f"{role} {at} {self.chance.randint(1, 4)}")
        temporary.replace(self.order)
        deadline = time.monotonic() + 30
        try:
            while self.order.exists():
                self.step()
                self._pace()
                assert time.monotonic() < deadline, f"never came to {role} {at}"
        except tango.DevFailed:
            wait_until(lambda: not self.order.exists(), f"{role} {at} is reached")

    def _pace(self) -> None:
        """Triggers are answered far faster than files are written: leave no mountain of these to be waited for."""
        if self.daemon.proxy.read_attribute("filesWaiting").value > MOST_WAITING:
            time.sleep(0.05)

    def _kill_daemon_now(self) -> None:
        assert self.daemon.process
        self.daemon.process.kill()

    def _kill_writer_now(self) -> None:
        for pid in self._writers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _writers(self) -> Iterator[int]:
        assert self.daemon.process
        with contextlib.suppress(OSError):
            for children in Path(f"/proc/{self.daemon.process.pid}/task").glob("*/children"):
                yield from map(int, children.read_text().split())

    def _recover(self) -> None:
        """Every file can be opened as it lies there; the daemon comes up if it is down, and knows where it was."""
        check_files_open(self.daemon.data)
        assert self.daemon.process
        with contextlib.suppress(subprocess.TimeoutExpired):
            # A process that was killed may take a moment to be gone.
            self.daemon.process.wait(0.2)
        if self.daemon.process.poll() is not None:
            self.start()
            self.settle()

    # --- what must be true in the end ---

    def finish_scan(self) -> None:
        while self._open:
            self.step()

    def check(self, *, thoroughly: bool = False) -> None:
        """Everything is written, and is what was answered, once. `thoroughly`: also what was found good before."""
        self.finish_scan()
        journal = self.daemon.state / "journal.sqlite"
        self._await_files(journal)
        check_files_open(self.daemon.data)
        assert check_journal(journal) == ()
        by_name = {scan.name: scan for scan in self.scans}
        with JournalReader(journal) as reader:
            summaries = reader.summaries()
            names = [summary.identity.scan for summary in summaries]
            # Nothing was invented, nothing stands twice, and only an unanswered start may be there besides.
            assert len(names) == len(set(names))
            assert set(names) <= set(by_name)
            assert {scan.name for scan in self.scans if "at_start" in scan.answered} <= set(names)
            for summary in summaries:
                scan = by_name[summary.identity.scan]
                assert summary.files is ProjectionState.MADE, summary
                assert summary.end_reason == "finished", summary
                if summary.id in self._checked and not thoroughly:
                    continue
                self._checked.add(summary.id)
                record = reader.record(summary.id)
                assert inspect_entry(record, self._settings) == ()
                if scan.entry:
                    assert (record.entry, record.id) == (scan.entry, scan.record)
                    assert len(record.initial.readings) - len(record.initial.missing) == scan.read
                self._check_entry(scan, record.entry, self.daemon.data / record.master)
        self._check_masters(reader_entries=[(summary.master, summary.number) for summary in summaries])

    def _await_files(self, journal: Path) -> None:
        """Every file is made. A record over which the writer was killed thrice was set aside: it is asked for again."""

        def is_drained() -> bool:
            with JournalReader(journal) as reader:
                queue = reader.queue()
                aside = [one.id for one in reader.summaries() if one.files is ProjectionState.SET_ASIDE]
            for id_ in aside:
                self.set_aside += 1
                with Journal(journal, claim=False) as beside:
                    beside.requeue(id_)
            return not (queue.waiting or queue.failing or aside)

        wait_until(is_drained, "every file is written", 90)

    def _check_entry(self, scan: Scan, entry: str, master: Path) -> None:
        """The file itself, through the master, against the control system's own memory."""
        with h5py.File(master) as file:
            node = file[entry]
            assert node["title"].asstr()[()] == f"phantom - {scan.name}"
            assert node["instrument/monochromator/energy"][()] == ENERGY
            assert node["instrument/monochromator/energy_end"][()] == ENERGY
            for name in ("at_start", "between", "at_end"):
                there = int(node[f"{CONTROL}/{name}"][()]) if f"{CONTROL}/{name}" in node else None
                if name in scan.answered:
                    assert there == scan.answered[name], (scan, name)
                else:
                    assert there in {None, scan.sent.get(name)}, (scan, name)

    def _check_masters(self, reader_entries: list[tuple[str, int]]) -> None:
        for master in {master for master, _ in reader_entries}:
            wanted = sorted(f"entry_{number:04d}" for where, number in reader_entries if where == master)
            assert len(wanted) == int(wanted[-1].removeprefix("entry_")), f"a number is missing: {wanted}"
            with h5py.File(self.daemon.data / master) as file:
                assert sorted(file) == wanted

    def next_experiment(self) -> None:
        """From the next scan on: few scans in each, so that checks stay quick."""
        self.proposal = f"ma{next(self._proposals) + 1}"


def check_files_open(folder: Path) -> None:
    """Every file below the folder, as it lies there now."""
    for path in folder.rglob("*.h5"):
        with h5py.File(path, "r", locking=False) as file:
            for name in file:
                if path.parent.name == "definitions":
                    assert file[name].asstr()[0]
                else:
                    assert file[name].attrs["NX_class"] == "NXentry"
