"""A daemon whose Tango database has several servers, of which one is down, and whose sources are aliases."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import h5py
import pytest
import tango
from daemons import Daemon

from nxscribe.client import ScribeClient

DOWN = "127.0.0.1:9"
"""Where nobody listens."""


@pytest.mark.parametrize("order", ["{1},{0}", "{0},{1}"])
@pytest.mark.parametrize("place", ["config", "environment"])
def test_a_daemon_serves_and_reads_while_a_server_of_its_database_is_down(
    make_daemon: Callable[..., Daemon], tango_host: str, order: str, place: str
):
    hosts = order.format(tango_host, DOWN)
    daemon = make_daemon()
    tango.Database().put_device_property("sim/mono/dcm", {"Crystal": ["Si 111"]})
    text = daemon.config.read_text().replace("sim/mono/dcm/no_such_attribute", "{property: sim/mono/dcm/Crystal}")
    if place == "config":
        text = text.replace("tango: {", f"tango: {{host: '{hosts}', ")
    daemon.config.write_text(text)
    daemon.definition.write_text(daemon.definition.read_text().replace('<broken NAPItype="NX_FLOAT">', "<broken>"))
    environment = {"TANGO_HOST": hosts} if place == "environment" else {}
    daemon.start(**environment)
    answer = daemon.start_scan(parameters={"exposure": 1})
    daemon.end_scan()
    daemon.await_files()
    assert answer["missing"] == {}
    with h5py.File(daemon.master) as file:
        energy = file[f"{answer['entry']}/instrument/monochromator/energy"]
        assert energy.attrs["source"] == f"{tango_host}/sim/mono/dcm/energy"
        crystal = file[f"{answer['entry']}/instrument/control/broken"]
        assert (crystal.asstr()[()], crystal.attrs["source"]) == ("Si 111", f"{tango_host}/sim/mono/dcm/Crystal")
    client = ScribeClient(f"//{hosts}/{daemon.devices[0]}", timeout_s=30, raises=True)
    assert client.show()["state"] == "ON"


def test_the_devices_are_asked_before_a_scan_by_any_server_of_the_database(
    make_daemon: Callable[..., Daemon], tango_host: str
):
    daemon = make_daemon()
    text = daemon.config.read_text().replace("tango: {", f"tango: {{host: '{DOWN},{tango_host}', ")
    daemon.config.write_text(text.replace("no_such_attribute", "energy"))
    found = subprocess.run(
        [sys.executable, "-m", "nxscribe", "preview", str(daemon.config), "--live", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    missing = json.loads(found.stdout)["missing"]
    assert list(missing) == ["instrument/control/exposure"]
