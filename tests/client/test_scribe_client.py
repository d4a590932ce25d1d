"""The client, as a control system's session has it: against a daemon that answers, refuses, hangs and comes back."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import date
from types import MappingProxyType

import h5py
import numpy as np
import pytest
from daemons import Daemon, wait_until
from fake_clock import FakeClock

from nxscribe.client import ClientError, ScribeClient
from nxscribe.client.answers import decode_answer, encode_answer

NOWHERE = "//localhost:1/sim/nxscribe/nowhere"
TIMEOUT_S = 0.5


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, with the client as `scribe`."""
    lines = f"from nxscribe.client import ScribeClient\nscribe = ScribeClient({NOWHERE!r}, timeout_s=30)\n{program}"
    return subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_it_loads_no_library_before_its_first_command():
    heavy = {"tango", "numpy", "h5py", "pydantic", "msgspec", "pint", "structlog", "typer"}
    program = f"import sys, nxscribe.client as c; c.ScribeClient('a/b/c'); print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_daemon_that_cannot_be_reached_stops_no_session(caplog: pytest.LogCaptureFixture):
    client = ScribeClient(NOWHERE, timeout_s=30)
    assert not client.start("ma1", "bone", "a1", "plain")
    assert client.show() == {}
    (first, *_) = warnings(caplog)
    assert first.startswith("StartScan: error: ")
    assert NOWHERE in first
    assert "nxscribe run" in first
    with pytest.raises(ClientError, match="cannot be reached"):
        ScribeClient(NOWHERE, timeout_s=30, raises=True).end()


def test_a_refusal_is_logged_and_leaves_the_scan_that_is_open(daemon: Daemon, caplog: pytest.LogCaptureFixture):
    client = ScribeClient(daemon.devices[0], timeout_s=30)
    opened = client.start(daemon.proposal, "bone", "a1", "plain")
    refused = client.start(daemon.proposal, "bone", "a2", "plain")
    assert not refused
    assert "bone - a1" in refused.warnings[0]
    assert not client.end(record=refused.record)
    assert not client.abort(record=refused.record)
    (told,) = warnings(caplog)
    assert "bone - a1" in told
    assert client.values(opened.record)["sampleName"]["value"] == "bone"  # type: ignore[index]
    ended = client.end(record=opened.record, end_reason="stopped", reason="seen enough")
    assert (ended.entry, ended.end_reason) == (opened.entry, "stopped")


def test_a_daemon_that_hangs_costs_one_time_out_a_minute_and_leaves_no_scan_open(
    daemon: Daemon, caplog: pytest.LogCaptureFixture
):
    clock = FakeClock()
    client = ScribeClient(daemon.devices[0], timeout_s=TIMEOUT_S, rest_s=60, clock=clock.monotonic)
    with daemon.stopped():
        assert not client.start(daemon.proposal, "bone", "a1", "plain")
        (told,) = warnings(caplog)
        assert "did not answer within 0.5 s" in told
        clock.advance(14)
        resting = client.start(daemon.proposal, "bone", "a2", "plain")
        assert not resting
        assert resting.warnings == (f"{daemon.devices[0]} failed a moment ago, and is left alone for 1 s",)
        assert warnings(caplog) == [told]
        clock.advance(2)
        assert not client.start(daemon.proposal, "bone", "a3", "plain")
        assert len(warnings(caplog)) == 2

    def started() -> str:  # what it was sent while it stood still may have opened a scan
        clock.advance(60)
        return client.start(daemon.proposal, "bone", "a4", "plain").record

    record = wait_until(started, "it records again", 60)
    assert daemon.proxy.currentScan == "bone - a4"
    assert daemon.client.end(record=record).end_reason == "finished"


def test_an_end_that_nobody_waits_for_still_ends_the_scan(daemon: Daemon):
    clock = FakeClock()
    client = ScribeClient(daemon.devices[0], timeout_s=TIMEOUT_S, clock=clock.monotonic)
    patient = ScribeClient(daemon.devices[0], timeout_s=30)
    opened = patient.start(daemon.proposal, "bone", "a1", "plain")
    with daemon.stopped():
        assert client.show() == {}
        assert not client.end({"exposure": 0.5}, record=opened.record)
    wait_until(lambda: daemon.proxy.currentScan == "", "the scan has ended", 60)


