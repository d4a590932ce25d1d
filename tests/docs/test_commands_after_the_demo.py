"""What the demo prints to look further, and what the how-to about files names, works once the demo has ended."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from experiments import make_experiment
from typer.testing import CliRunner

from nxscribe.cli._app import app

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "repair-and-regenerate.md"
LIVE = [
    "nxscribe check nxscribe-demo/configs/sim.yaml --live",
    "nxscribe preview nxscribe-demo/configs/sim.yaml --technique scan --live",
    "nxscribe status --device sim/nxscribe/main",
    "nxscribe status nxscribe-demo/configs/sim.yaml",
]


def test_the_demo_leaves_what_its_commands_need(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "300"}
    environment.pop("TANGO_HOST", None)

    def run(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    shown = run("nxscribe demo --technique scan").stdout
    commands = re.findall(r"^  (\S*nxscribe .*)", shown, re.MULTILINE)
    assert {command.split()[1] for command in commands} >= {
        "records",
        "preview",
        "fsck",
        "regenerate",
        "validate",
        "pack",
    }
    for command in commands:
        done = run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert "1 records: 1 good" in run("nxscribe fsck nxscribe-demo/configs/sim.yaml").stderr
    assert "1 made again, 0 not" in run("nxscribe regenerate nxscribe-demo/configs/sim.yaml --all").stderr
    for command in LIVE:  # the beamline is gone: a message, not a trace back
        done = run(command)
        assert done.returncode in {0, 1}, f"{command}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr
        assert "sim/" in done.stdout + done.stderr


def test_the_how_to_about_files_works_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = make_experiment(tmp_path)
    # As the page says: a kind that the config has since.
    experiment.config.write_text(experiment.config.read_text() + "projections: {json: {}}\n")
    (tmp_path / "configs").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    here = {
        "/data/visitor/": f"{experiment.data}/",
        "/archive/": f"{tmp_path}/archive/",
        "/tmp/trial": f"{tmp_path}/trial",  # noqa: S108 - the how-to's
        "/var/lib/nxscribe/id16a/": f"{tmp_path}/",
        "5f0c12ab": experiment.records[0].id[:8],
    }
    commands = re.findall(r"^\$ nxscribe (.*)", HOW_TO.read_text(), re.MULTILINE)
    assert {command.split()[0] for command in commands} == {"fsck", "regenerate", "pack", "records"}
    for command in commands:
        typed = command
        for there, ours in here.items():
            typed = typed.replace(there, ours)
        done = CliRunner().invoke(app, shlex.split(typed, comments=True))
        assert done.exit_code == 0, f"{command}\n{done.output}\n{done.exception!r}"
