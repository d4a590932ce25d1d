"""The how-tos for scientists: their files, and their commands on these files, work as they are written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nxscribe.cli._app import app

FOLDER = Path(__file__).parents[2] / "docs" / "how-to"
PAGES = [
    "list-of-motors.md",
    "derived-value.md",
    "foreign-database.md",
    "new-technique.md",
    "override.md",
    "slow-device.md",
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?:#|<!--) file: (\S+)")


@pytest.mark.parametrize("page", PAGES)
def test_a_how_to_works_as_it_is_written(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall((FOLDER / page).read_text())
    for _, text in blocks:
        if named := NAMED.match(text):
            path = tmp_path / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    assert all(kind == "console" or NAMED.match(text) for kind, text in blocks)
    commands = [part for kind, text in blocks if kind == "console" for part in text.split("$ ", 1)[1].split("\n$ ")]
    assert commands
    for command, _, shown in (part.partition("\n") for part in commands):
        words, _, may_fail = command.partition(" || ")
        settings, _, arguments = words.partition("nxscribe ")
        # Wide enough for all that the pages show: the width that a test before this one left behind does not matter.
        environment = {"COLUMNS": "120", **dict(setting.split("=") for setting in settings.split())}
        done = CliRunner().invoke(app, shlex.split(arguments), env=environment)
        assert done.exit_code == 0 or may_fail == "true", done.output
        expected = ".*".join(re.escape(part) for part in shown.strip().split("…"))
        assert re.search(expected, done.output, re.DOTALL), f"{command}\n{done.output}"