def test_an_end_without_an_answer_is_sent_again_with_its_values(daemon: Daemon):
    client = ScribeClient(daemon.devices[0], timeout_s=TIMEOUT_S, raises=True)
    opened = ScribeClient(daemon.devices[0], timeout_s=30).start(daemon.proposal, "bone", "a1", "plain")
    with daemon.stopped():
        with pytest.raises(ClientError, match="did not answer"):
            client.show()
        with pytest.raises(ClientError, match="did not answer"):  # it waits behind the other question, and is not sent
            client.end({"exposure": 0.5}, record=opened.record, end_reason="stopped")
    wait_until(lambda: daemon.proxy.currentScan == "", "the scan has ended", 60)
    assert daemon.client.values(opened.record)["exposure"]["value"] == 0.5  # type: ignore[index]
    assert daemon.client.end(record=opened.record).end_reason == "stopped"


def test_a_scan_whose_end_never_arrived_is_ended_before_the_next_one_starts(daemon: Daemon):
    clock = FakeClock()
    client = ScribeClient(daemon.devices[0], timeout_s=30, clock=clock.monotonic)
    opened = client.start(daemon.proposal, "bone", "a1", "plain")
    daemon.stop(signal.SIGKILL)
    assert not client.end({"exposure": 0.5})  # its start's answer has told which scan is meant
    assert not client.start(daemon.proposal, "bone", "a2", "plain")
    daemon.start()
    assert daemon.proxy.currentScan == "bone - a1"
    clock.advance(60)
    answer = client.start(daemon.proposal, "bone", "a3", "plain")
    assert daemon.proxy.currentScan == "bone - a3"
    assert client.end(record=answer.record).end_reason == "finished"
    assert client.end(record=opened.record).end_reason == "finished"
    assert client.values(opened.record)["exposure"]["value"] == 0.5  # type: ignore[index]


def test_a_start_that_takes_longer_than_the_time_out_is_aborted(daemon: Daemon):
    impatient = ScribeClient(daemon.devices[0], timeout_s=0.001)
    assert not impatient.start(daemon.proposal, "bone", "a1", "plain")
    patient = ScribeClient(daemon.devices[0], timeout_s=30)
    answer = wait_until(lambda: patient.start(daemon.proposal, "bone", "a2", "plain"), "no scan is open", 60)
    assert patient.end(record=answer.record).end_reason == "finished"


def test_a_start_that_ctrl_c_breaks_off_leaves_no_scan_open_and_makes_nobody_wait(daemon: Daemon):
    client = ScribeClient(daemon.devices[0], timeout_s=60, raises=True)
    assert client.show()  # its connection is there

    def start() -> None:
        threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        client.start(daemon.proposal, "bone", "a1", "plain")

    begun = time.monotonic()
    with daemon.stopped(), pytest.raises(KeyboardInterrupt):
        start()
    assert time.monotonic() - begun < 30, "it waited for the daemon after Ctrl-C"
    opened = client.start(daemon.proposal, "bone", "a2", "plain")
    assert opened
    assert client.end(record=opened.record).end_reason == "finished"


def test_links_and_the_session_are_sent(daemon: Daemon):
    client = ScribeClient(daemon.devices[0], timeout_s=30)
    opened = client.start(daemon.proposal, "bone", "a1", "plain", links={"out": "/etc/passwd::/"}, session="20260301")
    assert daemon.proxy.session == "20260301"
    ended = client.end(links={"too": "/etc/hosts::/"}, record=opened.record)
    told = [*opened.warnings, *ended.warnings]
    assert [one.partition(" leads to")[0] for one in told] == ["the link 'out'", "the link 'too'"]


def test_a_client_outlives_the_daemon_and_goes_on_with_the_next_one(daemon: Daemon):
    client = ScribeClient(daemon.devices[0], timeout_s=30, raises=True)
    first = client.start(daemon.proposal, "bone", "a1", "plain")
    daemon.stop(signal.SIGKILL)
    daemon.start()
    assert client.end(record=first.record).end_reason == "finished"
    daemon.stop()
    daemon.start()
    second = client.start(daemon.proposal, "bone", "a2", "plain")
    assert second.number == first.number + 1
    assert client.abort(record=second.record, end_reason="failed", reason="no beam").end_reason == "failed"


