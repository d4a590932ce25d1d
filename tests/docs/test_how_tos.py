"""The how-tos for scientists: their files, and their commands on these files, work as they are written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "how-to"
PAGES = ["list-of-motors.md", "derived-value.md", "foreign-database.md", "new-technique.md", "override.md"]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?:#|<!--) file: (\S+)")


@pytest.mark.parametrize("page", PAGES)
def test_a_how_to_works_as_it_is_written(page: str, tmp_path: Path) -> None:
    blocks = BLOCK.findall((FOLDER / page).read_text())
    for _, text in blocks:
        if named := NAMED.match(text):
            path = tmp_path / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    assert all(kind == "console" or NAMED.match(text) for kind, text in blocks)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    if "PYTHONPATH" in environment:
        environment["PYTHONPATH"] = str(Path(environment["PYTHONPATH"]).resolve())
    commands = [part for kind, text in blocks if kind == "console" for part in text.split("$ ", 1)[1].split("\n$ ")]
    assert commands
    for command, _, shown in (part.partition("\n") for part in commands):
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        expected = ".*".join(re.escape(part) for part in shown.strip().split("…"))
        assert re.search(expected, done.stdout + done.stderr, re.DOTALL), f"{command}\n{done.stdout}{done.stderr}"
