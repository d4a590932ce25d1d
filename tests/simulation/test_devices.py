from __future__ import annotations

import math
import time
from collections.abc import Callable

import pytest
import tango

from nxscribe.simulation import SimulatedBeamline
from nxscribe.simulation._beam import TOP_UP_S, ring_current_ma, transmission
from nxscribe.simulation._inventory import DEVICES

Device = Callable[[str], tango.DeviceProxy]
WaitUntil = Callable[[Callable[[], bool]], None]


def test_every_device_of_the_inventory_answers_with_every_attribute(device: Device):
    for one in DEVICES:
        proxy = device(one.name)
        for reading in proxy.read_attributes(list(proxy.get_attribute_list())):
            assert not reading.has_failed, f"{one.name}/{reading.name}"


def test_every_attribute_is_described(device: Device):
    for name in {one.class_name: one.name for one in DEVICES}.values():
        for info in device(name).attribute_list_query():
            if info.name not in {"State", "Status"}:
                assert info.description != "No description", f"{name}/{info.name}"


@pytest.mark.parametrize(
    ("attribute", "unit"),
    [
        ("sim/machine/ring/current", "mA"),
        ("sim/machine/ring/lifetime", "h"),
        ("sim/machine/ring/energy", "GeV"),
        ("sim/id/u18/gap", "mm"),
        ("sim/mono/dcm/energy", "keV"),
        ("sim/mono/dcm/bragg", "deg"),
        ("sim/vacuum/gauge1/pressure", "mbar"),
        ("sim/attenuator/main/thickness", "um"),
        ("sim/slits/primary/vertical_gap", "mm"),
        ("sim/counter/i0/value", "photons/s"),
        ("sim/counter/ionch1/value", "A"),
        ("sim/motor/srot/position", "deg"),
        ("sim/motor/detx/velocity", "mm/s"),
        ("sim/mrt/protocol/dose_rate", "Gy/s/mA"),
        ("sim/limaccds/pco/acq_expo_time", "s"),
    ],
)
def test_a_value_says_its_unit(device: Device, attribute: str, unit: str):
    name, attribute_name = attribute.rsplit("/", 1)
    assert device(name).get_attribute_config(attribute_name).unit == unit


@pytest.mark.parametrize(
    "attribute",
    [
        "sim/machine/ring/current",
        "sim/machine/ring/lifetime",
        "sim/id/u18/gap",
        "sim/mono/dcm/bragg",
        "sim/vacuum/gauge1/pressure",
        "sim/slits/secondary/horizontal_gap",
        "sim/counter/i0/value",
        "sim/counter/ic01/value",
    ],
)
def test_a_value_drifts_within_reason(device: Device, wait_until: WaitUntil, attribute: str):
    name, attribute_name = attribute.rsplit("/", 1)
    proxy = device(name)
    first = proxy.read_attribute(attribute_name).value
    wait_until(lambda: proxy.read_attribute(attribute_name).value != first)
    assert proxy.read_attribute(attribute_name).value == pytest.approx(first, rel=0.1)


def test_the_current_decays_and_is_filled_up():
    full, later, before_top_up = (ring_current_ma(time_s) for time_s in (0.0, 2.0, TOP_UP_S - 1))
    assert full > later > before_top_up > 0.9 * full
    assert ring_current_ma(TOP_UP_S) == full


def test_two_devices_of_one_class_do_not_show_the_same(device: Device):
    primary, secondary = (device(f"sim/slits/{name}").vertical_gap for name in ("primary", "secondary"))
    assert primary != secondary


def test_the_bragg_angle_goes_with_the_energy(device: Device):
    mono = device("sim/mono/dcm")
    mono.energy = 20.0
    try:
        assert mono.bragg == pytest.approx(math.degrees(math.asin(12.39842 / (2 * 3.1356 * 20.0))), rel=1e-4)
    finally:
        mono.energy = 17.05


def test_the_counters_follow_the_attenuator(device: Device):
    attenuator, counter = device("sim/attenuator/main"), device("sim/counter/it")
    open_beam = counter.value
    attenuator.thickness = 500.0
    try:
        assert attenuator.transmission == pytest.approx(transmission("Al", 500.0, 17.05))
        assert 0.2 < attenuator.transmission < 0.8
        assert counter.value / open_beam == pytest.approx(attenuator.transmission, rel=0.02)
    finally:
        attenuator.thickness = 0.0


def test_behind_the_closed_shutter_a_counter_reads_its_dark(device: Device):
    shutter, counter = device("sim/shutter/front"), device("sim/counter/i0")
    assert shutter.state() == tango.DevState.OPEN
    shutter.Close()
    try:
        assert shutter.state() == tango.DevState.CLOSE
        assert counter.value == pytest.approx(120, rel=0.2)
    finally:
        shutter.Open()
    assert counter.value > 1e11


def test_foils_that_are_not_there_are_refused(device: Device):
    with pytest.raises(tango.DevFailed, match="no foils of 'Unobtainium'"):
        device("sim/attenuator/main").material = "Unobtainium"


def test_a_motor_moves_at_its_velocity_and_says_so(device: Device, wait_until: WaitUntil):
    motor = device("sim/motor/sz")
    motor.velocity = 4.0
    start, began = motor.position, time.monotonic()
    motor.position = start + 1.0
    assert motor.state() == tango.DevState.MOVING
    reading = motor.read_attribute("position")
    assert reading.quality == tango.AttrQuality.ATTR_CHANGING
    assert start <= reading.value < start + 1.0
    wait_until(lambda: motor.state() == tango.DevState.ON)
    assert 0.25 <= time.monotonic() - began < 2.0
    assert motor.position == start + 1.0
    assert motor.read_attribute("position").quality == tango.AttrQuality.ATTR_VALID


def test_a_motor_that_moves_takes_no_new_target_until_it_is_stopped(device: Device):
    motor = device("sim/motor/sy")
    motor.velocity = 0.1
    motor.position = 5.0
    with pytest.raises(tango.DevFailed, match="call Stop, or wait"):
        motor.position = 0.0
    motor.Stop()
    assert motor.state() == tango.DevState.ON
    assert 0 < motor.position < 1
    motor.velocity = 20.0
    motor.position = 0.0


def test_a_motor_does_not_leave_its_limits(device: Device):
    motor = device("sim/motor/sx")
    with pytest.raises(tango.DevFailed, match=r"above the maximum|outside"):
        motor.position = 11.0


def test_what_is_registered_can_be_read_from_the_database(beamline: SimulatedBeamline):
    name, port = beamline.tango_host.split(":")
    database = tango.Database(name, int(port))
    assert list(database.get_device_property("sim/limaccds/pco", "SerialNumber")["SerialNumber"]) == ["61002347"]
