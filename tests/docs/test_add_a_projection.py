"""The how-to on projections: its package is built, found, configured and run, beside the NeXus files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-a-projection.md"
SUPPORT = Path(__file__).parents[1] / "support"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TOMO = '<group NX_class="NXentry" groupName="${entry}"><title>${scanName}</title></group>'

RUN = """
import json, sys, time
from dataclasses import replace
from pathlib import Path
from some_records import ended, some_record
from nxscribe.projections import Worker, registered
from nxscribe.records import Journal
from nxscribe.service.config import load_config
from nxscribe.service._projector import Projector
from nxscribe.service.events import Events

class Listener(Events):
    def attempted(self, work, outcome): print(work.kind, outcome, file=sys.stderr)

config = load_config(Path("id00.yaml"))
kinds = config.projection_kinds
config.data_root.mkdir()
with Journal(config.state_dir / "journal.sqlite", projections=kinds) as journal:
    record = journal.begin(some_record())
    journal.update(replace(ended(record), raw=()))
    workers = {kind: Worker(kind, lambda kind=kind: config.projection_settings(kind)) for kind in kinds}
    projectors = [Projector(registered()[kind](), journal, worker, Listener()) for kind, worker in workers.items()]
    for projector in projectors:
        projector.start()
    deadline = time.monotonic() + 60
    while any(one.state != "made" for one in journal.standings(record.id).values()) and time.monotonic() < deadline:
        time.sleep(0.05)
    for projector in projectors:
        projector.stop()
    print(json.dumps({kind: [one.state, one.reason, one.result] for kind, one in journal.standings(record.id).items()}))
    print("h5py" in sys.modules)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where the package of the page is installed, and its files lie."""
    text = PAGE.read_text()
    for _, block in BLOCK.findall(text):
        if named := re.match(r"# file: (\S+)", block):
            (tmp_path / named[1]).write_text(block)
    (tmp_path / "tomo.xml").write_text(
        '<group NX_class="NXentry" groupName="${entry}"><title>${scanName}</title></group>'
    )
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    return {**os.environ, "PYTHONPATH": f"{tmp_path / 'installed'}:{SUPPORT}", "COLUMNS": "160"}


def run(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, text=True, capture_output=True, check=False
    )


def test_the_commands_of_the_page_answer_as_it_says(tmp_path: Path, environment: dict[str, str]) -> None:
    (console,) = (block for kind, block in BLOCK.findall(PAGE.read_text()) if kind == "console")
    for part in console.split("$ ")[1:]:
        command, _, shown = part.partition("\n")
        done = run(tmp_path, environment, "-m", *command.removesuffix(" || true").split())
        assert re.search(".*".join(map(re.escape, shown.strip().split("…"))), done.stdout + done.stderr, re.DOTALL)
        assert ("typo" in command) == (done.returncode != 0), done.stdout + done.stderr


def test_its_projection_is_made_after_the_files_by_a_process_of_its_own(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    done = run(tmp_path, environment, "-c", RUN)
    assert done.returncode == 0, done.stderr
    *_, line, has_hdf5 = done.stdout.splitlines()
    standings = json.loads(line)
    assert {kind: standing[:2] for kind, standing in standings.items()} == {
        "nexus": ["made", ""],
        "logbook": ["made", ""],
    }, done.stderr
    page = Path(json.loads(standings["logbook"][2])["page"])
    assert page.parent == tmp_path / "data/pages"
    assert "- file: " + json.loads(standings["nexus"][2])["file"] in page.read_text()
    assert has_hdf5 == "False"
