from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "systemd" / "nxscribe@.service"

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine has no systemd-analyze")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as it is when installed: its program exists."""
    installed = tmp_path / "nxscribe@sim.service"
    program = Path(sys.executable).parent / "nxscribe"
    installed.write_text(UNIT.read_text().replace("/opt/nxscribe/bin/nxscribe", str(program)))
    return installed


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def test_systemd_finds_no_fault_in_the_unit(unit: Path):
    found = analyze("verify", "--recursive-errors=yes", str(unit))
    assert (found.returncode, found.stderr) == (0, "")


def test_the_check_notices_a_fault(unit: Path):
    unit.write_text(unit.read_text().replace("KillMode=mixed", "KillMood=mixed"))
    assert analyze("verify", "--recursive-errors=yes", str(unit)).returncode != 0


def test_the_unit_is_hardened(unit: Path):
    found = analyze("security", "--offline=yes", "--threshold=20", str(unit))
    assert found.returncode == 0, found.stdout
