from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

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
def test_a_name_that_could_leave_the_data_root_is_refused(shared_daemon: Daemon, part: str, name: str):
    why = refused(lambda: shared_daemon.start_scan(**{part: name}))
    assert part in why
    assert shared_daemon.proxy.state() == tango.DevState.ON
    assert list(shared_daemon.data.rglob("*")) == []


def test_an_unknown_technique_is_refused_with_those_known(shared_daemon: Daemon):
    assert "plain" in refused(lambda: shared_daemon.start_scan(technique="plane"))


def test_an_argument_that_is_no_json_is_refused_with_the_form_wanted(shared_daemon: Daemon):
    assert '"proposal"' in refused(lambda: shared_daemon.proxy.StartScan("start, please"))


@pytest.mark.parametrize("command", ["EndScan", "AbortScan", "SetParameters"])
def test_without_a_scan_there_is_nothing_to_end(shared_daemon: Daemon, command: str):
    argument = {"EndScan": [""], "SetParameters": ["{}"]}.get(command, [])
    assert "no scan is open" in refused(lambda: shared_daemon.proxy.command_inout(command, *argument))


def test_a_start_while_a_scan_runs_is_refused_and_harms_nothing(daemon: Daemon):
    daemon.start_scan()
    assert "phantom - a1" in refused(lambda: daemon.start_scan(scan="a2"))
    assert daemon.end_scan()["entry"] == "entry_0001"


def test_files_of_an_unknown_detector_are_refused_and_the_scan_goes_on(daemon: Daemon):
    daemon.start_scan()
    assert "no detector 'pco'" in refused(lambda: daemon.end_scan(files={"pco": ["/raw/a.h5"]}))
    assert daemon.proxy.state() == tango.DevState.RUNNING
    daemon.end_scan()


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
    obstacle = daemon.data / "ma2210"
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


def test_an_unreachable_database_is_named_with_its_remedy(make_daemon):
    found = run("run", str(make_daemon().config), TANGO_HOST="127.0.0.1:1")
    assert found.returncode == 1
    assert "TANGO_HOST" in found.stderr
    assert "Traceback" not in found.stderr


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
