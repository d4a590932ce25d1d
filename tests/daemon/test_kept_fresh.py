"""Sources with a `max_age_s`: scans take them from memory, and say how old they are."""

from __future__ import annotations

import json
from collections.abc import Callable

import h5py
import pytest
import tango
from daemons import Daemon, wait_until


@pytest.fixture
def pushing(serve: Callable[..., object]) -> tango.DeviceProxy:
    """A device that pushes the events of `pushed`, and counts how often it is read."""
    return tango.DeviceProxy(serve("pushing").device)


@pytest.fixture
def remembering(make_daemon: Callable[..., Daemon], pushing: tango.DeviceProxy) -> Daemon:
    """A daemon that keeps `pushed` fresh for its ring current, which it reads at the start and at the end."""
    daemon = make_daemon()
    source = f"{{tango: {pushing.dev_name()}/pushed, unit: mA, max_age_s: 600}}"
    daemon.config.write_text(daemon.config.read_text().replace("sim/machine/ring/current", source))
    daemon.start()
    wait_until(lambda: "change events" in kept(daemon), "the source is kept fresh by its events")
    return daemon


def kept(daemon: Daemon) -> str:
    return " ".join(daemon.proxy.keptFresh or ())


def current(daemon: Daemon) -> float | None:
    """What a scan would get."""
    answer = json.loads(daemon.proxy.PreviewLive("plain"))
    instrument = next(node for node in answer["entry"]["children"] if node["name"] == "instrument")
    source = next(node for node in instrument["children"] if node["name"] == "source")
    return source["children"][0].get("live", {}).get("value")


def entry(daemon: Daemon, answer: dict[str, object]) -> dict[str, tuple[float, dict[str, object]]]:
    """The two fields of the ring current, with their attributes."""
    daemon.await_files()
    with h5py.File(answer["master"]) as file:
        source = file[f"{answer['entry']}/instrument/source"]
        return {
            name: (float(field[()]), dict(field.attrs)) for name, field in source.items() if name.startswith("current")
        }


def test_a_scan_takes_what_is_kept_fresh_without_a_read_and_says_its_age(remembering, pushing):
    pushing.value = 150.0
    wait_until(lambda: current(remembering) == 150.0, "the event has come")
    # Only now: once its events have begun, it is read once more.
    before = pushing.Reads("pushed")
    remembering.start_scan()
    pushing.value = 160.0
    wait_until(lambda: current(remembering) == 160.0, "the event has come")
    written = entry(remembering, remembering.end_scan())
    assert pushing.Reads("pushed") == before
    assert written["current_start"][0] == 150.0
    assert written["current_end"][0] == 160.0
    assert all(0 <= attributes["age"] < 600 for _, attributes in written.values())


def test_the_end_reads_afresh_where_the_config_says_so(remembering, pushing):
    remembering.config.write_text(remembering.config.read_text() + "afresh_at_end: true\n")
    assert remembering.proxy.Reload() in (None, [])
    remembering.start_scan()
    pushing.ChangeSilently(170.0)
    written = entry(remembering, remembering.end_scan())
    assert written["current_start"][0] == 0.0
    assert written["current_end"][0] == 170.0
    assert "age" in written["current_start"][1]
    assert "age" not in written["current_end"][1]


def test_a_source_that_is_no_longer_to_be_kept_is_read(remembering, pushing):
    remembering.config.write_text(remembering.config.read_text().replace(", max_age_s: 600", ""))
    assert remembering.proxy.Reload() in (None, [])
    wait_until(lambda: not kept(remembering), "it is let go")
    before = pushing.Reads("pushed")
    remembering.start_scan()
    assert pushing.Reads("pushed") > before


def test_the_device_shows_what_takes_longest_and_who_is_sick(make_daemon, serve):
    server = serve("faulty")
    daemon = make_daemon()
    daemon.config.write_text(
        daemon.config.read_text().replace("sim/mono/dcm/no_such_attribute", f"{server.device}/slow")
    )
    tango.DeviceProxy(server.device).delay = 0.2
    daemon.start()
    wait_until(
        lambda: f"{server.device}/slow: 0.2" in (daemon.proxy.slowestReadings or [""])[0], "the slowest is shown first"
    )
    assert not daemon.proxy.sickDevices
    server.kill()
    daemon.start_scan()
    wait_until(lambda: server.device in " ".join(daemon.proxy.sickDevices or ()), "the dead one is shown")
