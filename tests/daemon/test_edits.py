"""Edits of a running beamline's files, as operators and control systems see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import tango
from daemons import Daemon, wait_until


def test_a_bad_edit_alarms_and_a_good_one_clears_it(daemon: Daemon):
    good = daemon.definition.read_text()
    daemon.definition.write_text(good.replace("</title>", ""))
    wait_until(lambda: daemon.proxy.state() == tango.DevState.ALARM, "the edit is noticed")
    assert "plain.xml:" in daemon.proxy.status()
    assert any("plain.xml:" in trouble for trouble in daemon.proxy.troubles)
    assert any(
        "plain.xml:" in problem
        for line in daemon.await_events("reload refused, the last good definitions stay in force")
        for problem in line["problems"]
    )
    # The last good set serves all the same.
    assert daemon.start_scan()["entry"] == "entry_0001"
    daemon.end_scan()
    daemon.definition.write_text(good)
    wait_until(lambda: daemon.proxy.state() == tango.DevState.ON, "the alarm is cleared")


def test_a_good_edit_is_in_force_at_the_next_scan_without_a_word_to_the_daemon(daemon: Daemon):
    daemon.start_scan(parameters={"exposure": 1.0})
    daemon.definition.write_text(daemon.definition.read_text().replace("${exposure}", "${duration}"))
    wait_until(lambda: daemon.events("reloaded"), "the edit is in force")
    assert "exposure" not in daemon.end_scan(parameters={"duration": 1.0})["missing"]
    assert "duration" in daemon.start_scan()["missing"]
    daemon.end_scan()


def test_a_restart_on_a_broken_set_serves_the_last_good_one_and_alarms_until_it_is_mended(daemon: Daemon):
    daemon.start_scan(parameters={"exposure": 1.0})
    good = daemon.definition.read_text()
    daemon.definition.write_text(good.replace("</title>", ""))
    wait_until(lambda: daemon.proxy.troubles, "the edit is noticed")
    daemon.stop()
    daemon.start()
    assert daemon.proxy.state() == tango.DevState.RUNNING
    assert "plain.xml:" in daemon.proxy.status()
    said = "the files cannot be used, the last good definitions are in force"
    [line] = wait_until(lambda: daemon.events(said), "the start says so")
    assert "plain.xml:" in line["problems"][0]
    assert daemon.end_scan()["entry"] == "entry_0001"
    assert daemon.proxy.state() == tango.DevState.ALARM
    assert daemon.start_scan()["entry"] == "entry_0002"
    daemon.end_scan()
    assert any("plain.xml:" in trouble for trouble in daemon.proxy.troubles)
    daemon.definition.write_text(good)
    wait_until(lambda: daemon.proxy.state() == tango.DevState.ON, "the alarm is cleared")


def test_a_first_start_on_a_broken_set_is_refused_with_its_problems(make_daemon: Callable[..., Daemon]):
    daemon = make_daemon()
    daemon.definition.write_text("<group")
    with pytest.raises(AssertionError, match=r"plain\.xml:1:1: error: a tag is not closed"):
        daemon.start()
    assert daemon.process.wait() == 1


def test_a_misspelt_device_is_shown_as_sick_until_an_edit_mends_its_name(make_daemon: Callable[..., Daemon]):
    daemon = make_daemon()
    good = daemon.config.read_text()
    daemon.config.write_text(good.replace("sim/machine/ring/current", "{tango: sim/machin/ring/current, max_age_s: 5}"))
    daemon.start()
    wait_until(lambda: "sim/machin/ring" in "".join(daemon.proxy.sickDevices or ()), "it is sick")
    assert "sim/machin/ring" in "".join(daemon.proxy.keptFresh or ())
    daemon.config.write_text(good)
    wait_until(lambda: daemon.events("reloaded"), "the edit is in force")
    assert not daemon.proxy.sickDevices
    assert not daemon.proxy.keptFresh
    assert "sim/machin/ring" not in "".join(daemon.proxy.slowestReadings or ())
    assert daemon.is_read("current")
