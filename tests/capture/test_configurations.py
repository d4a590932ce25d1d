"""Units and labels are those of the value beside them, whatever happens to the attribute's configuration."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tango
from fake_clock import FakeClock
from readers import TangoReader

from nxscribe.model import Reading, units
from nxscribe.sources.tango._configuration_events import ConfigurationFollower, FollowedConfigurations
from nxscribe.sources.tango._configurations import Configurations

LENGTH_UM = 2500.0


@pytest.fixture(scope="module")
def _devices(serve_module) -> Iterator[str]:
    return iter(serve_module("changing", 12).devices)


@pytest.fixture
def device(_devices: Iterator[str]) -> str:
    """A device that no other test has used."""
    return next(_devices)


def read(reader: TangoReader, device: str, attribute: str = "length", **options: object) -> Reading:
    name = f"{device}/{attribute}"
    return reader.read([name], time.monotonic() + 5, **options)[name]


def is_right(reading: Reading) -> bool:
    """Whether the length is what the device meant."""
    return reading.value is not None and float(units.convert(reading.value, reading.unit, "um")) == LENGTH_UM


def wait_until(condition: Callable[[], object], what: str, patience_s: float = 20.0) -> None:
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def is_followed(reader: TangoReader, device: str) -> bool:
    """Whether a read goes without asking for the configuration, so that it is told by events."""
    assert read(reader, device).ok
    return not any("config" in line for line in tango.DeviceProxy(device).black_box(2))


def properties(device: str, **given: object) -> None:
    tango.Database().put_device_property(device, given)


@pytest.mark.parametrize("while_down", [False, True])
def test_a_server_that_comes_back_with_other_units_and_labels_is_believed_at_once(reader, serve, while_down):
    server = serve("changing")
    assert read(reader, server.device).unit == "mm"
    assert read(reader, server.device, "mode").value == "two"
    server.stop()
    if while_down:
        assert not read(reader, server.device).ok
    properties(server.device, Unit="nm", Labels=["left", "right"])
    server.start()
    # Tango itself does not try again within a second after it failed.
    wait_until(lambda: read(reader, server.device, "mode").ok, "it is there again")
    reading = read(reader, server.device)
    assert reading.unit == "nm"
    assert is_right(reading)
    assert read(reader, server.device, "mode").value == "right"


def test_a_server_that_restarts_its_devices_is_believed_at_once(reader, serve):
    server = serve("changing")
    wait_until(lambda: is_followed(reader, server.device), "its unit is told by events")
    properties(server.device, Unit="um")
    tango.DeviceProxy(tango.DeviceProxy(server.device).adm_name()).RestartServer()
    reading = read(reader, server.device)
    wait_until(lambda: read(reader, server.device).ok, "it is there again")
    assert not reading.ok or is_right(reading)
    assert read(reader, server.device).unit == "um"


def test_a_device_that_moved_to_another_server_is_believed_at_once(reader, serve):
    first, second = serve("changing"), serve("changing")
    assert read(reader, first.device).unit == "mm"
    first.stop()
    second.stop()
    second.devices = (first.device,)
    second.register()
    properties(first.device, Unit="m")
    second.start()
    reading = read(reader, first.device)
    assert reading.unit == "m"
    assert is_right(reading)


@pytest.mark.parametrize("followed", [False, True])
def test_what_a_client_changes_is_believed_at_once(reader, device, followed):
    proxy = tango.DeviceProxy(device)
    assert read(reader, device).unit == "mm"
    if followed:
        wait_until(lambda: is_followed(reader, device), "its unit is told by events")
    for unit in ("km", "kev", "mm"):
        configuration = proxy.get_attribute_config("length")
        configuration.unit = unit
        proxy.set_attribute_config(configuration)
        if followed:
            # The event comes by a way of its own, on a busy machine some milliseconds later.
            wait_until(lambda unit=unit: read(reader, device).unit == unit, "the change is heard", 1.0)
        assert read(reader, device).unit == unit
    configuration = proxy.get_attribute_config("mode")
    configuration.enum_labels = ["up", "down"]
    proxy.set_attribute_config(configuration)
    assert read(reader, device, "mode").value == "down"


def test_a_value_that_is_kept_fresh_has_the_unit_that_it_was_pushed_in(reader, device):
    proxy, name = tango.DeviceProxy(device), f"{device}/length"
    reader.configure([name], max_ages={name: 600.0})
    wait_until(lambda: "change events" in next(iter(reader.kept_fresh.values())), "it is kept fresh by events")
    for unit in ("nm", "m", "um"):
        proxy.SetUnit(unit)
        proxy.Push()
        wait_until(lambda unit=unit: read(reader, device, max_ages={name: 600.0}).unit == unit, "the change is heard")
        assert is_right(read(reader, device, max_ages={name: 600.0}))


def test_a_unit_in_latin_1_is_read_and_harms_no_neighbour(reader, serve):
    server = serve("changing")
    database = tango.DeviceProxy(tango.Database().dev_name())
    for attribute, unit in (("length", "°C"), ("mode", "µm")):
        # A text in a command goes as Latin-1, where the property of PyTango's own database would go as UTF-8.
        database.DbPutDeviceAttributeProperty2([server.device, "1", attribute, "1", "unit", "1", unit])
    server.stop()
    server.start()
    wait_until(lambda: read(reader, server.device).ok, "it is there again")
    assert read(reader, server.device).unit == "°C"
    assert read(reader, server.device, "mode").unit == "µm"


@contextmanager
def without_database(folder: Path, unit: str, port: int) -> Iterator[None]:
    module = Path(__file__).parents[1] / "devices" / "changing.py"
    source = module.read_text().replace('default_value="mm"', f'default_value="{unit}"')
    (folder / "changing.py").write_text(source)
    arguments = ("changing.py", "any", "-nodb", "-dlist", "a/b/c", "-ORBendPoint", f"giop:tcp:127.0.0.1:{port}")
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([sys.executable, "-u", *arguments], cwd=folder, stdout=log, stderr=log) as process,
    ):
        wait_until(lambda: b"Ready to accept" in (folder / "log").read_bytes(), "it is up")
        yield
        process.kill()


def test_a_server_without_a_database_and_without_events_is_believed_at_once(reader, tmp_path):
    port = 20000 + os.getpid() % 20000
    device = f"tango://127.0.0.1:{port}/a/b/c"
    name = f"{device}/length#dbase=no"
    for unit in ("mm", "nm", "um"):
        with without_database(tmp_path, unit, port):
            wait_until(lambda: reader.read([name], time.monotonic() + 5)[name].ok, "it is there")
            reading = reader.read([name], time.monotonic() + 5)[name]
            assert reading.unit == unit
            assert is_right(reading)


def test_without_events_a_unit_that_changes_all_the_time_is_never_the_wrong_one(reader, tmp_path):
    port = 40000 + os.getpid() % 20000
    device, ended = f"tango://127.0.0.1:{port}/a/b/c", threading.Event()
    name = f"{device}/length#dbase=no"

    def change() -> None:
        with tango.EnsureOmniThread():
            proxy = tango.DeviceProxy(f"{device}#dbase=no")
            while not ended.is_set():
                for unit in ("um", "mm", "nm"):
                    proxy.SetUnit(unit)
                    # Long enough that no pause of a busy machine spans all three: the unit would be the same again.
                    ended.wait(0.1)

    with without_database(tmp_path, "mm", port):
        wait_until(lambda: reader.read([name], time.monotonic() + 5)[name].ok, "it is there")
        thread = threading.Thread(target=change)
        thread.start()
        readings = [reader.read([name], time.monotonic() + 5)[name] for _ in range(300)]
        ended.set()
        thread.join()
    assert [(one.value, one.unit) for one in readings if one.ok and not is_right(one)] == []
    assert any(one.ok for one in readings)


def test_a_device_that_does_not_answer_is_asked_again_after_a_minute_and_earlier_when_it_is_heard_of(
    tango_host, monkeypatch
):
    clock, attempts = FakeClock(), []
    renew = FollowedConfigurations.renew
    monkeypatch.setattr(FollowedConfigurations, "renew", lambda one: attempts.append(one) or renew(one))

    def due_in_s() -> float:
        wait_until(lambda: away in follower._at, "it is due")
        return follower._at[away] - clock.monotonic()

    follower = ConfigurationFollower(clock)
    away = follower.follow(f"tango://{tango_host}/no/such/device", Configurations())
    away.members = frozenset({"length"})
    follower.begin(away)
    for number, pause_s in enumerate((1.0, 60.0)):
        assert due_in_s() == pytest.approx(pause_s)
        assert len(attempts) == number
        clock.advance(pause_s)
        wait_until(lambda number=number: len(attempts) == number + 1, "it is asked")
    assert due_in_s() == pytest.approx(60.0)
    follower.soon(away)
    assert due_in_s() == pytest.approx(0.02)
    clock.advance(0.02)
    wait_until(lambda: len(attempts) == 3, "it is asked")
    follower.close()
