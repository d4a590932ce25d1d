from __future__ import annotations

import json
import stat
from datetime import datetime

import h5py
import pytest
import tango
from daemons import Daemon, wait_until

from nxscribe.records import read_record


def value(file: h5py.File, path: str):
    return file[path].asstr()[()] if h5py.check_string_dtype(file[path].dtype) else file[path][()]


def test_a_scan_becomes_one_complete_read_only_entry(daemon: Daemon):
    started = daemon.start_scan(parameters={"exposure": 0.25})
    assert started["entry"] == "entry_0001"
    assert started["master"] == str(daemon.master)
    ended = daemon.end_scan()
    assert ended["end_reason"] == "finished"
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        assert value(master, "entry_0001/title") == "phantom - a1"
        assert value(master, "entry_0001/instrument/control/exposure") == 0.25
        start, end = (datetime.fromisoformat(value(master, f"entry_0001/{name}_time")) for name in ("start", "end"))
        assert start.tzinfo
        assert start < end
    assert stat.S_IMODE(daemon.entry_file().stat().st_mode) == 0o444


def test_what_is_in_the_file_is_what_the_device_gave(daemon: Daemon):
    device = tango.DeviceProxy("sim/mono/dcm")
    daemon.start_scan()
    expected = device.read_attribute("energy")
    daemon.end_scan()
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        energy = master["entry_0001/instrument/monochromator/energy"]
        assert energy[()] == pytest.approx(expected.value, rel=1e-3)
        assert energy.attrs["units"] == "keV"
        assert energy.attrs["source"].endswith("sim/mono/dcm/energy")
        assert abs(datetime.fromisoformat(energy.attrs["timestamp"]).timestamp() - expected.time.totime()) < 5


def test_initial_and_final_readings_differ_as_the_beam_does(daemon: Daemon):
    daemon.start_scan()
    ring = tango.DeviceProxy("sim/machine/ring")
    before = ring.current
    wait_until(lambda: ring.current != before, "the ring current drifts")
    daemon.end_scan()
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        source = master["entry_0001/instrument/source"]
        assert source["current_start"][()] != source["current_end"][()]


def test_the_entry_can_be_opened_while_the_scan_runs(daemon: Daemon):
    daemon.start_scan()
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        assert value(master, "entry_0001/title") == "phantom - a1"
        assert "end_time" not in master["entry_0001"]
    daemon.end_scan()


def test_what_could_not_be_read_is_absent_and_accounted_for(daemon: Daemon):
    started = daemon.start_scan()
    assert set(started["missing"]) == {"broken", "exposure"}
    assert "no_such_attribute" in started["missing"]["broken"]
    daemon.end_scan()
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        entry = master["entry_0001"]
        assert "instrument/control/broken" not in entry
        listed = dict(zip(entry["nxscribe/missing"].asstr(), entry["nxscribe/missing_reason"].asstr(), strict=True))
        assert any("no_such_attribute" in why for path, why in listed.items() if "broken" in path)


def test_two_scans_of_one_experiment_stand_in_one_master(daemon: Daemon):
    for name in ("a1", "a2"):
        daemon.start_scan(scan=name)
        daemon.end_scan()
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        titles = [value(master, f"{entry}/title") for entry in sorted(master) if entry.startswith("entry")]
    assert titles == ["phantom - a1", "phantom - a2"]


def test_two_experiments_run_at_once_on_two_sessions(make_daemon):
    daemon = make_daemon(sessions=2).start()
    first, second = map(tango.DeviceProxy, daemon.devices)
    first.StartScan(daemon.request(proposal="ma2210"))
    second.StartScan(daemon.request(proposal="hg7"))
    assert first.currentScan == second.currentScan == "phantom - a1"
    second.EndScan("")
    first.EndScan("")
    daemon.await_files()
    for proposal in ("ma2210", "hg7"):
        with h5py.File(daemon.data / proposal / "sim" / f"{proposal}-sim.h5") as master:
            assert value(master, "entry_0001/title") == "phantom - a1"


def test_an_aborted_scan_is_complete_and_says_so(daemon: Daemon):
    daemon.start_scan()
    assert json.loads(daemon.proxy.AbortScan())["end_reason"] == "aborted"
    assert daemon.proxy.state() == tango.DevState.ON
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        assert value(master, "entry_0001/nxscribe/end_reason") == "aborted"
        assert "current_end" in master["entry_0001/instrument/source"]


def test_what_the_control_system_sets_wins_over_what_is_read(daemon: Daemon):
    daemon.start_scan()
    daemon.proxy.SetParameters(json.dumps({"energy": {"value": 17000, "unit": "eV"}}))
    daemon.end_scan(parameters={"broken": 1.5})
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        energy = master["entry_0001/instrument/monochromator/energy"]
        assert energy[()] == pytest.approx(17.0)
        assert energy.attrs["source"] == "parameter"
        assert master["entry_0001/instrument/control/broken"][()] == 1.5


def test_a_trigger_is_answered_after_its_record_is_in_the_journal(daemon: Daemon):
    answer = daemon.start_scan()
    record, _ = read_record(daemon.state / "journal.sqlite", answer["record"])
    assert record.initial.readings["energy"].ok
    assert record.is_open


def test_every_change_is_an_event(daemon: Daemon):
    told: list[tuple[str, object]] = []

    def note(event: tango.EventData) -> None:
        if not event.err:
            told.append((event.attr_value.name.lower(), event.attr_value.value))

    proxy = daemon.proxy
    for name in ("State", "currentScan", "lastFile", "missingValues", "startDeadTime", "filesWaiting"):
        proxy.subscribe_event(name, tango.EventType.CHANGE_EVENT, note)
    daemon.start_scan()
    wait_until(lambda: ("currentscan", "phantom - a1") in told, "the scan's name is told")
    wait_until(lambda: ("state", tango.DevState.RUNNING) in told, "RUNNING is told")
    daemon.end_scan()
    wait_until(lambda: told.count(("state", tango.DevState.ON)) >= 2, "ON is told")
    wait_until(lambda: any(n == "lastfile" and str(v).endswith("entry_0001.h5") for n, v in told), "the file is told")
    assert any(name == "startdeadtime" and seen > 0 for name, seen in told)


def test_each_line_of_a_trigger_says_whose_it_is(daemon: Daemon):
    daemon.start_scan()
    daemon.end_scan()
    for event, phase in (("scan started", "initial"), ("scan ended", "final")):
        (line,) = daemon.await_events(event)
        assert (line["beamline"], line["experiment"], line["scan"], line["phase"]) == (
            "sim", daemon.proposal, "phantom - a1", phase,
        )  # fmt: skip
