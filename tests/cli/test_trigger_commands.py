"""`nxscribe scan start`, `end` and `abort`: a script sends them for every scan, so they load nothing but the client."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from daemons import START_S, Daemon, wait_until

from nxscribe.cli._trigger_commands import _value

OWN = {"nxscribe", "nxscribe.cli", "nxscribe.client", "nxscribe.errors", "nxscribe.tango_text"}


def nxscribe(*arguments: str, device: str = "", imports: bool = False) -> subprocess.CompletedProcess[str]:
    options = ["-X", "importtime"] if imports else []
    return subprocess.run(
        [sys.executable, *options, "-m", "nxscribe", *arguments],
        env={**os.environ, "NXSCRIBE_DEVICE": device},
        capture_output=True,
        text=True,
        check=False,
    )


def imported(text: str) -> set[str]:
    """The modules that `-X importtime` lists."""
    lines = (line for line in text.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


def test_a_trigger_loads_pytango_and_little_else(daemon: Daemon):
    started = nxscribe(
        *("scan", "start", daemon.proposal, "bone", "a1", "--technique", "plain", "-p", "exposure=0.5"),
        device=daemon.devices[0],
        imports=True,
    )
    assert started.stdout.startswith("entry_0001 in ")
    loaded = imported(started.stderr)
    libraries = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert (
        libraries & {"typer", "rich", "msgspec", "pydantic", "pydantic_core", "yaml", "h5py", "structlog", "pint"}
        == set()
    )
    own = {name for name in loaded if name.partition(".")[0] == "nxscribe"}
    assert {".".join(name.split(".")[:2]) for name in own} == OWN
    ended = nxscribe("scan", "end", "--end-reason", "failed", "--reason", "no beam", "--json", device=daemon.devices[0])
    answer = json.loads(ended.stdout)
    assert (answer["entry"], answer["end_reason"]) == ("entry_0001", "failed")


@pytest.mark.parametrize("name", ["start", "end", "abort"])
def test_each_explains_itself_and_says_what_is_wrong_with_its_words(name: str):
    helped = nxscribe("scan", name, "--help")
    assert helped.returncode == 0
    assert "--device" in helped.stdout
    assert f"nxscribe scan {name}" in helped.stdout
    wrong = nxscribe("scan", name, "--no-such-option")
    assert wrong.returncode == 2
    assert f"nxscribe scan {name}: error: " in wrong.stderr
    assert name in nxscribe("scan", "--help").stdout


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1500", 1500),
        ("0.1", 0.1),
        ('{"value": 2.5, "unit": "mm"}', {"value": 2.5, "unit": "mm"}),
        ("[1, [2]]", [1, [2]]),
        ("true", True),
        ("bone 3", "bone 3"),
        # What Python would change is sent as it was typed: the daemon says why it cannot be kept.
        ("1e999", "1e999"),
        ("3e-999", "3e-999"),
        ('{"value": 1, "value": 2}', '{"value": 1, "value": 2}'),
        ("[" * 9000, "[" * 9000),
    ],
)
def test_a_value_is_what_its_json_says_or_else_its_text(text: str, value: object):
    assert _value(text) == value


def test_a_start_that_ctrl_c_breaks_off_is_aborted_before_the_program_ends(daemon: Daemon):
    words = ["scan", "start", daemon.proposal, "bone", "a1", "--technique", "plain", "--device", daemon.devices[0]]
    with daemon.stopped():
        program = subprocess.Popen([sys.executable, "-m", "nxscribe", *words], stderr=subprocess.PIPE)
        maps = Path(f"/proc/{program.pid}/maps")
        wait_until(lambda: "libtango" in maps.read_text(), "it asks the daemon", START_S)
        program.send_signal(signal.SIGINT)
    program.communicate(timeout=60)
    (ended,) = daemon.await_events("scan ended")
    assert ended["end_reason"] == "aborted"
    assert daemon.proxy.currentScan == ""
