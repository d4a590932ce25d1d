"""Names and reasons in any script: PyTango itself sends Latin-1 alone."""

from __future__ import annotations

import json

import h5py
import pytest
import tango
from daemons import Daemon

from nxscribe.triggers.client import ClientError

GREEK = "β-quartz"


def test_a_scan_of_any_name_starts_is_shown_survives_a_restart_and_ends(daemon: Daemon):
    answer = daemon.client.start("ma2210", GREEK, "à 20 °C", "plain")
    assert daemon.client.show()["currentScan"] == f"{GREEK} - à 20 °C"
    assert GREEK in daemon.client.show()["status"]
    daemon.stop()
    daemon.start()
    assert daemon.client.show()["currentScan"] == f"{GREEK} - à 20 °C"
    assert daemon.client.end().entry == answer.entry
    assert daemon.proxy.state() == tango.DevState.ON
    daemon.await_files()
    with h5py.File(answer.master) as file:
        assert file[f"{answer.entry}/sample/name"].asstr()[()] == GREEK


def test_a_refusal_keeps_its_letters(daemon: Daemon):
    with pytest.raises(ClientError, match=GREEK):
        daemon.client.start("ma2210", "s", "a1", GREEK)


def test_a_long_reason_of_a_device_is_shown(make_daemon, serve):
    device = serve("everything").device
    daemon = make_daemon()
    source = f"{device}/verbose"
    daemon.config.write_text(daemon.config.read_text().replace("sim/mono/dcm/no_such_attribute", source))
    daemon.start()
    answer = json.loads(daemon.proxy.StartScan(daemon.request()))
    assert answer["missing"]["broken"].count("…") == 1
    assert any(line.startswith("broken: ") for line in daemon.client.show()["missingValues"])
    assert daemon.end_scan()["end_reason"] == "finished"
