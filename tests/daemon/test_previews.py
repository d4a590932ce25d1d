"""The preview that a running daemon gives over Tango."""

from __future__ import annotations

import json

import pytest
import tango
from daemons import Daemon


def fields(answer: str) -> dict[str, dict[str, object]]:
    def below(node: dict, path: str):
        for child in node.get("children", []):
            yield f"{path}/{child['name']}", child
            yield from below(child, f"{path}/{child['name']}")

    return dict(below(json.loads(answer)["entry"], ""))


def test_the_tree_is_told_without_a_device_being_read(daemon: Daemon):
    energy = fields(daemon.proxy.Preview("plain"))["/instrument/monochromator/energy"]
    assert (energy["units"], energy["sources"]) == ("keV", {"energy": "sim/mono/dcm/energy"})
    assert energy["defined"]["file"].endswith("plain.xml")
    assert "live" not in energy


def test_the_live_one_has_what_a_scan_would_get(daemon: Daemon):
    answer = daemon.proxy.PreviewLive("plain")
    live = fields(answer)["/instrument/monochromator/energy"]["live"]
    assert live["value"] > 0
    assert live["source"].endswith("sim/mono/dcm/energy")
    assert "no_such_attribute" in json.loads(answer)["missing"]["instrument/control/broken"]
    assert daemon.proxy.state() == tango.DevState.ON


def test_an_unknown_technique_is_refused_with_the_known_ones(daemon: Daemon):
    with pytest.raises(tango.DevFailed, match="did you mean plain"):
        daemon.proxy.Preview("plan")
