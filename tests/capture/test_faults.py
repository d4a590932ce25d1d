from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import tango
from readers import SUPPORT, TangoReader, attribute
from silence import silence_on
from tango.test_context import parse_ior

from nxscribe.model import Reading, now
from nxscribe.simulation import TangoDatabase
from nxscribe.sources import Address, SourceError
from nxscribe.sources.tango._addresses import attribute_address
from nxscribe.sources.tango._attribute_connection import AttributeConnection
from nxscribe.sources.tango._configuration_events import ConfigurationFollower

DEADLINE_S = 0.6
SLACK_S = 0.25
"""What an answer may come later than the deadline on a busy machine; the program's own part is a few milliseconds."""
SOON_S = 0.3
"""What a read takes at most that waits for nobody sick."""


@pytest.fixture(scope="module")
def _devices(serve_module) -> Iterator[str]:
    return iter(serve_module("faulty", 26).devices)


@pytest.fixture
def device(_devices: Iterator[str]) -> str:
    """A device that no other test has used, in a server that they share."""
    return next(_devices)


@pytest.fixture
def another(_devices: Iterator[str]) -> str:
    """Another one."""
    return next(_devices)


def read(reader: TangoReader, *names: str, deadline_s: float = DEADLINE_S, **options) -> dict[str, Reading]:
    """The readings by attribute; the deadline is seen to be kept."""
    started = time.monotonic()
    readings = reader.read(names, started + deadline_s, **options)
    assert time.monotonic() - started < deadline_s + SLACK_S
    return {name.rpartition("/")[2]: readings[name] for name in names}


def values(readings: dict[str, Reading]) -> dict[str, float]:
    return {name: reading.value.item() for name, reading in readings.items() if reading.ok}


