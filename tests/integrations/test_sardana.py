"""Sardana's own Pool, MacroServer and Door, with dummy motors and counters, drive a real daemon.

The property and the lines that connect them are those of the page.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tango
from daemons import Daemon, wait_until
from sardana_server import MACRO_SERVER, SardanaServer

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not os.environ.get("NXSCRIBE_SARDANA"),
        reason="`make sardana` runs it: a MacroServer can lock up after StopMacro or AbortMacro; to be mended",
    ),
]

PAGE = (Path(__file__).parents[2] / "docs/how-to/sardana.md").read_text()
(PROGRAM,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(LINES,) = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(FRAMES,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
VARIABLES = re.findall(r"^\| `(NxScribe\w+)` \|", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def server(tango_host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SardanaServer]:
    assert tango_host
    made = SardanaServer(tmp_path_factory.mktemp("sardana"))
    program = PROGRAM.replace("macroserver/id16a/1", MACRO_SERVER)
    assert program != PROGRAM
    exec(program, {})  # noqa: S102 - the page's own program
    made.start()
    yield made
    made.stop()


@pytest.fixture
def connect(server: SardanaServer) -> Callable[[Daemon], SardanaServer]:
    """Sardana as the page connects it to a daemon, and with files of its own beside those of the daemon."""

    def connected(daemon: Daemon) -> SardanaServer:
        own = daemon.master.parent / "sardana"
        own.mkdir(parents=True)
        server.run(*(f"usenv {name}" for name in VARIABLES), f"senv ScanDir {own}", "senv ScanFile own.h5")
        here = {"NxScribeDevice": daemon.devices[0], "NxScribeProposal": daemon.proposal}
        lines = [line.split() for line in LINES.splitlines()]
        assert here.keys() <= {name for _, name, _ in lines}
        server.run(*(f"{senv} {name} {here.get(name, value)}" for senv, name, value in lines))
        server.run("senv NxScribeTechnique plain", "senv NxScribeTimeout 30")
        return server

    return connected


@pytest.fixture
def sardana(connect: Callable[[Daemon], SardanaServer], daemon: Daemon) -> SardanaServer:
    return connect(daemon)


def entries(daemon: Daemon) -> list[dict[str, Any]]:
    """What the entries of the experiment say, in their order, once their files are there."""
    daemon.await_files()
    with h5py.File(daemon.master) as file:
        return [told(file[name]) for name in sorted(file)]


def told(entry: h5py.Group) -> dict[str, Any]:
    def read(node: h5py.Dataset) -> Any:
        value = node.asstr()[()] if h5py.check_string_dtype(node.dtype) else node[()]
        return value.tolist() if isinstance(value, np.ndarray | np.generic) else value

    parameters = entry.get("nxscribe/parameters", {})
    ends = {name: read(entry["nxscribe"][name]) for name in ("end_reason", "reason") if name in entry["nxscribe"]}
    return {
        **{name: read(node) for name, node in parameters.items()},
        **ends,
        "title": read(entry["title"]),
        "units": {name: node.attrs.get("units") for name, node in parameters.items()},
    }


def axis(entry: dict[str, Any], number: int) -> list[Any]:
    return [entry.get(f"axis{number}_{part}") for part in ("name", "dimension", "start", "stop", "positions")]


def test_each_kind_of_scan_is_recorded_with_its_axes_and_its_columns(sardana: SardanaServer, daemon: Daemon) -> None:
    sardana.run("senv NxScribeNames \"{'i0':'monitor','dt':None}\"")
    assert sardana.run("ascan sx 0 1 2 0.01") == ""
    sardana.run(
        "dscan sx 0 1 1 0.01",
        "a2scan sx 0 1 sy 5 6 2 0.01",
        "mesh sx 0 1 2 sy 5 6 1 0.01 False",
        "mesh sx 0 1 2 sy 5 6 1 0.01 True",
        'fscan "x=[1,3,7]" 0.01 [[sx x**2]]',
        "ct 0.01",
        "timescan 50 0.001",
        "set_meas_conf Synchronizer gate [i0 diode]",
        "ascanct sx 0 1 3 0.02",
        "ascanct sx 0 1 -2 0.02",
        "set_meas_conf Synchronizer software [i0 diode]",
    )
    ascan, dscan, together, mesh, snaked, uneven, timed, continuous, shorter = entries(daemon)
    assert re.fullmatch(r"none - ascan_\d{5}", ascan["title"])
    assert (ascan["sardana_command"], ascan["end_reason"]) == ("ascan sx 0.0 1.0 2 0.01", "finished")
    assert axis(ascan, 1) == ["sx", 3, 0, 1, [0, 0.5, 1]]
    assert (ascan["scan_type"], ascan["points"], ascan["dwell_time"]) == ("step_by_step", 3, 0.01)
    assert (ascan["sx"], ascan["monitor"], ascan["diode"]) == ([0, 0.5, 1], [0.01] * 3, [0.02] * 3)
    assert "dt" not in ascan
    assert ascan["units"]["sx"] == ascan["units"]["axis1_stop"] == "mm"
    assert axis(dscan, 1) == ["sx", 2, 1, 2, [1, 2]]
    assert axis(together, 1) == ["sx", 3, 0, 1, [0, 0.5, 1]]
    assert axis(together, 2) == ["sy", 1, 5, 6, [5, 5.5, 6]]
    assert axis(mesh, 1) == ["sx", 3, 0, 1, [0, 0.5, 1] * 2]
    assert axis(mesh, 2) == ["sy", 2, 5, 6, [5] * 3 + [6] * 3]
    assert axis(snaked, 1) == ["sx", 6, None, None, [0, 0.5, 1, 1, 0.5, 0]]
    assert axis(snaked, 2)[:4] == ["sy", 1, None, None]
    assert axis(uneven, 1) == ["sx", 3, None, None, [1, 9, 49]]
    assert axis(timed, 1) == [None] * 5
    assert np.isnan(timed["diode"]).any()  # the counters are slower than the points
    assert len(timed["diode"]) == 50
    assert (continuous["scan_type"], axis(continuous, 1)[:4]) == ("continuous", ["sx", 4, 0, 1])
    assert axis(shorter, 1) == ["sx", 2, 0, 0.5, [0, 0.5]]


def test_a_scan_that_is_broken_off_says_how_and_keeps_its_points(sardana: SardanaServer, daemon: Daemon) -> None:
    for command in ("StopMacro", "AbortMacro"):
        sardana.begin("ascan sx 0 1 1000 0.02")
        sardana.await_points(2)
        sardana.door.command_inout(command)
        sardana.await_end()
    sardana.run("hooked function", "hooked macro", "two_scans")
    stopped, aborted, by_function, by_macro, first, second = entries(daemon)
    assert (stopped["end_reason"], aborted["end_reason"]) == ("stopped", "aborted")
    assert 2 <= len(stopped["sx"]) == len(stopped["diode"]) == stopped["points"] < 1000
    assert 2 <= len(aborted["sx"]) < 1000
    assert "reason" not in stopped
    for failed in (by_function, by_macro):
        assert (failed["end_reason"], failed["reason"]) == ("failed", "ValueError: the shutter is stuck")
        assert failed["sx"] == [0, 0.5]
    assert [first["sx"], second["sx"]] == [[0, 1], [1, 2]]


def test_a_pause_keeps_the_scan_open(sardana: SardanaServer, daemon: Daemon) -> None:
    sardana.begin("ascan sx 0 1 20 0.02")
    sardana.await_points(2)
    sardana.door.PauseMacro()
    wait_until(lambda: sardana.door.state() == tango.DevState.STANDBY, "it pauses")
    assert daemon.proxy.state() == tango.DevState.RUNNING
    sardana.door.ResumeMacro()
    sardana.await_end()
    (entry,) = entries(daemon)
    assert (entry["end_reason"], len(entry["sx"])) == ("finished", 21)


def test_the_environment_of_a_macro_and_of_sardana_is_used(sardana: SardanaServer, daemon: Daemon) -> None:
    sardana.run(
        "senv SampleInfo \"{'name':'bone/3'}\"",
        "senv PreScanSnapshot \"[('motor/motors/2/position','height')]\"",
        "senv NxScribeTechnique nonsense",
        "senv ascan.NxScribeTechnique plain",
        "ascan sx 0 1 1 0.01",
    )
    refused = sardana.run("dscan sx 0 1 1 0.01")
    assert "nxscribe: this scan is not recorded: " in refused
    assert "nonsense" in refused
    (entry,) = entries(daemon)
    assert entry["title"].startswith("bone_3 - ascan_")
    assert isinstance(entry["snapshot_height"], float)
    sardana.run("usenv SampleInfo", "usenv PreScanSnapshot", "usenv ascan.NxScribeTechnique")
    assert "no scan" not in sardana.run("ascan sx nonsense")  # wrong arguments: Sardana says so, nxscribe nothing
    assert len(entries(daemon)) == 1


def test_the_entry_leads_to_that_of_sardana(sardana: SardanaServer, daemon: Daemon) -> None:
    sardana.run("ascan sx 0 1 1 0.01")

    def title() -> str:
        daemon.await_files()
        with h5py.File(daemon.entry_file()) as file:
            return str(file.get("entry_0001/links/sardana/title", "")[()].decode())

    assert wait_until(title, "the link is written", 60) == "ascan sx 0.0 1.0 1 0.01"


def test_the_files_of_a_camera_are_linked_as_frames(
    connect: Callable[[Daemon], SardanaServer], make_daemon: Callable[..., Daemon]
) -> None:
    daemon = make_daemon()
    daemon.config.write_text(f"{daemon.config.read_text()}{FRAMES}")
    sardana = connect(daemon.start())
    tango.DeviceProxy("camera").SavingEnabled = True
    reference = f"h5file://{daemon.master.parent}/sardana/frame_{{index}}.h5::entry/data"
    sardana.run(
        "senv NxScribeDetectors \"{'camera':'pilatus'}\"",
        "defmeas pictures diode camera",
        "senv ActiveMntGrp pictures",
        f"set_meas_conf ValueRefPattern {reference} camera",
        "set_meas_conf ValueRefEnabled True camera",
        "ascan sx 0 1 2 0.01",
        "senv ActiveMntGrp counted",
    )
    (entry,) = entries(daemon)
    assert entry["diode"] == [0.02] * 3

    def frames() -> tuple[int, ...] | None:
        with h5py.File(daemon.master) as file:
            found = file.get("entry_0001/instrument/detector01/data")
            return found.shape if found and found[-1].any() else None

    assert wait_until(frames, "the frames are linked", 60) == (3, 1024, 1024)


def test_a_daemon_that_hangs_or_is_away_costs_scans_nothing_but_their_record(
    sardana: SardanaServer, daemon: Daemon
) -> None:
    sardana.run("senv NxScribeTimeout 0.5")  # a client of its own, which rests after this test
    with daemon.stopped():
        hanging = sardana.run("ascan sx 0 1 1 0.01")
        resting = sardana.run("ascan sx 0 1 1 0.01")
    assert "this scan is not recorded" in hanging
    assert "did not answer within 0.5 s" in hanging
    assert "is left alone for" in resting
    assert sardana.door.state() == tango.DevState.ON
    sardana.run("senv NxScribeDevice sim/nxscribe/nowhere")
    assert "this scan is not recorded" in sardana.run("ascan sx 0 1 1 0.01")
    sardana.run("usenv NxScribeDevice")
    assert "senv NxScribeDevice" in sardana.run("ascan sx 0 1 1 0.01")
    assert sardana.door.state() == tango.DevState.ON
    wait_until(lambda: daemon.proxy.currentScan == "", "no scan stays open", 60)


@pytest.mark.parametrize("points", [0, 3])
def test_an_abort_while_the_daemon_hangs_leaves_no_scan_open(
    sardana: SardanaServer, daemon: Daemon, points: int
) -> None:
    """At the start, and when all points are taken: Sardana raises an exception in the thread that waits."""
    if points:
        sardana.begin("ascan sx 0 1 2 0.5")
        sardana.await_points(1)
    with daemon.stopped():
        if points:
            sardana.await_points(points)
        else:
            sardana.begin("ascan sx 0 1 1 0.01")
            wait_until(lambda: sardana.door.state() == tango.DevState.RUNNING, "it waits for the daemon")
        sardana.door.AbortMacro()
    sardana.await_end()
    wait_until(lambda: daemon.proxy.currentScan == "", "no scan stays open", 60)
    sardana.run("ascan sx 0 1 1 0.01")
    assert entries(daemon)[-1]["end_reason"] == "finished"
