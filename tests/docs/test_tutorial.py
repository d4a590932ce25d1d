from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemons import wait_until

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorial"
PAGES = ["first-scan.md", "add-a-motor.md"]
TERMINAL_ONE = ("source ", "export ", "nxscribe demo")


def steps(page: str) -> list[tuple[str, str]]:
    """What the reader types in the second terminal, in order, with the output that the tutorial shows for it; and the
    edits on the way, as the file's name and the lines of the difference.
    """
    blocks = re.findall(r"```(console|diff)\n(.*?)```", (TUTORIALS / page).read_text(), re.DOTALL)
    found: list[tuple[str, str]] = []
    for kind, block in blocks:
        if kind == "diff":
            name, _, lines = block.removeprefix("--- ").partition("\n")
            found.append((f"edit {name}", lines))
        else:
            parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
            found += [_typed_and_shown(part) for part in parts if not part.startswith(TERMINAL_ONE)]
    return found


def _typed_and_shown(part: str) -> tuple[str, str]:
    lines = part.splitlines()
    # A quotation that the first line opens goes on to the line that closes it.
    last = 0 if lines[0].count('"') % 2 == 0 else lines.index('"')
    return "\n".join(lines[: last + 1]), "\n".join(lines[last + 1 :])


def edit(path: Path, difference: str) -> None:
    """Change a file as the lines of a difference say; it holds the lines that they begin with exactly once."""
    lines = difference.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, after))


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def terminal(page: str, tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """The first terminal of a tutorial: the folder where it runs, and the settings that it prints.

    `make demo` has run there before, as the reader was told to.
    """
    folder = tmp_path
    (typed,) = re.findall(r"^\$ (nxscribe demo .*)", (TUTORIALS / page).read_text(), re.MULTILINE)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    if "PYTHONPATH" in environment:
        environment["PYTHONPATH"] = str(Path(environment["PYTHONPATH"]).resolve())
    with (folder / "demo.log").open("w") as log:
        made = ["nxscribe", "demo", "--output", "nxscribe-demo", "--technique", "mrt"]
        subprocess.run(made, cwd=folder, env=environment, stdout=log, stderr=log, check=True)
        demo = subprocess.Popen(typed.split(), cwd=folder, env=environment, stdout=log, stderr=log)
        settings = wait_until(
            lambda: re.search(r"export (TANGO_HOST)=(\S+) (NXSCRIBE_DEVICE)=(\S+)", (folder / "demo.log").read_text()),
            "the demo stays",
            60,
        )
        yield folder, {**environment, settings[1]: settings[2], settings[3]: settings[4]}
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 130
    wait_until(lambda: not left_behind(settings[2]), "every process of the demo is gone")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(settings[2].split(":"), timeout=5)


def left_behind(tango_host: str) -> list[str]:
    """The processes that were started with this Tango database: the device servers, the daemon, its writer."""
    mark, found = f"TANGO_HOST={tango_host}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text())
    return found


@pytest.mark.long
def test_a_tutorial_works_as_it_is_written(terminal: tuple[Path, dict[str, str]], page: str):
    folder, environment = terminal
    for command, shown in steps(page):
        if command.startswith("edit "):
            edit(folder / command.removeprefix("edit "), shown)
            continue
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        expected = ".*".join(re.escape(part) for part in shown.split("…"))
        assert re.search(expected, done.stdout + done.stderr, re.DOTALL), f"{command}\n{done.stdout}{done.stderr}"
    assert list((folder / "nxscribe-demo").rglob("*.h5"))


def test_a_tutorial_shows_commands(page: str):
    assert len(steps(page)) >= 8