@contextmanager
def takes_less_than(limit_s: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < limit_s


def wait_until(condition: Callable[[], object], timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def all_well(reader: TangoReader, *names: str) -> bool:
    return all(reading.ok for reading in reader.read(names, time.monotonic() + DEADLINE_S).values())


def test_an_unknown_attribute_does_not_harm_its_neighbours(reader, device):
    readings = read(reader, f"{device}/before", f"{device}/nonsense", f"{device}/healthy")
    assert values(readings) == {"before": 1.0, "healthy": 2.0}
    assert "does not have this attribute" in readings["nonsense"].error


def test_an_unknown_device_is_told_at_once(reader):
    with takes_less_than(SOON_S):
        reading = read(reader, "no/such/device/energy")["energy"]
    assert "the Tango database does not know this device" in reading.error
    assert "correct the name in the source" in reading.error


@pytest.mark.parametrize("name", ["beam energy", "a/b/energy", "", "a/b/c/d/e", "host/a/b/c/d"])
def test_what_is_no_name_is_told(reader, name):
    reading = reader.read([name], time.monotonic() + DEADLINE_S)[name]
    assert "is not a Tango attribute" in reading.error


def test_a_server_that_was_stopped_is_told_at_once(reader, serve):
    server = serve("faulty")
    server.stop()
    with takes_less_than(SOON_S):
        reading = read(reader, f"{server.device}/healthy")["healthy"]
    assert "its server is not running" in reading.error
    assert "start the device server" in reading.error


def test_a_dead_server_costs_its_neighbours_nothing(reader, serve, device):
    dead = serve("faulty")
    names = [f"{dead.device}/before", f"{device}/healthy"]
    assert len(values(read(reader, *names))) == 2
    dead.kill()
    for _ in range(3):
        with takes_less_than(SOON_S):
            assert values(read(reader, *names)) == {"healthy": 2.0}


def test_a_restarted_server_is_found_again(reader, serve):
    server = serve("faulty")
    name = f"{server.device}/healthy"
    assert all_well(reader, name)
    server.kill()
    assert not all_well(reader, name)
    server.start()
    wait_until(lambda: all_well(reader, name), 5)


def test_a_server_restarted_between_two_reads_is_not_noticed(reader, serve):
    server = serve("faulty")
    name = f"{server.device}/healthy"
    assert all_well(reader, name)
    server.stop()
    server.start()
    assert all_well(reader, name)


def test_a_server_that_dies_during_the_read_costs_no_more_than_its_own_readings(reader, serve, device):
    server = serve("faulty")
    names = [f"{server.device}/slow", f"{device}/healthy"]
    assert all_well(reader, *names)
    tango.DeviceProxy(server.device).delay = 20.0
    killer = threading.Timer(0.2, server.kill)
    killer.start()
    with takes_less_than(5.0):
        readings = reader.read(names, time.monotonic() + 20)
    killer.join()
    assert readings[names[1]].ok
    assert "server" in readings[names[0]].error
    server.start()
    wait_until(lambda: all_well(reader, *names))


def test_a_frozen_server_costs_the_deadline_once_and_then_nothing(reader, serve, device):
    frozen = serve("faulty")
    names = [f"{frozen.device}/before", f"{device}/healthy"]
    assert len(values(read(reader, *names))) == 2
    frozen.freeze()
    assert values(read(reader, *names)) == {"healthy": 2.0}
    with takes_less_than(SOON_S):
        readings = read(reader, *names)
    assert values(readings) == {"healthy": 2.0}
    assert "its device has been failing since" in readings["before"].error
    assert frozen.device in "".join(reader.troubles)
    frozen.thaw()
    wait_until(lambda: all_well(reader, *names))
    assert not reader.troubles


def test_a_slow_attribute_that_was_met_before_does_not_harm_its_neighbours(reader, device):
    tango.DeviceProxy(device).delay = 0.9
    names = [f"{device}/{name}" for name in ("before", "slow", "healthy")]
    reader.configure(names)
    wait_until(lambda: len(_known(reader, device)) == 3)
    with takes_less_than(SOON_S):
        readings = read(reader, *names)
    assert values(readings) == {"before": 1.0, "healthy": 2.0}
    assert "takes 0.9" in readings["slow"].error
    assert "limits.deadline_s" in readings["slow"].error


def _known(reader: TangoReader, device: str) -> dict:
    return next(found for found in reader.workers.values() if found.name.endswith(device))._latencies._seconds


def test_a_slow_attribute_met_for_the_first_time_costs_the_deadline_once(reader, device):
    tango.DeviceProxy(device).delay = 1.2
    names = [f"{device}/{name}" for name in ("before", "slow", "healthy")]
    since = now()
    assert "slow" not in values(read(reader, *names))
    # Late, but it came.
    wait_until(lambda: reader.reader.late(attribute(names[1]), since))
    assert reader.reader.late(attribute(names[1]), since).value == 4.0
    wait_until(lambda: not reader.troubles)
    with takes_less_than(SOON_S):
        assert values(read(reader, *names)) == {"before": 1.0, "healthy": 2.0}


def test_an_attribute_that_becomes_slow_is_found_out(reader, device):
    names = [f"{device}/{name}" for name in ("before", "slow", "healthy", "zealous")]
    assert all_well(reader, *names)
    tango.DeviceProxy(device).delay = 1.2
    assert values(read(reader, *names)) == {}
    wait_until(lambda: not reader.troubles)
    assert values(read(reader, *names)) == {"before": 1.0, "healthy": 2.0, "zealous": 3.0}


def test_where_requests_are_served_side_by_side_the_neighbours_are_had_at_once(reader, serve):
    device = serve("sidebyside").device
    names = [f"{device}/{name}" for name in ("slow", "before", "healthy", "zealous")]
    assert all_well(reader, *names)
    tango.DeviceProxy(device).delay = 1.2
    assert values(read(reader, *names)) == {"before": 1.0, "healthy": 2.0, "zealous": 3.0}


def test_an_attribute_with_a_timeout_of_its_own_is_not_waited_for_longer(reader, device):
    tango.DeviceProxy(device).delay = 1.2
    names = [f"{device}/{name}" for name in ("before", "slow", "healthy")]
    with takes_less_than(0.1 + SLACK_S):
        readings = read(reader, *names, deadline_s=5.0, timeouts={names[1]: 0.1})
    assert values(readings) == {"before": 1.0, "healthy": 2.0}
    assert "did not answer in time" in readings["slow"].error


def test_timeouts_for_all_attributes_do_not_make_requests_of_each(reader, device):
    names = [f"{device}/{name}" for name in ("before", "slow", "healthy", "zealous")]
    timeouts = dict.fromkeys(names, 0.2)
    read(reader, *names, timeouts=timeouts)
    requests: list[int] = []
    link = next(iter(reader.workers.values()))._connection
    plain = link.read
    link.read = lambda names, timeout_s, **options: requests.append(len(names)) or plain(names, timeout_s, **options)
    assert len(values(read(reader, *names, timeouts=timeouts))) == 4
    assert requests == [4]
    tango.DeviceProxy(device).delay = 0.6
    with takes_less_than(0.2 + SLACK_S):
        read(reader, *names, deadline_s=5.0, timeouts=timeouts)


def test_a_hanging_device_does_not_harm_its_sibling_in_the_same_server(reader, device, another):
    hanging, sibling = device, another
    tango.DeviceProxy(hanging).delay = 1.0
    names = [f"{hanging}/slow", f"{sibling}/healthy"]
    for _ in range(5):
        assert values(read(reader, *names, deadline_s=0.1)) == {"healthy": 2.0}
    assert tango.DeviceProxy(sibling).reads == 0
    # Five reads did not become five requests.
    wait_until(lambda: _answers(hanging))
    assert tango.DeviceProxy(hanging).reads < 5


def _answers(device: str) -> bool:
    try:
        tango.DeviceProxy(device).read_attribute("reads")
    except tango.DevFailed:
        return False
    return True


def test_a_device_that_hangs_holds_up_none_that_is_asked_after_it(reader, device, another):
    tango.DeviceProxy(device).delay = 1.0
    for _ in range(2):  # the second time it is still busy
        assert values(read(reader, f"{device}/slow", f"{another}/healthy", deadline_s=0.3)) == {"healthy": 2.0}


def test_half_of_the_devices_gone_leaves_the_other_half(reader, serve, device, another):
    gone = serve("faulty", 2)
    names = [f"{device}/healthy" for device in (*gone.devices, device, another)]
    assert all_well(reader, *names)
    gone.freeze()
    for _ in range(2):
        readings = reader.read(names, time.monotonic() + DEADLINE_S)
        assert [name for name in names if readings[name].ok] == names[2:]


def test_a_silent_host_costs_the_deadline_once_and_then_nothing(reader, serve, device):
    server = serve("faulty")
    port = parse_ior(tango.Database().get_device_info(server.device).ior).port
    names = [f"{server.device}/before", f"{device}/healthy"]
    server.kill()
    with silence_on(port):
        assert values(read(reader, *names)) == {"healthy": 2.0}
        with takes_less_than(SOON_S):
            assert values(read(reader, *names)) == {"healthy": 2.0}


def test_without_its_database_a_device_that_is_known_is_still_read(device, tango_host):
    with TangoDatabase() as database:
        host, port = database.host.split(":")
        info = tango.DbDevInfo()
        info.server, info._class, info.name = "gone/gone", "Gone", "gone/gone/1"
        tango.Database(host, port).add_device(info)
        with TangoReader(database.host) as reader:
            foreign = f"{tango_host}/{device}/healthy"
            assert read(reader, foreign, deadline_s=2)["healthy"].ok
            database.process.stop()
            readings = read(reader, foreign, "gone/gone/1/x", deadline_s=2)
            assert readings["healthy"].ok
            assert "database" in readings["x"].error


def test_stop_ends_a_read_at_once_with_what_is_there(reader, device, another):
    tango.DeviceProxy(device).delay = 3.0
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with takes_less_than(0.2 + SLACK_S):
        readings = read(reader, f"{device}/slow", f"{another}/healthy", deadline_s=10, stop=stop)
    assert values(readings) == {"healthy": 2.0}
    assert not readings["slow"].ok


def test_names_that_differ_in_case_are_the_same_attribute(reader, device):
    names = [f"{device}/healthy", f"{device.upper()}/HEALTHY", f"tango://{os.environ['TANGO_HOST']}/{device}/Healthy"]
    readings = reader.read(names, time.monotonic() + DEADLINE_S)
    assert [readings[name].value for name in names] == [2.0, 2.0, 2.0]


def test_a_device_of_a_foreign_database_is_read_by_its_full_name(reader, device):
    with TangoDatabase() as home, TangoReader(home.host) as stranger:
        assert not stranger.read([f"{device}/healthy"], time.monotonic() + 2)[f"{device}/healthy"].ok
        name = f"{os.environ['TANGO_HOST']}/{device}/healthy"
        reading = stranger.read([name], time.monotonic() + 2)[name]
    assert reading.value == 2.0
    assert reading.source == name


def test_two_threads_read_the_same_device_at_the_same_time(reader, device):
    names = [f"{device}/before", f"{device}/healthy"]
    found: list[bool] = []

    def work() -> None:
        found.extend(all_well(reader, *names) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 100


def test_closing_leaves_no_thread(tango_host, device):
    before = threading.active_count()
    with TangoReader() as reader:
        assert all_well(reader, f"{device}/healthy")
        assert threading.active_count() == before + 2  # its device's, and the one that follows units
    assert threading.active_count() == before


def test_closing_does_not_wait_for_a_device_that_hangs(tango_host, device):
    tango.DeviceProxy(device).delay = 3.0
    reader = TangoReader()
    read(reader, f"{device}/slow", deadline_s=0.1)
    with takes_less_than(1.5):
        reader.close()


def test_a_property_is_read_from_the_database(reader, device):
    tango.DeviceProxy(device).put_property({"Serial": "SN 7", "Lines": ["a", "b"]})
    names = [f"{device}/Serial", f"{device}/Lines", f"{device}/nothing"]
    readings = reader.properties(names, time.monotonic() + 2)
    assert readings[names[0]].value == "SN 7"
    assert readings[names[0]].source == f"{os.environ['TANGO_HOST']}/{device}/Serial"
    assert readings[names[1]].value.tolist() == ["a", "b"]
    assert "has no value" in readings[names[2]].error


def test_an_attribute_that_never_answers_is_left_out_until_it_does(monkeypatch, tango_host, serve):
    monkeypatch.setattr("nxscribe.capture._monitor.PATIENCE_S", 0.3)
    monkeypatch.setattr("nxscribe.capture._circuit._RECHECK_S", (0.2, 0.2))
    monkeypatch.setattr("nxscribe.capture._circuit._QUIET_S", 0.0)
    monkeypatch.setattr("nxscribe.capture._circuit._QUIET_BY_COST", 0.0)
    device = serve("sidebyside").device
    proxy = tango.DeviceProxy(device)
    names = [f"{device}/{name}" for name in ("slow", "before", "healthy", "zealous")]
    healthy = {"before": 1.0, "healthy": 2.0, "zealous": 3.0}
    with TangoReader() as reader:
        assert all_well(reader, *names)
        proxy.delay = 1000.0
        assert values(read(reader, *names)) == healthy
        wait_until(lambda: not reader.troubles)
        with takes_less_than(SOON_S):
            readings = read(reader, *names)
        assert values(readings) == healthy
        assert "does not answer at all" in readings["slow"].error
        assert reader.slowest(1) == {f"{tango_host}/{names[0]}": float("inf")}
        proxy.delay = 0.0
        proxy.release()
        wait_until(lambda: all_well(reader, *names))


def test_a_unit_that_was_changed_is_learnt_anew(monkeypatch, tango_host, device):
    monkeypatch.setattr("nxscribe.capture._circuit._REFRESH_S", 0.1)
    name = f"{device}/healthy"
    with TangoReader() as reader:
        assert read(reader, name)["healthy"].unit == "mm"
        proxy = tango.DeviceProxy(device)
        configuration = proxy.get_attribute_config("healthy")
        configuration.unit = "um"
        proxy.set_attribute_config(configuration)
        wait_until(lambda: read(reader, name)["healthy"].unit == "um")


def test_the_rest_of_the_program_goes_on_while_a_server_is_frozen(serve, tango_host):
    # PyTango holds Python's one lock while it connects in set_timeout_millis: for 3 s where the server is frozen.
    server = serve("faulty")
    name = attribute_address(f"{server.device}/before", tango_host)
    link = AttributeConnection(name.endpoint.name, ConfigurationFollower())
    assert link.read([name], 1.0).make()[name].ok
    server.freeze()
    with pytest.raises(SourceError):
        link.read([name], 0.05)
    time.sleep(1.1)  # until when Tango does not try again
    longest, last = 0.0, time.monotonic()
    thread = threading.Thread(target=_try, args=(link, name))
    thread.start()
    until = last + 0.5
    while last < until:
        time.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    server.thaw()
    thread.join()
    assert longest < 0.5


def _try(link: AttributeConnection, name: Address) -> None:
    with contextlib.suppress(SourceError):
        link.read([name], 0.07)


PROGRAM = """
import sys, time
from readers import TangoReader
reader = TangoReader()
print(reader.read([sys.argv[1]], time.monotonic() + 0.2)[sys.argv[1]].error)
"""


def test_a_program_ends_in_good_order_though_a_device_hangs(serve):
    server = serve("faulty")
    tango.DeviceProxy(server.device).delay = 3.0
    ended = subprocess.run(
        # Under coverage PyTango warns that it traces.
        [sys.executable, "-W", "ignore", "-c", PROGRAM, f"{server.device}/slow"],
        env={**os.environ, "PYTHONPATH": SUPPORT},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "did not answer" in ended.stdout
    assert ended.stderr == ""
    assert ended.returncode == 0
