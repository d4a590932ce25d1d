from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
import tango
from readers import SUPPORT, TangoReader, attribute

from nxscribe.capture._cache import ReadingCache
from nxscribe.model import Reading, now
from nxscribe.sources.tango._addresses import attribute_address

LONG_S = 60.0
"""An age within which a test ends: what is this fresh is never read because of its age."""


@pytest.fixture(scope="module")
def _devices(serve_module) -> Iterator[str]:
    return iter(serve_module("pushing", 20).devices)


@pytest.fixture
def device(_devices: Iterator[str]) -> str:
    """A device that no other test has used."""
    return next(_devices)


def until(condition: Callable[[], bool], what: str, patience_s: float = 20.0) -> None:
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.005)


def taken(reader: TangoReader, attribute: str, max_age_s: float = LONG_S) -> Reading:
    return reader.read([attribute], time.monotonic() + 5, max_ages={attribute: max_age_s})[attribute]


def kept(reader: TangoReader, attribute: str, age_s: float = LONG_S) -> None:
    """Have an attribute kept fresh, and wait until it was heard."""
    reader.configure([attribute], max_ages={attribute: age_s})
    until(lambda: "heard" in way(reader), "it was never heard")


def way(reader: TangoReader) -> str:
    return next(iter(reader.kept_fresh.values()))


def told(reader: TangoReader, attribute: str) -> str:
    return next(how for name, how in reader.kept_fresh.items() if name.endswith(attribute))


@pytest.mark.parametrize(
    ("attribute", "events"),
    [
        ("pushed", "change events"),
        ("polled", "change events"),
        ("periodic", "periodic"),
        ("archived", "archive events"),
    ],
)
def test_a_change_is_known_by_the_events_that_the_attribute_has(reader, device, attribute, events):
    name = f"{device}/{attribute}"
    kept(reader, name)
    until(lambda: events in way(reader), way(reader))
    tango.DeviceProxy(device).value = 7.0
    until(lambda: taken(reader, name).value == 7.0, "no event came")


def test_listeners_hear_each_reading_of_what_is_kept_fresh_in_whatever_way_it_is_spelled(reader, device):
    one: list[Reading] = []
    other: list[Reading] = []
    listeners = {attribute(f"{device}/pushed"): one.append, attribute(f"{device.upper()}/pushed"): other.append}
    reader.reader.configure(listeners, dict.fromkeys(listeners, LONG_S), listeners=listeners)
    until(lambda: "events; heard" in way(reader), way(reader))
    tango.DeviceProxy(device).value = 7.0
    for heard in (one, other):
        until(lambda heard=heard: heard[-1:] and heard[-1].value == 7.0, "the event was not told")
    tango.DeviceProxy(device).SetInvalid(True)
    until(lambda: "INVALID" in one[-1].error, "it was not told that there is no value")


def test_a_value_that_is_fresh_enough_is_not_read(reader, device):
    name = f"{device}/pushed"
    kept(reader, name)
    until(lambda: "events" in way(reader), way(reader))
    proxy = tango.DeviceProxy(device)
    before = proxy.Reads("pushed")
    for _ in range(5):
        assert taken(reader, name).ok
    assert proxy.Reads("pushed") == before


def test_a_value_from_memory_tells_its_age_and_when_the_device_had_it(reader, device):
    name = f"{device}/pushed"
    kept(reader, name)
    until(lambda: taken(reader, name).details["age"] > 0.1, "it does not age")
    reading = taken(reader, name)
    old_s = (datetime.now(UTC) - reading.time).total_seconds()
    assert reading.details["age"] <= old_s + 1.0
    assert reading.unit == "mm"


def test_a_value_that_was_read_has_no_age(reader, device):
    assert "age" not in taken(reader, f"{device}/pushed").details


def test_without_events_it_is_read_before_it_is_too_old(reader, device):
    name = f"{device}/quiet"
    kept(reader, name, 0.2)
    until(lambda: way(reader).startswith("read; heard"), way(reader))
    tango.DeviceProxy(device).ChangeSilently(3.0)
    until(lambda: taken(reader, name).value == 3.0, "it was not read again")
    assert taken(reader, name, 0.2).details["age"] <= 0.2


def test_events_that_do_not_come_are_made_good_by_reading(reader, device):
    name = f"{device}/pushed"
    kept(reader, name, 0.2)
    until(lambda: "change events" in way(reader), way(reader))
    tango.DeviceProxy(device).ChangeSilently(5.0)
    until(lambda: taken(reader, name).value == 5.0, "the silence went unnoticed")


def test_what_is_too_old_is_read(reader, device):
    name = f"{device}/quiet"
    kept(reader, name)
    tango.DeviceProxy(device).ChangeSilently(4.0)
    assert taken(reader, name).value == 0.0
    reading = taken(reader, name, 1e-6)
    assert reading.value == 4.0
    assert "age" not in reading.details


def test_a_value_that_became_invalid_is_forgotten(reader, device):
    name = f"{device}/pushed"
    kept(reader, name)
    until(lambda: "change events" in way(reader), way(reader))
    tango.DeviceProxy(device).SetInvalid(True)
    until(lambda: not taken(reader, name).ok, "the old value is still given")


def test_what_is_not_to_be_kept_any_more_is_read(reader, device):
    name = f"{device}/pushed"
    kept(reader, name)
    reader.configure([name])
    until(lambda: "age" not in taken(reader, name).details, "it is still remembered")
    assert reader.kept_fresh == {}


