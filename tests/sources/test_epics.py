"""EPICS process variables as a source, read from a real IOC in a process of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from daemons import wait_until

from nxscribe.capture import SourceReader
from nxscribe.model import Quality, Reading, now
from nxscribe.service.config import examine_config
from nxscribe.sources import Item, kinds
from nxscribe.sources.kinds.epics import EpicsSource

IOC = Path(__file__).parents[1] / "devices" / "ioc.py"
PREFIX = "nxscribe:"
Read = Callable[..., Reading]


class Server:
    """An IOC that can be frozen and killed."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "ioc.log"
        self.start()

    def start(self) -> None:
        with self._log.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, IOC, PREFIX], stdout=log, stderr=log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "EPICS_CA_SERVER_PORT": free_port(),
            "EPICS_CA_REPEATER_PORT": free_port(),
            "EPICS_CA_ADDR_LIST": "127.0.0.1",
            "EPICS_CA_AUTO_ADDR_LIST": "NO",
            "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
        }.items():
            patch.setenv(name, value)
        server = Server(tmp_path_factory.mktemp("ioc"))
        with SourceReader() as reader:
            wait_until(lambda: _read(reader, "energy").ok, "the IOC answers")
        yield server
        server.kill()


@pytest.fixture(scope="module")
def reader(server: Server) -> Iterator[SourceReader]:
    with SourceReader() as reader:
        yield reader


@pytest.fixture(scope="module")
def read(reader: SourceReader) -> Read:
    return lambda *names, **options: _read(reader, *names, **options)


def _read(reader: SourceReader, *names: str, deadline_s: float = 5.0, **options: object) -> Reading:
    origin = EpicsSource(tuple(PREFIX + name for name in names), is_list=len(names) > 1)
    found = reader.ask(reader.request(origin.items, **options), time.monotonic() + deadline_s)
    return origin.value([found[item] for item in origin.items])


@pytest.mark.parametrize(
    ("name", "value", "dtype"),
    [
        ("energy", 12.5, np.float64),
        ("small", 0.5, np.float32),
        ("count", -7, np.int32),
        ("short", 300, np.int16),
        ("wave", [1.5, 2.5, 3.5], np.float64),
        ("name", "bone", np.dtypes.StringDType),
        ("mode", "on", np.dtypes.StringDType),
        ("path#text", "/data/å.h5", np.dtypes.StringDType),
    ],
)
def test_each_type_keeps_its_value_and_width(read: Read, name: str, value: object, dtype: type) -> None:
    reading = read(name)
    assert reading.ok, reading.error
    assert reading.value.tolist() == value
    assert reading.value.dtype.kind in "UTO" or reading.value.dtype == dtype


def test_an_array_of_bytes_is_bytes_unless_a_text_is_asked_for(read: Read) -> None:
    reading = read("path")
    assert reading.value.dtype == np.uint8
    assert bytes(reading.value).startswith("/data/å.h5".encode())


def test_a_reading_has_unit_format_time_and_name(read: Read) -> None:
    reading = read("energy")
    assert (reading.unit, reading.details["format"], reading.source) == ("keV", "%.3f", f"{PREFIX}energy")
    assert reading.quality is Quality.VALID
    assert timedelta() < now() - reading.time < timedelta(minutes=5)


def test_an_enumeration_is_its_label_with_its_number(read: Read) -> None:
    assert read("mode").details["enum_value"] == 1


def test_several_variables_make_an_array_in_the_first_ones_unit(read: Read) -> None:
    reading = read("x", "y")
    assert reading.value.tolist() == [1.0, 0.002]
    assert reading.unit == "mm"


def put(name: str, value: object) -> None:
    from caproto.threading.client import Context  # noqa: PLC0415 - after the environment is set

    context = Context()
    (variable,) = context.get_pvs(PREFIX + name)
    variable.write(value, timeout=5)
    context.disconnect()


