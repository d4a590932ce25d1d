"""`nxscribe check --live`: what real devices say against a config and its definitions."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from nxscribe.cli._check_command import check

DEFINITION = """\
<group NX_class="NXentry" groupName="${entry}">
  <energy NAPItype="NX_FLOAT" units="eV">${energy}</energy>
  <gap NAPItype="NX_FLOAT" units="mm">${gap}</gap>
  <mass NAPItype="NX_FLOAT" units="kg">${mass}</mass>
  <mode NAPItype="NX_INT">${mode}</mode>
  <material NAPItype="NX_FLOAT">${material}</material>
  <count NAPItype="NX_INT">${count}</count>
  <serial>${serial}</serial>
  <other NAPItype="NX_FLOOT">${mode}</other>
</group>
"""
CONFIG = """\
beamline: id16a
data_root: data
techniques: {{tomo: {{definition: tomo.xml}}}}
sources:
  energy: {device}/energy
  gap: {device}/energy
  mass: {device}/no_such_attribute
  mode: {device}/mode
  material: {device}/text_plain
  count: {device}/no_unit
  serial: test/no/device/serial
watched_triggers:
  one: {{attribute: {device}/no_such_state, running: x, proposal: "${{mass}}", sample: s, scan: s, technique: tomo}}
"""


@pytest.fixture
def told(serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The first words of each problem, by its place, with the device's name left out."""
    monkeypatch.chdir(tmp_path)
    device = serve("everything").device
    Path("tomo.xml").write_text(DEFINITION)
    Path("id16a.yaml").write_text(CONFIG.format(device=device))
    app = typer.Typer()
    app.command()(check)
    result = CliRunner().invoke(app, ["id16a.yaml", "--live"])
    assert result.exit_code == 1
    lines = [line.replace(f"{device}/", "") for line in result.stdout.splitlines() if not line.startswith(" ")]
    return {place: rest.strip() for place, _, rest in (line.partition(": ") for line in lines)}


def test_devices_are_asked_though_something_else_is_wrong_and_an_enumeration_is_a_number_too(told) -> None:
    assert told["tomo.xml:9:20"].startswith("error: unknown type 'NX_FLOOT'")
    assert "tomo.xml:5:3" not in told


def test_what_is_not_there_and_what_does_not_fit_is_told_at_its_line(told) -> None:
    assert {place: words.split("; ")[0] for place, words in told.items() if place != "tomo.xml:9:20"} == {
        "id16a.yaml:7:3": "error: no_such_attribute gives no value",
        "id16a.yaml:11:3": "error: test/no/device/serial gives no value",
        "id16a.yaml:13:3": "error: no_such_state gives no value",
        "tomo.xml:3:3": "error: /gap is in 'mm', but the source of ${gap} is in 'keV'",
        "tomo.xml:6:3": "error: /material is of type NX_FLOAT, but the source of ${material} gives 'gold'",
        "tomo.xml:7:3": "warning: /count is of type NX_INT, but no_unit gives floating-point numbers",
    }


def test_a_server_that_is_stopped_is_told_as_such(serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tango itself says at first that it waits before it tries again."""
    monkeypatch.chdir(tmp_path)
    server = serve("everything")
    Path("tomo.xml").write_text(DEFINITION.replace("NX_FLOOT", "NX_INT"))
    Path("id16a.yaml").write_text(CONFIG.format(device=server.device))
    server.stop()
    app = typer.Typer()
    app.command()(check)
    result = CliRunner().invoke(app, ["id16a.yaml", "--live"])
    [energy] = [line for line in result.stdout.splitlines() if line.startswith("id16a.yaml:5:3")]
    assert energy.endswith("energy gives no value; its server is not running; start the device server")


def test_why_a_device_gives_no_value_is_said(told) -> None:
    assert "the Tango database does not know this device" in told["id16a.yaml:11:3"]
