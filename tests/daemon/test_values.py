"""What a control system can have back of its scan: its values, and the parameters that no definition names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import pytest
import tango
from daemons import Daemon

from nxscribe.projections.nexus.validate import validate


def values(daemon: Daemon, record: str = "") -> dict[str, Any]:
    text = daemon.proxy.Values(record)
    assert text.isascii()
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_the_values_of_a_scan_come_back_with_unit_time_source_and_quality(daemon: Daemon) -> None:
    first = daemon.start_scan(sample="Knöchel", parameters={"exposure": {"value": 0.5, "unit": "s"}})
    began = values(daemon)
    assert began["energy"]["unit"] == "keV"
    assert began["energy"]["source"].endswith("sim/mono/dcm/energy")
    assert began["energy"]["quality"] == "VALID"
    assert began["energy"]["time"].startswith("20")
    assert began["sampleName"]["value"] == "Knöchel"
    assert (began["exposure"]["value"], began["exposure"]["unit"]) == (0.5, "s")
    assert "broken" not in began
    assert "endDate" not in began
    daemon.proxy.SetParameters('{"exposure": [NaN, Infinity, -Infinity, 1.5], "n": 9007199254740993}')
    ended = daemon.end_scan()
    over = values(daemon)
    assert over["exposure"]["value"] == ["NaN", "Infinity", "-Infinity", 1.5]
    assert over["n"]["value"] == 9007199254740993
    assert over["current"]["time"] > began["current"]["time"]
    assert over["endReason"]["value"] == "finished"
    daemon.start_scan(scan="a2")
    assert values(daemon)["scanName"]["value"] == "a2"
    assert values(daemon, first["record"]) == over
    daemon.end_scan()
    daemon.stop()
    daemon.start()
    assert values(daemon)["scanName"]["value"] == "a2"
    with pytest.raises(tango.DevFailed, match="no record nothing"):
        daemon.proxy.Values("nothing")
    assert ended["record"] == first["record"]


def test_parameters_that_no_definition_names_are_told_and_stand_in_a_group_of_their_own(daemon: Daemon) -> None:
    given = {"title": "ascan sx 0 1", "uid/1": "5e8a", "uid 1": {"value": 3, "unit": "mm"}, "none": None}
    started = daemon.start_scan(parameters={**given, "exposure": 1.0})
    assert started["unnamed"] == list(given)
    daemon.proxy.SetParameters('{"motors": ["sx", "sz"], "counts": [1.5, NaN]}')
    ended = daemon.end_scan(parameters={"title": "ascan sx 0 2"})
    assert ended["unnamed"] == [*given, "motors", "counts"]
    daemon.await_files()
    with h5py.File(ended["master"]) as file:
        entry = file[ended["entry"]]
        group = entry["nxscribe/parameters"]
        assert group.attrs["NX_class"] == "NXcollection"
        assert {
            name: str(node.asstr()[()] if node.dtype.kind == "O" else node[()]) for name, node in group.items()
        } == {
            "title": "ascan sx 0 2",
            "uid_1": "5e8a",
            "uid_1_2": "3",
            "motors": "['sx' 'sz']",
            "counts": "[1.5 nan]",
        }
        assert dict(group["uid_1_2"].attrs).keys() == {"parameter", "source", "timestamp", "units"}
        assert (group["uid_1_2"].attrs["parameter"], group["uid_1_2"].attrs["units"]) == ("uid 1", "mm")
        assert "nxscribe/parameters/none" in entry["nxscribe/missing"].asstr()[()].tolist()
    del entry, group
    assert validate(Path(ended["master"]), with_others=False).errors == ()
