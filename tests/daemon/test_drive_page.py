"""The page for authors of macros: its programs run as they are written, against a daemon of another name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
import tango
from daemons import Daemon

PAGE = (Path(__file__).parents[2] / "docs/how-to/drive-from-a-control-system.md").read_text()
DEVICE = "id16a/nxscribe/main"
PROGRAM, WITH_CLIENT = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(COMMANDS,) = (
    block
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    if "nxscribe scan" in block
)
DETECTOR = "detectors: {pco: {files: no_such_folder/*.h5, group: instrument/detector01}}\n"


@pytest.fixture
def tomo(make_daemon: Callable[..., Daemon]) -> Daemon:
    """A daemon with what the page speaks of: the technique, its parameters, a detector."""
    daemon = make_daemon()
    named = ("tomo_n", "y_step", "rotation_angle", "dark_n")
    fields = "".join(f"<{name}>${{{name}}}</{name}>" for name in named)
    text = daemon.definition.read_text()
    end = text.rindex("</group>")
    daemon.definition.write_text(f"{text[:end]}{fields}{text[end:]}")
    config = daemon.config.read_text().replace("  plain:", "  tomo:").replace("[exposure]", f"[{', '.join(named)}]")
    daemon.config.write_text(f"{config}{DETECTOR}")
    return daemon.start()


@pytest.mark.parametrize("written", [PROGRAM, WITH_CLIENT], ids=["by Tango alone", "with the client"])
def test_the_macro_starts_and_ends_a_scan_and_closes_one_that_fails(tomo: Daemon, written: str) -> None:
    program = written.replace(DEVICE, tomo.devices[0])
    assert program != written
    exec(program, {"scan": lambda: None, "angles": [0.0, 0.12]})  # noqa: S102 - the page's own program

    def fails() -> None:
        raise ValueError("the motor is stuck")

    with pytest.raises(ValueError, match="the motor is stuck"):
        exec(program, {"scan": fails, "angles": []})  # noqa: S102 - the page's own program
    assert tomo.proxy.state() == tango.DevState.ON
    tomo.await_files()
    (master,) = tomo.data.rglob("ma2210-sim.h5")
    with h5py.File(master) as file:
        assert file["entry_0001/tomo_n"].asstr()[()] == "1500"
        assert file["entry_0001/rotation_angle"].asstr()[()] == "0.0 0.12"
        reasons = [file[entry]["nxscribe/end_reason"].asstr()[()] for entry in file]
        assert reasons == ["finished", "failed"]
        assert file["entry_0002/nxscribe/reason"].asstr()[()] == "ValueError('the motor is stuck')"


def test_the_commands_of_the_shell_do_the_same(tomo: Daemon) -> None:
    script = COMMANDS.replace("$ ", "").replace(DEVICE, tomo.devices[0]).replace("/data/visitor", str(tomo.data))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("entry_0001 in ") == 2
    tomo.await_files()
    (master,) = tomo.data.rglob("ma2210-sim.h5")
    with h5py.File(master) as file:
        assert file["entry_0001/dark_n"].asstr()[()] == "20"
        assert any("detector01" in path for path in file["entry_0001/nxscribe/pending"].asstr()[()])
