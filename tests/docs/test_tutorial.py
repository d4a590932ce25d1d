from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemons import wait_until

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "first-scan.md"
TERMINAL_ONE = ("source ", "export ", "nxscribe demo")


def commands() -> list[tuple[str, str]]:
    """What the reader types in the second terminal, in order, and the output that the tutorial shows for it."""
    blocks = re.findall(r"```console\n(.*?)```", TUTORIAL.read_text(), re.DOTALL)
    parts = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [_typed_and_shown(part) for part in parts if not part.startswith(TERMINAL_ONE)]


def _typed_and_shown(part: str) -> tuple[str, str]:
    lines = part.splitlines()
    # A quotation that the first line opens goes on to the line that closes it.
    last = 0 if lines[0].count('"') % 2 == 0 else lines.index('"')
    return "\n".join(lines[: last + 1]), "\n".join(lines[last + 1 :])


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """The first terminal of the tutorial: the folder where it runs, and the settings that it prints."""
    folder = tmp_path_factory.mktemp("tutorial")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    if "PYTHONPATH" in environment:
        environment["PYTHONPATH"] = str(Path(environment["PYTHONPATH"]).resolve())
    with (folder / "demo.log").open("w") as log:
        demo = subprocess.Popen(
            ["nxscribe", "demo", "--stay", "--technique", "scan"], cwd=folder, env=environment, stdout=log, stderr=log
        )
        settings = wait_until(
            lambda: re.search(r"export (TANGO_HOST)=(\S+) (NXSCRIBE_DEVICE)=(\S+)", (folder / "demo.log").read_text()),
            "the demo stays",
            60,
        )
        yield folder, {**environment, settings[1]: settings[2], settings[3]: settings[4]}
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 130


def test_the_tutorial_works_as_it_is_written(terminal: tuple[Path, dict[str, str]]):
    folder, environment = terminal
    for command, shown in commands():
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        expected = ".*".join(re.escape(part) for part in shown.split("…"))
        assert re.search(expected, done.stdout + done.stderr, re.DOTALL), f"{command}\n{done.stdout}{done.stderr}"
    assert list((folder / "nxscribe-demo").rglob("*.h5"))


def test_the_tutorial_shows_commands():
    assert len(commands()) >= 8
