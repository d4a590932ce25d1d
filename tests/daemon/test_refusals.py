from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import h5py
import pytest
import tango
from daemons import DEFINITION, Daemon, wait_until


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(tango.DevFailed) as failure:
        call()
    error = failure.value.args[0]
    assert error.reason == "NXSCRIBE_Refused"
    assert "Traceback" not in error.desc
    return error.desc


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("proposal", "../etc"),
        ("proposal", "/etc"),
        ("sample", "a/b"),
        ("scan", ".."),
        ("scan", "a\nb"),
        ("scan", "a\x00b"),
        ("scan", "x" * 300),
        ("scan", ""),
        ("sample", " "),
    ],
)
def test_a_name_that_could_leave_the_data_root_is_refused(daemon: Daemon, part: str, name: str):
    before = set(daemon.data.rglob("*"))
    why = refused(lambda: daemon.start_scan(**{part: name}))
    assert part in why
    assert daemon.proxy.state() == tango.DevState.ON
    assert set(daemon.data.rglob("*")) == before


def test_an_unknown_technique_is_refused_with_those_known(daemon: Daemon):
    assert "plain" in refused(lambda: daemon.start_scan(technique="plane"))


def test_an_argument_that_is_no_json_is_refused_with_the_form_wanted(daemon: Daemon):
    assert '"proposal"' in refused(lambda: daemon.proxy.StartScan("start, please"))


@pytest.mark.parametrize("command", ["EndScan", "AbortScan", "SetParameters"])
def test_without_a_scan_there_is_nothing_to_end(daemon: Daemon, command: str):
    argument = {"EndScan": [""], "SetParameters": ["{}"]}.get(command, [])
    assert "no scan is open" in refused(lambda: daemon.proxy.command_inout(command, *argument))


def test_a_start_while_a_scan_runs_is_refused_and_harms_nothing(daemon: Daemon):
    daemon.start_scan()
    assert "phantom - a1" in refused(lambda: daemon.start_scan(scan="a2"))
    assert daemon.end_scan()["entry"] == "entry_0001"


def test_nothing_that_is_sent_with_an_end_leaves_its_scan_open(daemon: Daemon):
    daemon.start_scan()
    ended = daemon.end_scan(
        files={"pco": ["a.h5"], "b": 3}, frames={"pco": -1}, parmeters={}, reason="\ud800\0", end_reason="burst"
    )
    assert daemon.proxy.state() == tango.DevState.ON
    assert ended["end_reason"] == "finished"
    for number, told in enumerate(["files of 'b'", "frames of 'pco'", "'parmeters'", "'burst'", "no detector 'pco'"]):
        assert told in ended["warnings"][number]
    daemon.await_files()
    with h5py.File(ended["master"]) as file:
        entry = file[ended["entry"]]
        assert entry["nxscribe/reason"].asstr()[()] == "\\ud800\\x00"
        notes = entry["nxscribe/notes"].asstr()[()].tolist()
        assert notes == [f"of what the control system sent with the end: {one}" for one in ended["warnings"]]
        assert entry["measurement/files"].asstr()[()].tolist() == ["phantom/a1/a.h5"]


def test_a_bad_reload_leaves_the_last_good_definitions_and_a_good_one_mends_it(daemon: Daemon):
    daemon.definition.write_text(DEFINITION.replace("</group>", "</grop>", 1))
    (problem, *_) = daemon.proxy.Reload()
    assert "plain.xml:" in problem
    assert daemon.proxy.state() == tango.DevState.ALARM
    assert problem in daemon.proxy.troubles[0]
    daemon.start_scan()
    daemon.end_scan()
    daemon.definition.write_text(DEFINITION)
    assert daemon.proxy.Reload() == []
    assert daemon.proxy.state() == tango.DevState.ON


def test_a_data_folder_that_cannot_be_written_costs_no_trigger_and_mends_itself(make_daemon):
    daemon = make_daemon()
    obstacle = daemon.data / daemon.proposal
    obstacle.write_text("a file where a folder is wanted")
    daemon.start()
    daemon.start_scan()
    daemon.end_scan()
    wait_until(lambda: daemon.proxy.state() == tango.DevState.ALARM, "the trouble is shown")
    assert str(obstacle) in daemon.proxy.troubles[0]
    assert daemon.proxy.filesWaiting == 1
    obstacle.unlink()
    daemon.await_files()
    assert daemon.master.exists()
    assert daemon.proxy.state() == tango.DevState.ON


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nxscribe", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def test_a_daemon_with_an_unusable_definition_says_where_and_does_not_start(make_daemon):
    daemon = make_daemon()
    daemon.definition.write_text(DEFINITION.replace("NX_class", "NX_clas", 1))
    found = run("run", str(daemon.config))
    assert found.returncode == 1
    assert "plain.xml:1" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_daemon_with_an_unusable_config_says_where_and_does_not_start(make_daemon):
    daemon = make_daemon()
    daemon.config.write_text(daemon.config.read_text() + "techniks: {}\n")
    found = run("run", str(daemon.config))
    assert found.returncode == 1
    assert f"{daemon.config}:" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_database_that_is_down_is_waited_for_and_named_with_the_remedy(make_daemon):
    daemon = make_daemon()
    daemon.launch(TANGO_HOST="127.0.0.1:9")
    [waiting, *_] = wait_until(lambda: daemon.events("waiting for the Tango database"), "it says what it waits for")
    assert "127.0.0.1:9" in waiting["reason"]
    assert "check tango.host in the config, or TANGO_HOST" in waiting["reason"]
    assert daemon.stop() == 0


def test_an_address_that_is_none_is_refused_with_the_form_wanted(make_daemon):
    found = run("run", str(make_daemon().config), TANGO_HOST="orion")
    assert found.returncode == 1
    assert "'orion' is not the address of a Tango database; its form is host:port" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_second_server_of_a_name_is_refused_while_the_first_answers_and_takes_its_place_when_that_was_killed(
    make_daemon,
):
    first, second = make_daemon(), make_daemon()
    server = first.config.read_text().split("server: ")[1].split(",")[0]
    own = second.config.read_text().split("server: ")[1].split(",")[0]
    second.config.write_text(second.config.read_text().replace(f"server: {own}", f"server: {server}"))
    first.start()
    assert first.process
    found = run("run", str(second.config))
    assert found.returncode == 1
    assert f"a Tango server {server} runs already" in found.stderr
    assert f"as process {first.process.pid}" in found.stderr
    first.process.kill()
    first.process.wait()
    second.start()
    [taken] = second.events("the database has an earlier run of this server, which does not answer: its place is taken")
    assert taken["process"] == first.process.pid
    assert second.stop() == 0


def test_a_client_without_a_daemon_is_told_what_to_do(tango_host: str):
    found = run("scan", "status", "--device", "sim/nxscribe/nowhere")
    assert found.returncode == 1
    assert "nxscribe run" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_raw_file_named_outside_a_scan_is_refused_and_so_is_what_names_no_file(daemon: Daemon):
    proxy = daemon.proxy

    def name(text: str) -> None:
        proxy.lastDataFile = text

    assert "no scan is open" in refused(lambda: name("a.edf"))
    daemon.start_scan()
    for text in ("", " ", "folder/"):
        assert "names no file" in refused(lambda text=text: name(text))
    daemon.end_scan()
    assert "no scan is open" in refused(lambda: name("a.edf"))