def test_an_answer_is_read_as_it_was_sent_and_what_is_new_in_it_is_left_out(daemon: Daemon):
    answer = daemon.client.start(daemon.proposal, "bone", "a1", "plain")
    told = {**json.loads(encode_answer(answer)), "invented_later": [1]}
    assert decode_answer(json.dumps(told)) == answer
    assert not decode_answer("")


def test_values_and_files_are_told_during_the_scan_and_placeholders_by_technique(daemon: Daemon):
    client = ScribeClient(daemon.devices[0], timeout_s=30)
    assert not client.set_parameters({"exposure": 0.5})
    assert client.start(daemon.proposal, "bone", "a1", "plain")
    assert client.set_parameters({"exposure": 0.5})
    assert client.name_file("tomo0000.h5")
    assert not client.name_file("")
    assert client.end()
    assert client.values()["exposure"]["value"] == 0.5
    assert {"sampleName", "exposure", "broken"} <= set(client.placeholders("plain"))
    assert ScribeClient(NOWHERE, timeout_s=30).placeholders("plain") == []


def test_files_that_an_end_names_of_no_detector_are_found_their_own(daemon: Daemon):
    client = ScribeClient(daemon.devices[0], timeout_s=30)
    opened = client.start(daemon.proposal, "bone", "a1", "plain")
    assert client.name_file("first.h5")
    ended = client.end(files={"": ["second.h5", "", "first.h5"]}, record=opened.record)
    (told,) = ended.warnings
    assert told == "a raw file is left out: '' names no file"
    daemon.await_files()
    with h5py.File(daemon.entry_file()) as file:
        (entry,) = file.values()
        pending = [text.partition(":")[0] for text in entry["nxscribe/pending"].asstr()[()]]
    assert [name.rpartition("/")[2] for name in pending] == ["first.h5", "second.h5"]


def test_what_macros_hold_is_sent_as_what_json_has(daemon: Daemon, caplog: pytest.LogCaptureFixture):
    client = ScribeClient(daemon.devices[0], timeout_s=30)
    endless: list[object] = []
    endless.append(endless)
    given = {"number": np.float32(0.5), "yes": np.True_, "day": date(2026, 3, 1), "endless": endless}
    opened = client.start(daemon.proposal, "bone", "a1", "plain", given)
    assert opened
    assert warnings(caplog) == ["endless is not sent: JSON has no form for its list"]
    assert client.set_parameters(MappingProxyType({"whole": np.arange(3), "long": np.longdouble(1)}))
    assert client.end({"exposure": np.float64(0.25), ("a", 1): 1}, frames={"pco": np.int64(3)})  # type: ignore[dict-item]
    values = client.values(opened.record)
    assert values["exposure"]["value"] == 0.25  # type: ignore[index]
    daemon.await_files()
    with h5py.File(daemon.entry_file()) as file:
        (entry,) = file.values()
        kept = entry["nxscribe/parameters"]
        texts = {name: node.asstr()[()] for name, node in kept.items() if h5py.check_string_dtype(node.dtype)}
        numbers = {name: node[()].tolist() for name, node in kept.items() if name not in texts}
    assert numbers == {"number": 0.5, "yes": True, "whole": [0, 1, 2], "__a___1_": 1}
    assert texts == {"day": "2026-03-01", "long": "1.0"}


def test_a_python_without_pytango_stops_no_session():
    done = run("import sys; sys.modules['tango'] = None\nprint(bool(scribe.start('ma1', 'bone', 'a1')), scribe.end())")
    assert done.stdout.startswith("False Answer(")
    assert "install it: pip install pytango" in done.stderr
    assert "Traceback" not in done.stderr


def test_commands_at_the_end_of_the_program_raise_nothing():
    ended = "import atexit\natexit.register(lambda: print(bool(scribe.start('ma1', 'bone', 'a1')), bool(scribe.end())))"
    done = run(ended)
    assert done.stdout == "False False\n"
    assert "Traceback" not in done.stderr
    assert "could not be asked" in done.stderr
