"""A client that has no JSON: it writes attributes, and sends commands without an argument, as macros of SPEC do."""

from __future__ import annotations

import json
from typing import Any

import h5py
import pytest
import tango
from daemons import Daemon


def prepare(daemon: Daemon, **names: str) -> None:
    for name, text in names.items():
        daemon.proxy.write_attribute(name, text)
        assert daemon.proxy.read_attribute(name).value == text


def value(daemon: Daemon, entry: str, path: str) -> Any:
    daemon.await_files()
    with h5py.File(daemon.master) as file:
        return file[f"{entry}/{path}"][()]


def test_a_scan_is_started_and_ended_without_json(daemon: Daemon) -> None:
    prepare(daemon, proposal=daemon.proposal, sample="Knochen", scan="a1", technique="plain")
    daemon.proxy.SetParameter(["exposure", "0.25", "title", "ascan  sx 0 1 10 0.1"])
    started = json.loads(daemon.proxy.Start())
    assert started["unnamed"] == ["title"]
    assert daemon.proxy.currentScan == "Knochen - a1"
    daemon.proxy.SetParameter(["positions", "[0.5, NaN]"])
    ended = json.loads(daemon.proxy.End())
    assert (ended["record"], ended["end_reason"]) == (started["record"], "finished")
    assert value(daemon, ended["entry"], "instrument/control/exposure") == 0.25
    assert value(daemon, ended["entry"], "nxscribe/parameters/title") == b"ascan  sx 0 1 10 0.1"
    assert str(value(daemon, ended["entry"], "nxscribe/parameters/positions")) == "[0.5 nan]"
    # The names stay, the parameters do not.
    prepare(daemon, scan="a2")
    daemon.proxy.Start()
    second = json.loads(daemon.proxy.End())
    assert (daemon.proxy.sample, second["unnamed"]) == ("Knochen", [])


def test_the_names_of_a_scan_that_runs_are_shown_whoever_started_it(daemon: Daemon) -> None:
    prepare(daemon, proposal="other", sample="other", scan="other", technique="other")
    daemon.start_scan(scan="b1")
    shown = [daemon.proxy.read_attribute(name).value for name in ("proposal", "sample", "scan", "technique")]
    assert shown == [daemon.proposal, "phantom", "b1", "plain"]
    daemon.end_scan()
    assert daemon.proxy.scan == "other"


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"sample": ""}, "the sample is empty"),
        ({"scan": "a/b"}, "slash"),
        ({"technique": "plane"}, "did you mean plain"),
    ],
)
def test_a_start_with_names_that_are_missing_or_wrong_is_refused_and_keeps_its_parameters(
    daemon: Daemon, names: dict[str, str], told: str
) -> None:
    good = {"proposal": daemon.proposal, "sample": "s", "scan": "a1", "technique": "plain"}
    for name, text in {**good, **names}.items():
        daemon.proxy.write_attribute(name, text)
    daemon.proxy.SetParameter(["kept", "1"])
    with pytest.raises(tango.DevFailed, match=told):
        daemon.proxy.Start()
    with pytest.raises(tango.DevFailed, match="name, value"):
        daemon.proxy.SetParameter(["kept"])
    with pytest.raises(tango.DevFailed, match="no scan is open"):
        daemon.proxy.End()
    prepare(daemon, **good)
    assert json.loads(daemon.proxy.Start())["unnamed"] == ["kept"]
    daemon.proxy.End()
