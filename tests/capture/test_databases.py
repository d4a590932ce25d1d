"""One database with several servers, and names that are aliases: what is read is what was meant."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tango
from readers import TangoReader

from nxscribe.model import Reading
from nxscribe.simulation._process import ChildProcess


def read(reader: TangoReader, name: str) -> Reading:
    return reader.read([name], time.monotonic() + 5)[name]


def read_property(reader: TangoReader, name: str) -> Reading:
    return reader.properties([name], time.monotonic() + 5)[name]


def unused_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def dead() -> str:
    """The address of a server that is down."""
    return f"127.0.0.1:{unused_port()}"


@pytest.fixture(scope="module")
def device(serve_module: Callable) -> str:
    name = serve_module("everything").device
    tango.Database().put_device_property(name, {"Axis": ["x"]})
    return name


@pytest.fixture
def aliases(tango_host: str, device: str) -> Iterator[tuple[str, str]]:
    """An alias of the device, and one of its attribute `energy`."""
    database = tango.Database()
    database.put_device_alias(device, "Mono_1")
    database.put_attribute_alias(f"{device}/energy", "Photon-Energy")
    yield "Mono_1", "Photon-Energy"
    database.delete_device_alias("Mono_1")
    database.delete_attribute_alias("Photon-Energy")


@pytest.mark.parametrize(("name", "value", "unit"), [("beam CURRENT", 200.0, "mA"), ("Öffnung", 4.0, "mm")])
def test_an_attribute_may_have_any_letters_in_its_name(reader: TangoReader, device: str, name: str, value, unit: str):
    reading = read(reader, f"{device}/{name}")
    assert (reading.value, reading.unit) == (value, unit)
    assert "does not have this attribute" in read(reader, f"{device}/öffnung").error  # Tango has no capitals but A to Z


@pytest.mark.parametrize("order", ["{0},{1}", "{1},{0}", "{1}, {0}"])
def test_a_database_is_reached_while_one_of_its_servers_is_down(tango_host: str, device: str, dead: str, order: str):
    with TangoReader(order.format(tango_host, dead)) as reader:
        reading = read(reader, f"{device}/energy")
        assert (reading.value, reading.unit) == (12.5, "keV")
        assert reading.source == f"{tango_host}/{device}/energy"
        axis = read_property(reader, f"{device}/Axis")
        assert (axis.value, axis.source) == ("x", f"{tango_host}/{device}/Axis")


@pytest.mark.parametrize("form", ["{1},{0}/{2}", "//{1},{0}/{2}", "tango://{0},{1}/{2}", "//{0}/{2}", "{0}/{2}"])
def test_a_name_may_begin_with_the_servers_of_a_database(tango_host: str, device: str, dead: str, form: str):
    # The default database is down: the one in the name counts.
    with TangoReader(dead) as reader:
        name = form.format(tango_host, dead, device)
        assert read(reader, f"{name}/energy").source == f"{tango_host}/{device}/energy"
        assert read(reader, f"{name}/energy").value == 12.5
        assert read_property(reader, f"{name}/axis").value == "x"


def test_where_no_server_answers_all_of_them_are_named(device: str, dead: str):
    hosts = f"{dead},127.0.0.1:{unused_port()}"
    with TangoReader(hosts) as reader:
        error = read(reader, f"{device}/energy").error
        assert hosts in error
        assert "its Tango database does not answer" in error
        assert "does not answer" in read_property(reader, f"{device}/Axis").error


@pytest.mark.parametrize("prefix", ["", "//{}/", "tango://{}/"])
def test_a_devices_alias_stands_for_the_device(reader: TangoReader, tango_host: str, device: str, aliases, prefix: str):
    alias = prefix.format(tango_host) + aliases[0]
    reading = read(reader, f"{alias}/energy")
    assert (reading.value, reading.unit) == (12.5, "keV")
    assert reading.source == f"{tango_host}/{device}/energy"
    assert read(reader, f"{alias.upper()}/ENERGY").value == 12.5
    axis = read_property(reader, f"{alias}/axis")
    assert (axis.value, axis.source) == ("x", f"{tango_host}/{device}/axis")


@pytest.mark.parametrize("prefix", ["", "//{}/", "{},127.0.0.1:1/"])
def test_an_attributes_alias_stands_for_the_attribute(reader, tango_host: str, device: str, aliases, prefix: str):
    reading = read(reader, prefix.format(tango_host) + aliases[1])
    assert (reading.value, reading.unit) == (12.5, "keV")
    assert reading.source == f"{tango_host}/{device}/energy"


def test_an_alias_that_is_given_to_another_is_followed_when_all_is_learnt_anew(
    reader, tango_host: str, device, aliases
):
    database = tango.Database()
    for alias, name in (("Photon-Energy", "Photon-Energy"), ("Mono_1", "Mono_1/energy")):
        assert read(reader, name).value == 12.5
        if alias == "Mono_1":
            database.delete_device_alias(alias)
        else:
            database.delete_attribute_alias(alias)
            database.put_attribute_alias(f"{device}/infinite", alias)
        reader.configure([name])
        changed = read(reader, name)
        if alias == "Mono_1":
            assert "could not be read" in changed.error
            database.put_device_alias(device, alias)
        else:
            assert changed.source == f"{tango_host}/{device}/infinite"


@pytest.mark.parametrize("name", ["No_Such_Alias", "no_such_alias/energy"])
def test_an_alias_that_nobody_defined_is_told(reader: TangoReader, tango_host: str, name: str):
    error = read(reader, name).error
    assert "the Tango database does not know" in error
    assert tango_host in error
    assert "could not be read" in read_property(reader, "no_such_alias/axis").error


@pytest.fixture
def twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, ChildProcess]]]:
    """Two servers of one database; TANGO_HOST names the second."""
    servers: list[tuple[str, ChildProcess]] = []
    for number in range(2):
        options = ("--host", "127.0.0.1", "--port", "0", "--print-host-port", "2")
        process = ChildProcess(
            "tango.databaseds.database", *options, directory=tmp_path, log=tmp_path / f"database{number}.log"
        )
        found = process.wait_for(r"listening on: host=(\S+), port=(\d+)")
        servers.append((f"{found[1]}:{found[2]}", process))
    monkeypatch.setenv("TANGO_HOST", servers[1][0])
    yield servers
    for _, process in servers:
        process.stop()


def test_when_a_server_of_the_database_goes_down_the_other_one_takes_over(serve, twins):
    (first, first_process), (second, _) = twins
    server = serve("everything")
    name, axis = f"{server.device}/energy", f"{server.device}/Axis"
    with TangoReader(f"{first},{second}") as reader:
        assert read(reader, name).source == f"{first}/{name}"
        assert "has no value" in read_property(reader, axis).error
        first_process.stop()
        tango.Database().put_device_property(server.device, {"Axis": ["y"]})
        assert read_property(reader, axis).value == "y"
        # The device moves to another port, which is known to the other server of the database alone.
        server.kill()
        server.start()
        until = time.monotonic() + 15
        while not (reading := read(reader, name)).ok:
            assert time.monotonic() < until, reading.error
            time.sleep(0.05)
        assert reading.source == f"{second}/{name}"
