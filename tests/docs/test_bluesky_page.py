"""The page about bluesky: its program drives the demo's beamline as it is written."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest
from bluesky import RunEngine
from daemons import Daemon, wait_until
from ophyd.sim import SynSignal

PAGE = (Path(__file__).parents[2] / "docs/how-to/bluesky.md").read_text()
PROGRAM, FOR_BLUEAPI = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(COMMANDS,) = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
GRIDS = """
from bluesky.plans import grid_scan
from ophyd.sim import motor1
for snakes in (False, True):
    RE(grid_scan([det], motor1, 0, 1, 2, motor, -1, 2, 3, snake_axes=snakes), proposal="ma2210", sample="phantom")
RE(scan([det], motor1, 0, 1, motor, -1, 2, 3), proposal="ma2210", sample="phantom")
"""


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of another terminal while the demo stays."""
    first, *_ = COMMANDS.splitlines()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "300"}
    environment.pop("TANGO_HOST", None)
    printed = tmp_path / "printed"
    with printed.open("w") as output:
        process = subprocess.Popen(
            first.removeprefix("$ ").split(), cwd=tmp_path, env=environment, stdout=output, stderr=output
        )
    try:
        (exported,) = wait_until(
            lambda: re.findall(r"^  export (.*)$", printed.read_text(), re.MULTILINE), "it stays", 120, every_s=0.1
        )
        yield environment | dict(pair.split("=") for pair in exported.split())
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def test_the_program_drives_the_demo(demo: dict[str, str], tmp_path: Path) -> None:
    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=demo, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "scan.py").write_text(PROGRAM + GRIDS)
    *_, program, status = (line.removeprefix("$ ").split() for line in COMMANDS.splitlines())
    run(*program)
    wait_until(lambda: re.search(r"^filesWaiting +0$", run(*status), re.MULTILINE), "the file is written", 60)
    (master,) = (tmp_path / "nxscribe-demo/data/ma2210/sim").glob("*.h5")
    with h5py.File(master) as file:
        entry = file["entry_0002"]
        assert entry["nxscribe/end_reason"].asstr()[()] == "finished"
        assert entry["title"].asstr()[()].startswith("phantom - scan_00001_")
        assert entry["plot/diode"].shape == (5,)
        assert entry["plot/axis1"][()].tolist() == [-1, -0.5, 0, 0.5, 1]
        assert entry["instrument/axis1/value"][()].tolist() == [-1, -0.5, 0, 0.5, 1]

        plot = {name: file[f"{name}/plot/diode"][()].tolist() for name in ("entry_0003", "entry_0004", "entry_0005")}
        # The detector shows where its motor was: the same picture, however the grid was measured.
        assert plot["entry_0003"] == plot["entry_0004"]
        assert plot["entry_0003"][0] == plot["entry_0003"][1]
        assert len(plot["entry_0005"]) == 3


def test_the_plan_for_blueapi_is_recorded(daemon: Daemon) -> None:
    program = FOR_BLUEAPI.replace('"id16a/nxscribe/main"', f'"{daemon.devices[0]}", technique="plain", timeout_s=30')
    assert program != FOR_BLUEAPI
    names: dict[str, object] = {}
    exec(program, names)  # noqa: S102 - the page's own program
    daemon.proposal = "cm12345"
    engine = RunEngine({}, context_managers=[])
    engine(names["count"]([SynSignal(name="counter")]), instrument_session="cm12345-1")  # type: ignore[operator]
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join()
    engine.loop.close()
    assert daemon.proxy.currentScan == ""
    daemon.await_files()
    with h5py.File(daemon.entry_file()) as file:
        (entry,) = file.values()
        assert entry["nxscribe/end_reason"].asstr()[()] == "finished"
        assert entry["nxscribe/parameters/counter"].shape == (1,)