@pytest.mark.parametrize(("severity", "quality"), [(1, Quality.WARNING), (2, Quality.ALARM), (0, Quality.VALID)])
def test_an_alarm_is_the_readings_quality(read: Read, severity: int, quality: Quality) -> None:
    put("severity", severity)
    reading = read("energy")
    assert reading.ok
    assert reading.quality is quality
    assert reading.details.get("alarm") == {1: "MINOR HIHI", 2: "MAJOR HIHI", 0: None}[severity]


def test_an_invalid_value_is_none(read: Read) -> None:
    put("severity", 3)
    reading = read("energy")
    put("severity", 0)
    assert not reading.ok
    assert "not valid at present (alarm INVALID HIHI)" in reading.error


def test_a_unit_that_changes_is_believed_at_once(read: Read) -> None:
    assert read("energy").unit == "keV"
    put("unit", "eV")
    assert read("energy").unit == "eV"
    put("unit", "keV")


def test_a_name_that_no_ioc_knows_costs_the_deadline_once_and_then_nothing(read: Read) -> None:
    reading = read("nothing", deadline_s=0.5)
    assert "nothing was heard" in reading.error or "did not answer" in reading.error or "no IOC" in reading.error
    begun = time.monotonic()
    reading = read("nothing")
    assert time.monotonic() - begun < 0.5
    assert "its IOC has been failing since" in reading.error or "no IOC answers to that name" in reading.error


def test_an_ioc_that_is_frozen_costs_the_deadline_once_and_is_read_again_when_it_goes_on(
    read: Read, server: Server
) -> None:
    assert read("count").ok
    server.process.send_signal(signal.SIGSTOP)
    try:
        assert not read("count", deadline_s=0.3).ok
        begun = time.monotonic()
        assert "its IOC has been failing since" in read("count").error
        assert time.monotonic() - begun < 0.3
    finally:
        server.process.send_signal(signal.SIGCONT)
    wait_until(lambda: read("count").ok, "it is read again")


def test_a_value_that_is_kept_fresh_is_taken_from_memory(reader: SourceReader, read: Read) -> None:
    item = Item("epics", f"{PREFIX}short")
    reader.configure([item], {item: 60.0})
    wait_until(lambda: "heard" in "".join(reader.kept_fresh.values()), "it was read once")
    assert "age" in read("short", max_ages={item: 60.0}).details


def test_an_ioc_that_is_restarted_is_read_again(read: Read, server: Server) -> None:
    assert read("count").ok
    server.kill()
    wait_until(lambda: not read("count", deadline_s=0.3).ok, "it is gone")
    server.start()
    wait_until(lambda: read("count", deadline_s=1.0).ok, "it is read again")


@pytest.mark.parametrize("name", ["a b", "x#y", "#text", ""])
def test_what_is_no_name_is_refused_with_the_form_wanted(tmp_path: Path, name: str) -> None:
    config = (
        "beamline: sim\ndata_root: d\ntechniques: {{tomo: {{definition: t.xml}}}}\nsources: {{a: {{epics: '{}'}}}}\n"
    )
    (tmp_path / "sim.yaml").write_text(config.format(name))
    assert "is not an EPICS process variable" in str(examine_config(tmp_path / "sim.yaml").problems[0])
    (tmp_path / "sim.yaml").write_text(config.format("ID16:m1.RBV"))
    assert examine_config(tmp_path / "sim.yaml").problems == ()
    assert kinds()["epics"].keeps_fresh


def test_a_library_that_is_not_installed_is_told_before_any_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    sources = "{a: {epics: 'A:B'}, b: {http: {url: 'https://h/x'}}}"
    text = "beamline: a\ndata_root: d\nhttp: {hosts: [h]}\ntechniques: {tomo: {definition: t.xml}}\nsources: "
    (tmp_path / "sim.yaml").write_text(text + sources)
    found = [str(problem) for problem in examine_config(tmp_path / "sim.yaml").problems]
    assert ["warning" in problem for problem in found] == [True, True]
    assert "install nxscribe[epics]" in found[0]
    assert "install nxscribe[http]" in found[1]