def test_the_set_point_is_kept_as_well(reader, device):
    name = f"{device}/value#write"
    tango.DeviceProxy(device).value = 2.5
    kept(reader, name, 0.2)
    assert taken(reader, name).value == 2.5
    tango.DeviceProxy(device).value = 3.5
    until(lambda: taken(reader, name).value == 3.5, "it was not read again")


def test_a_server_that_dies_is_noticed_and_one_that_comes_back_is_heard_again(tango_host, serve):
    server = serve("pushing")
    name = f"{server.device}/pushed"
    with TangoReader(tango_host) as reader:
        kept(reader, name, 0.4)
        server.kill()
        until(lambda: not taken(reader, name, 0.4).ok, "a dead one is believed")
        server.start()
        tango.DeviceProxy(server.device).ChangeSilently(9.0)
        until(lambda: (now := taken(reader, name, 0.4)).ok and now.value == 9.0, "it was not found again")


def test_a_frozen_server_costs_others_nothing_while_it_is_subscribed_to(tango_host, serve, device):
    server = serve("pushing")
    with TangoReader(tango_host) as reader:
        sick, well = f"{server.device}/pushed", f"{device}/quiet"
        assert reader.read([sick, well], time.monotonic() + 5)[sick].ok
        server.freeze()
        reader.configure([], max_ages={sick: LONG_S, well: LONG_S})
        until(lambda: "heard" in told(reader, well), "the well one waits for the frozen one")
        begun = time.monotonic()
        assert reader.read([well], begun + 2)[well].ok
        assert time.monotonic() - begun < 0.5
        server.thaw()
        until(lambda: "change events" in told(reader, sick), told(reader, sick))


def test_a_misspelt_attribute_does_not_have_its_neighbours_subscribed_again_and_again(reader, device):
    good, bad = f"{device}/pushed", f"{device}/no_such"
    reader.configure([], max_ages={good: 0.2, bad: 0.2})
    until(lambda: "change events" in told(reader, good), told(reader, good))
    connections = next(iter(reader.workers.values()))._connection
    before = connections.connections
    for number in range(3):
        tango.DeviceProxy(device).value = float(number)
        until(lambda number=number: taken(reader, good).value == number, "no event came")
    time.sleep(0.5)  # some rounds of reading what is not there
    assert connections.connections == before
    assert "stopped" not in told(reader, good)


def test_a_slow_attribute_is_not_read_in_the_background_where_scans_read_its_neighbours(reader, serve):
    device = serve("faulty").device
    slow, quick = f"{device}/slow", f"{device}/healthy"
    tango.DeviceProxy(device).delay = 0.3
    reader.read([slow, quick], time.monotonic() + 5)
    reader.configure([slow, quick], max_ages={slow: 0.5})
    until(lambda: way(reader).startswith("read;"), way(reader))
    assert "age" not in taken(reader, slow).details
    proxy = tango.DeviceProxy(device)
    before = proxy.reads
    until(lambda: taken(reader, slow).details["age"] > 1.0, "it was read again")
    begun = time.monotonic()
    assert reader.read([quick], begun + 5)[quick].ok
    assert time.monotonic() - begun < 0.25
    assert proxy.reads == before


def test_who_asks_for_the_younger_value_decides_however_the_attribute_is_spelled(reader, device):
    name, other = f"{device}/quiet", f"{device}/Quiet"
    kept(reader, name)
    tango.DeviceProxy(device).ChangeSilently(8.0)
    readings = reader.read([name, other], time.monotonic() + 5, max_ages={name: LONG_S})
    assert readings[name].value == readings[other].value == 8.0


def test_what_was_heard_during_a_read_is_not_replaced_by_what_the_read_gave(tango_host):
    name, memory = attribute_address("a/b/c/d", tango_host), ReadingCache()
    memory.ages = {name: LONG_S}
    asked = time.monotonic()
    for value, at in ((2.0, time.monotonic()), (1.0, asked)):
        memory.hear({name: Reading(name.full, now(), np.asarray(value))}, at)
    assert memory.fresh(memory.ages)[name].value == 2.0


def test_many_devices_that_are_subscribed_to_at_once_are_all_heard(tango_host, serve):
    """In a program of its own: the first subscriptions of a program are what matters."""
    devices = serve("pushing", 16).devices
    script = """
import sys, time, tango
from readers import TangoReader
names = [f"{device}/pushed" for device in sys.argv[1:]]
until = time.monotonic() + 20
with TangoReader() as reader:
    reader.read(names, until)
    reader.configure(names, max_ages=dict.fromkeys(names, 600.0))
    while sum("change events" in how for how in reader.kept_fresh.values()) < len(names):
        assert time.monotonic() < until, reader.kept_fresh
        time.sleep(0.01)
    for device in sys.argv[1:]:
        tango.DeviceProxy(device).value = 7.0
    while any(one.value != 7.0 for one in reader.read(names, until, max_ages=dict.fromkeys(names, 600.0)).values()):
        assert time.monotonic() < until, "an event did not come"
        time.sleep(0.01)
"""
    env = {**os.environ, "PYTHONPATH": SUPPORT}
    subprocess.run([sys.executable, "-c", script, *devices], check=True, timeout=60, env=env)
