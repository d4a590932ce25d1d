"""A device answers one question at a time: what a slow attribute of it may cost its neighbours, and when."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import tango
from daemons import wait_until
from readers import TangoReader

from nxscribe.capture._endpoint_worker import EndpointWorker
from nxscribe.capture._pending import PendingRead

DEADLINE_S = 0.6
SLOW_S = 0.9


@pytest.fixture(scope="module")
def _devices(serve_module: Callable[..., object]) -> Iterator[str]:
    return iter(serve_module("faulty", 12).devices)


@pytest.fixture
def device(_devices: Iterator[str]) -> str:
    """A device that no other test has used."""
    return next(_devices)


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks after slow attributes are due at once, as soon as it is quiet."""
    monkeypatch.setattr("nxscribe.capture._circuit._RECHECK_S", (0.01, 0.01))
    monkeypatch.setattr("nxscribe.capture._circuit._QUIET_S", 1.0)
    monkeypatch.setattr("nxscribe.capture._circuit._QUIET_BY_COST", 0.0)


def names_of(device: str) -> list[str]:
    return [f"{device}/{name}" for name in ("before", "slow", "healthy", "zealous")]


def values(reader: TangoReader, names: list[str], deadline_s: float = DEADLINE_S) -> dict[str, float]:
    readings = reader.read(names, time.monotonic() + deadline_s)
    return {name.rpartition("/")[2]: reading.value.item() for name, reading in readings.items() if reading.ok}


QUICK = {"before": 1.0, "healthy": 2.0, "zealous": 3.0}


def the_device(reader: TangoReader) -> EndpointWorker:
    return next(iter(reader.workers.values()))


def learn(reader: TangoReader, names: list[str]) -> None:
    reader.configure(names)
    wait_until(lambda: len(the_device(reader).timings) == len(names), "all are known")
    wait_until(lambda: not the_device(reader)._busy, "the device is at rest")


def is_had(reader: TangoReader, names: list[str], pause_s: float) -> bool:
    time.sleep(pause_s)
    return "slow" in values(reader, names)


@pytest.mark.parametrize("pause_s", [0.0, 0.02, 0.1, 0.4])
def test_an_attribute_slower_than_the_deadline_costs_no_read_a_quick_value_nor_time_at_any_pace(
    reader, device, pause_s
):
    tango.DeviceProxy(device).delay = SLOW_S
    names = names_of(device)
    learn(reader, names)
    until = time.monotonic() + 3
    while time.monotonic() < until:
        begun = time.monotonic()
        assert values(reader, names) == QUICK
        assert time.monotonic() - begun < DEADLINE_S / 2
        time.sleep(pause_s)


def test_an_attribute_that_is_quick_again_is_read_again_after_a_quiet_time(reader, device):
    proxy = tango.DeviceProxy(device)
    proxy.delay = SLOW_S
    names = names_of(device)
    learn(reader, names)
    assert values(reader, names) == QUICK
    proxy.delay = 0.0
    assert not is_had(reader, names, 0.3)  # it is not quiet yet
    wait_until(lambda: is_had(reader, names, 1.3), "it is had again")


def test_a_slow_attribute_that_fits_is_asked_last_so_that_its_excess_costs_its_neighbours_nothing(reader, device):
    proxy = tango.DeviceProxy(device)
    proxy.delay = 0.2
    names = names_of(device)
    learn(reader, names)
    assert values(reader, names) == {**QUICK, "slow": 4.0}
    proxy.delay = SLOW_S
    assert values(reader, names) == QUICK


def test_an_attribute_that_is_slow_now_and_then_is_not_asked_in_scans_after_the_second_time(reader, device):
    proxy = tango.DeviceProxy(device)
    proxy.set_timeout_millis(10_000)
    proxy.delay = 0.2
    names = names_of(device)
    learn(reader, names)
    for _ in range(2):
        proxy.delay = SLOW_S
        assert values(reader, names) == QUICK
        proxy.delay = 0.2
        wait_until(lambda: not reader.troubles, "the device is well")
    for _ in range(20):
        assert values(reader, names) == QUICK
    reading = reader.read(names, time.monotonic() + DEADLINE_S)[names[1]]
    assert "again and again" in reading.error


def test_an_error_that_nobody_foresaw_costs_one_read_and_not_the_device(reader, device, monkeypatch):
    names = names_of(device)
    learn(reader, names)

    def fail(*_: object, **_options: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(the_device(reader)._connection, "read", fail)
        assert values(reader, names) == {}
        assert "unforeseen error: ZeroDivisionError" in "".join(reader.troubles.values())
    wait_until(lambda: values(reader, names) == {**QUICK, "slow": 4.0}, "it is read again")
    wait_until(lambda: not reader.troubles, "it is well")


def test_a_device_that_answers_at_the_very_moment_when_it_is_given_up_does_not_stay_sick(reader, device):
    names = names_of(device)
    learn(reader, names)
    assert values(reader, names)
    the_device(reader).give_up(PendingRead(), DEADLINE_S)
    wait_until(lambda: not reader.troubles, "it is well again, though nobody asks it anything")
