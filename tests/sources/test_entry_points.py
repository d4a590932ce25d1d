"""Another package adds a kind of sources by an entry point: the package of the how-to, installed in a folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-a-source-kind.md"
BLOCK = re.compile(r"^```\w+\n(?:#|<!--) file: (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONFIG = """\
beamline: sim
data_root: data
techniques: {tomo: {definition: tomo.xml}}
sources: {free: {disk: FOLDER}}
"""
DEFINITION = (
    '<group NX_class="NXentry" groupName="${entry}"><free NAPItype="NX_FLOAT64" units="GB">${free}</free></group>'
)
SCAN = """
from pathlib import Path
from nxscribe.capture import Capturer, SourceReader
from nxscribe.model import Phase
from nxscribe.service.beamline import load_beamline
from nxscribe.service.config import load_config
beamline = load_beamline(load_config(Path("sim.yaml")))
with SourceReader(beamline.config.source_settings) as reader:
    snapshot = Capturer(reader).capture(
        beamline.plan("tomo"), Phase.INITIAL, given={}, had={}, deadline_s=5.0, scan={"proposal": "ma1"}
    )
reading = snapshot.readings["free"]
print(reading.value, reading.unit, reading.source, reading.error)
"""


def installed(folder: Path, target: str, code: str) -> dict[str, str]:
    """The environment in which a package of one module is installed that names an entry point."""
    site = folder / "site"
    metadata = site / "nxscribe_disk-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: nxscribe-disk\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[nxscribe.sources]\ndisk = {target}\n")
    (site / "nxscribe_disk.py").write_text(code)
    return {**os.environ, "PYTHONPATH": str(site)}


def run(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


def write_beamline(folder: Path, disk: str) -> None:
    (folder / "sim.yaml").write_text(CONFIG.replace("FOLDER", disk))
    (folder / "tomo.xml").write_text(DEFINITION)


def module_of_the_page() -> str:
    blocks = dict(BLOCK.findall(PAGE.read_text()))
    assert 'disk = "nxscribe_disk:DiskKind"' in blocks["pyproject.toml"]
    return blocks["nxscribe_disk.py"]


def test_the_how_tos_kind_is_checked_shown_and_read_like_every_other(tmp_path: Path) -> None:
    environment = installed(tmp_path, "nxscribe_disk:DiskKind", module_of_the_page())
    write_beamline(tmp_path, str(tmp_path))
    checked = run(tmp_path, environment, "-m", "nxscribe", "check", "sim.yaml")
    assert checked.returncode == 0, checked.stdout
    shown = run(tmp_path, environment, "-m", "nxscribe", "preview", "sim.yaml", "--technique", "tomo")
    assert f"disk {tmp_path}" in shown.stdout, shown.stdout + shown.stderr
    value, unit, source, *error = run(tmp_path, environment, "-c", SCAN).stdout.split()
    assert float(value) > 0
    assert (unit, source, error) == ("GB", str(tmp_path), [])


def test_its_mistakes_are_told_like_every_other(tmp_path: Path) -> None:
    environment = installed(tmp_path, "nxscribe_disk:DiskKind", module_of_the_page())
    write_beamline(tmp_path, "relative/folder")
    checked = run(tmp_path, environment, "-m", "nxscribe", "check", "sim.yaml")
    assert checked.returncode == 1
    assert "sources.free.disk: 'relative/folder' is not an absolute path" in checked.stdout
    write_beamline(tmp_path, "/no/such/folder")
    live = run(tmp_path, environment, "-m", "nxscribe", "check", "--live", "sim.yaml")
    assert "/no/such/folder gives no value" in live.stdout


def test_a_package_that_is_broken_costs_its_own_kind_alone_and_is_named(tmp_path: Path) -> None:
    environment = installed(tmp_path, "nxscribe_disk:DiskKind", "raise RuntimeError('it is too old')\n")
    write_beamline(tmp_path, "/")
    (tmp_path / "sim.yaml").write_text(CONFIG.replace("{disk: FOLDER}", "{value: 3}"))
    checked = run(tmp_path, environment, "-m", "nxscribe", "check", "sim.yaml")
    assert checked.returncode == 0, checked.stdout
    assert "the kind of sources `disk` of the package nxscribe-disk cannot be used" in checked.stdout
    assert "it is too old" in checked.stdout


def test_a_package_cannot_take_the_place_of_a_kind_that_is_there(tmp_path: Path) -> None:
    code = module_of_the_page().replace('key = "disk"', 'key = "tango"')
    write_beamline(tmp_path, "/")
    (tmp_path / "sim.yaml").write_text(CONFIG.replace("{disk: FOLDER}", "a/b/c/d"))
    checked = run(tmp_path, installed(tmp_path, "nxscribe_disk:DiskKind", code), "-m", "nxscribe", "check", "sim.yaml")
    assert "there is a kind `tango` already" in checked.stdout
