"""The page about the architecture agrees with the program: modules, threads, processes, and the order of the walk."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from daemons import Daemon
from experiments import make_experiment

TOP = Path(__file__).parents[2]
TEXT = (TOP / "docs" / "explanation" / "architecture.md").read_text()
PICTURE = TOP / "docs" / "images" / "architecture.svg"
RECORD_CALLS = Path(__file__).parents[1] / "support" / "record_calls.py"
MODULE = re.compile(r"`([a-z_]+(?:\.[a-z_0-9]+)+)`")
NO_MODULES = {"limits.deadline_s", "limits.write_timeout_s", "pyproject.toml"}


def section(heading: str) -> str:
    """What stands below a heading, or below the bold words at the beginning of a line."""
    (found,) = re.findall(
        rf"^(?:#+ |\*\*){re.escape(heading)}.*?\n(.*?)(?=^#|^\*\*|\Z)", TEXT, re.DOTALL | re.MULTILINE
    )
    return found


def walk(heading: str) -> list[str]:
    """The modules of a numbered list, in its order."""
    items = re.split(r"^\d+\. ", section(heading), flags=re.MULTILINE)[1:]
    return [module for item in items for module in MODULE.findall(item) if module not in NO_MODULES]


def rows(heading: str, after: str = "") -> dict[str, str]:
    """The first table after some words: its first cell and the whole row."""
    text = section(heading)
    text = text[text.index(after) :]
    table = re.search(r"^\| ---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table
    return {line.split("|")[1].strip().strip("`"): line for line in table[1].splitlines()}


@dataclass
class Recording:
    """What a daemon did."""

    parts: set[str] = field(default_factory=set)
    threads: set[str] = field(default_factory=set)
    entered: dict[str, dict[str, list[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    """The modules by command and thread, in the order in which they were entered."""
    answered_by: dict[str, str] = field(default_factory=dict)
    """The thread that executed a command."""


def read_recording(file: Path) -> Recording:
    recording, command = Recording(), ""
    for line in file.read_text().splitlines():
        kind, name, *rest = line.split("\t")
        if kind == "part":
            recording.parts.add(name)
        elif kind == "alive":
            recording.threads.add(name)
        elif kind == "command":
            command = name
            (recording.answered_by[command],) = rest
        else:
            recording.entered[command][name] += rest
    return recording


@pytest.fixture(scope="module")
def recording(serve_module: Callable[..., object], tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A scan with a Tango attribute and a formula."""
    folder = tmp_path_factory.mktemp("recorded")
    device = serve_module("everything").device
    daemon = Daemon(folder / "daemon", "recorded")
    daemon.definition.write_text(
        '<group NX_class="NXentry" groupName="${entry}">'
        '<a record="initial">${a}</a><b>${b}</b><c record="final">${a}</c></group>'
    )
    config = re.sub(r"sources:\n.*(?=techniques:)", "", daemon.config.read_text(), flags=re.DOTALL)
    sources = f'sources: {{a: {device}/stamped, b: {{expression: "2 * ${{a}}"}}}}\n'
    watched = (
        f"watched_triggers: {{one: {{attribute: {device}/stamped, running: never, proposal: p, sample: s, scan: n, "
        "technique: plain, poll_s: 86400}}\n"
    )
    daemon.config.write_text(config + sources + watched)
    daemon.program = [str(RECORD_CALLS), str(folder / "calls")]
    try:
        daemon.start()
        daemon.await_events("ready")
        assert not daemon.start_scan()["missing"]
        daemon.await_files()
        assert not daemon.end_scan()["missing"]
        daemon.await_files()
    finally:
        assert daemon.stop() == 0
    return read_recording(folder / "calls")


def test_each_module_of_the_page_and_of_the_picture_exists() -> None:
    named = set(MODULE.findall(TEXT)) - NO_MODULES
    of_picture = re.findall(r'<text class="m[^>]*>([^<]+)<', PICTURE.read_text())
    assert len(of_picture) > 10
    named |= {module.strip() for modules in of_picture for module in modules.split(",")}
    assert len(named) > 45
    assert [name for name in named if not importlib.util.find_spec(f"nxscribe.{name}")] == []


def test_the_supervised_parts_are_those_of_the_page(recording: Recording) -> None:
    parts = {re.sub("^(worker of|watched trigger) .*", r"\1 …", part) for part in recording.parts}
    assert rows("Threads and processes", "Supervised parts:").keys() == parts


def test_each_other_thread_stands_on_the_page(recording: Recording) -> None:
    others = rows("Threads and processes", "Other threads").keys()
    known = {*recording.parts, "MainThread", *(name.removesuffix("…").strip() for name in others)}
    ours = {name for name in recording.threads if not name.startswith(("Dummy-", "Thread-"))}  # those of libraries
    assert [name for name in ours if not name.startswith(tuple(known))] == []
    short_lived = {"register"}
    missing = [one for one in others if not any(name.startswith(one.removesuffix("…")) for name in recording.threads)]
    assert set(missing) <= short_lived


@pytest.mark.parametrize(
    ("heading", "command", "thread"),
    [
        ("Tango thread", "StartScan", ""),
        ("Worker thread of each endpoint", "StartScan", "worker of "),
        ("Event publisher", "StartScan", "event publisher"),
        ("Projector", "StartScan", "projector"),
        ("EndScan", "EndScan", ""),
    ],
)
def test_a_thread_enters_the_modules_in_the_order_of_the_walk(
    heading: str, command: str, thread: str, recording: Recording
) -> None:
    threads = recording.entered[command]
    (name,) = (
        name for name in threads if (name.startswith(thread) if thread else name == recording.answered_by[command])
    )
    steps = walk(heading)
    assert len(steps) > 1
    assert [module for module in threads[name] if module in steps] == list(dict.fromkeys(steps))


WRITER = """
import sys
from pathlib import Path
from record_calls import Recorder
from nxscribe.projections import registered, writer
from nxscribe.service.config import load_config

settings = load_config(Path(sys.argv[1])).projection_settings("nexus")
projection = registered()["nexus"]()
projection.prepare()
sys.setprofile(Recorder(lambda _, module: print(module)))
writer._project(projection, sys.argv[2], settings)
"""


def test_the_writer_enters_the_modules_in_the_order_of_the_walk(tmp_path: Path) -> None:
    experiment = make_experiment(tmp_path)
    # In a process of its own, as the daemon has it: a process keeps what it made for the record before.
    entered = subprocess.run(
        [sys.executable, "-c", WRITER, str(experiment.config), experiment.records[0].id],
        env={**os.environ, "PYTHONPATH": str(RECORD_CALLS.parent)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    steps = walk("Writer process")
    assert len(steps) > 10
    assert [module for module in entered if module in steps] == steps


def test_the_packages_are_in_the_order_of_the_rules_for_imports() -> None:
    contracts = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert list(rows("Directions of imports")) == layers[::-1]
