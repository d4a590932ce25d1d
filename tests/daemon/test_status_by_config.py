"""`nxscribe status CONFIG`: an operator knows the config, and not by heart what the devices are called."""

from __future__ import annotations

import json

import pytest
from daemons import Daemon
from typer.testing import CliRunner

from nxscribe.cli._app import app


def test_the_config_names_the_devices_whose_state_is_shown(
    make_daemon, monkeypatch: pytest.MonkeyPatch, tango_host: str
) -> None:
    daemon: Daemon = make_daemon(sessions=2)
    daemon.start()
    daemon.start_scan(scan="s1")
    text = daemon.config.read_text()
    daemon.config.write_text(text.replace("tango: {", f'tango: {{host: "{tango_host}", '))
    monkeypatch.delenv("NXSCRIBE_DEVICE", raising=False)
    monkeypatch.delenv("TANGO_HOST", raising=False)
    shown = CliRunner().invoke(app, ["status", str(daemon.config)])
    assert shown.exit_code == 0, shown.output
    assert all(f"//{tango_host}/{device}" in shown.output for device in daemon.devices)
    lines = CliRunner().invoke(app, ["status", str(daemon.config), "--json"]).stdout.splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["RUNNING", "ON"]


def test_neither_a_config_nor_a_device_is_a_mistake_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NXSCRIBE_DEVICE", raising=False)
    told = CliRunner().invoke(app, ["status"])
    assert told.exit_code == 2
    assert "NXSCRIBE_DEVICE" in told.output
