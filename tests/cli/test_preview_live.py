"""`nxscribe preview --live`: what real devices say now, and what cannot be read, as a scan would write it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from nxscribe.cli._preview_command import preview

DEFINITION = """\
<group NX_class="NXentry" groupName="${entry}">
  <energy NAPItype="NX_FLOAT" units="eV">${energy}</energy>
  <mass NAPItype="NX_FLOAT" units="kg">${mass}</mass>
  <both>${energy} keV, ${mode}</both>
  <mode>${mode}</mode>
  <dose>${dose}</dose>
</group>
"""
CONFIG = """\
beamline: id16a
data_root: data
techniques: {{tomo: {{definition: tomo.xml}}}}
sources:
  energy: {device}/energy
  mass: {device}/no_such_attribute
  mode: {{value: fine}}
"""


@pytest.fixture
def told(serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.chdir(tmp_path)
    Path("tomo.xml").write_text(DEFINITION)
    Path("id16a.yaml").write_text(CONFIG.format(device=serve("everything").device))
    app = typer.Typer()
    app.command()(preview)
    result = CliRunner().invoke(app, ["id16a.yaml", "--live", "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_values_are_those_that_a_scan_would_write(told) -> None:
    nodes = {node["name"]: node for node in told["entry"]["children"]}
    energy = nodes["energy"]["live"]
    assert (energy["value"], energy["units"], energy["quality"]) == (12500.0, "eV", "VALID")
    assert energy["source"].endswith("/energy")
    assert 0 <= energy["age_s"] < 60
    assert nodes["both"]["live"]["value"] == "12.5 keV, fine"
    assert "live" not in nodes["mass"]
    assert "no_such_attribute" in told["missing"]["mass"]
    assert "not set by the control system" in told["missing"]["dose"]
    assert set(told["capture_s"]) == {"initial", "final"}
