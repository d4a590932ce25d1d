"""An end that says which scan it means: sent again after a time-out, it must not close another one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import h5py
import pytest
import tango
from daemons import Daemon

from nxscribe.client import ClientError
from nxscribe.projections.nexus.validate import validate


def refused(daemon: Daemon, **request: object) -> str:
    with pytest.raises(tango.DevFailed) as failure:
        daemon.end_scan(**request)
    assert failure.value.args[0].reason == "NXSCRIBE_Refused"
    return str(failure.value.args[0].desc)


def nxscribe(*arguments: object) -> str:
    program = [sys.executable, "-m", "nxscribe", *map(str, arguments)]
    return subprocess.run(program, capture_output=True, text=True, check=True).stdout


def test_an_end_sent_again_is_answered_as_before_and_leaves_the_next_scan_open(daemon: Daemon):
    first = daemon.start_scan(scan="a1")
    names = {"record": first["record"], "entry": first["entry"], "scan": "phantom - a1"}
    ended = daemon.end_scan(**names)
    second = daemon.start_scan(scan="a2")
    for name, value in names.items():
        assert daemon.end_scan(**{name: value}) == ended
    assert daemon.proxy.currentScan == "phantom - a2"
    daemon.stop()
    daemon.start()
    again = daemon.end_scan(record=first["record"])
    assert (again["entry"], again["end_reason"]) == (first["entry"], "finished")
    assert daemon.proxy.currentScan == "phantom - a2"
    assert daemon.end_scan(record=second["record"], scan="a2")["entry"] == second["entry"]


def test_an_end_for_a_scan_that_is_not_this_sessions_is_refused_and_names_the_open_one(daemon: Daemon):
    opened = daemon.start_scan(scan="a1")
    for names in (
        {"record": "b5b5"},
        {"entry": "entry_0077"},
        {"scan": "never begun"},
        {"entry": opened["entry"], "scan": "never begun"},
    ):
        words = refused(daemon, **names)
        assert opened["entry"] in words
        assert "nothing was ended" in words
    with pytest.raises(ClientError, match="nothing was ended"):
        daemon.client.end(scan="other")
    assert daemon.proxy.state() == tango.DevState.RUNNING
    daemon.end_scan(scan="a1")
    assert "no scan is open" in refused(daemon, scan="never begun")


def test_an_abort_by_name_aborts_that_scan_and_no_other(daemon: Daemon):
    first = daemon.start_scan(scan="a1")
    daemon.end_scan()
    second = daemon.start_scan(scan="a2")
    assert "nothing was ended" in refused(daemon, abort=True, scan="a3")
    # It came too late: it is told how that scan ended, and the next one goes on.
    assert daemon.end_scan(abort=True, record=first["record"])["end_reason"] == "finished"
    assert daemon.proxy.currentScan == "phantom - a2"
    aborted = daemon.client.abort(entry=second["entry"])
    assert aborted
    assert (aborted.entry, aborted.end_reason) == (second["entry"], "aborted")
    assert daemon.end_scan(abort=True, scan="a2")["entry"] == second["entry"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"end_reason": "failed"}, "failed"),
        ({"end_reason": "USER_ABORT"}, "aborted"),
        ({"end_reason": "stop"}, "stopped"),
        ({"abort": True}, "aborted"),
        ({"abort": True, "end_reason": "failed"}, "failed"),
    ],
)
def test_one_call_ends_a_scan_with_how_and_why_it_ended_and_what_it_had_by_then(
    daemon: Daemon, request_: dict[str, object], expected: str
):
    daemon.start_scan()
    answer = daemon.end_scan(**request_, reason="limit switch of sx", parameters={"exposure": 0.5})
    assert (answer["end_reason"], answer["warnings"]) == (expected, [])
    shown = daemon.client.end(record=answer["record"])
    assert shown.end_reason == expected
    daemon.await_files()
    with h5py.File(answer["master"]) as file:
        assert file[f"{answer['entry']}/nxscribe/end_reason"].asstr()[()] == expected
        assert file[f"{answer['entry']}/nxscribe/reason"].asstr()[()] == "limit switch of sx"
        assert file[f"{answer['entry']}/instrument/control/exposure"][()] == 0.5
    findings = [one for one in validate(Path(answer["master"]), with_others=False).findings if "failed" in one.what]
    assert [one.what for one in findings] == ["the scan failed: limit switch of sx"] * (expected == "failed")
    shown_record = nxscribe("records", "show", daemon.config, answer["record"])
    assert f"{expected} 2" in shown_record
    assert "limit switch of sx" in shown_record


def test_links_of_a_start_and_an_end_are_in_the_entry_and_one_out_of_the_roots_is_told(daemon: Daemon):
    own = daemon.data / daemon.proposal / "sim" / "bliss.h5"
    own.parent.mkdir(parents=True)
    with h5py.File(own, "w") as file:
        file["1.1/title"] = "ascan"
    started = daemon.start_scan(links={"bliss": f"{own}::/1.1", "passwd": "/etc/passwd::/"})
    assert ["the link 'passwd' leads to" in one for one in started["warnings"]] == [True]
    ended = daemon.end_scan(links={"title": f"{own}::/1.1/title", "up": "../" * 20 + "up.h5", "n": 3})
    assert [one[: len("the link 'up'")] for one in ended["warnings"]] == ["links of 'n':", "the link 'up'"]
    daemon.await_files()
    with h5py.File(ended["master"]) as file:
        links = file[f"{ended['entry']}/links"]
        assert {name: links.get(name, getlink=True).filename for name in links} == {
            "bliss": "../bliss.h5",
            "title": "../bliss.h5",
        }
        assert links["title"].asstr()[()] == "ascan"


def test_a_missing_value_that_is_mandatory_is_told_apart_in_answer_status_and_file(daemon: Daemon):
    daemon.definition.write_text(
        daemon.definition.read_text()
        .replace("<broken ", '<broken ESRF_mandatory="Mandatory" ')
        .replace('<exposure NAPItype="NX_FLOAT"', '<exposure ESRF_mandatory="Mandatory" NAPItype="NX_FLOAT"')
    )
    assert daemon.proxy.Reload() == []
    # What the control system alone can set may still come.
    assert daemon.start_scan()["missing_mandatory"] == ["broken"]
    assert list(daemon.proxy.missingMandatory) == ["broken"]
    answer = daemon.end_scan()
    assert sorted(answer["missing_mandatory"]) == ["broken", "exposure"]
    assert sorted(daemon.client.show()["missingMandatory"]) == ["broken", "exposure"]  # type: ignore[call-overload]
    daemon.await_files()
    with h5py.File(answer["master"]) as file:
        listed = file[f"{answer['entry']}/nxscribe/missing_mandatory"].asstr()[()].tolist()
    assert listed == ["instrument/control/exposure", "instrument/control/broken"]


def test_numbers_beyond_all_measure_reach_the_file_or_the_list_of_what_is_missing(daemon: Daemon):
    exposures = ["[NaN, 1, -Infinity]", "1e999", "1" + "0" * 400]
    answers = []
    for exposure in exposures:
        daemon.start_scan()
        daemon.proxy.SetParameters(f'{{"exposure": {exposure}}}')
        answers.append(json.loads(daemon.proxy.EndScan('{"parameters": {"energy": [1.5, 1' + "0" * 400 + "]}}")))
    daemon.await_files()
    with h5py.File(answers[0]["master"]) as file:
        entries = [file[answer["entry"]] for answer in answers]
        assert str(entries[0]["instrument/control/exposure"][()].tolist()) == "[nan, 1.0, -inf]"
        for entry in entries[1:]:
            listed = (entry[f"nxscribe/{name}"].asstr()[()] for name in ("missing", "missing_reason"))
            assert "beyond" in dict(zip(*listed, strict=True))["instrument/control/exposure"]
