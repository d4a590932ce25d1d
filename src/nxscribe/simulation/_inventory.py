"""The devices of the simulated beamline, the servers that serve them, and their properties in the Tango database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SERVER = "Simulation"
"""The name of the device server; its instances are the keys of `SERVERS`."""

_DEVICES = "nxscribe.simulation.devices"

SERVERS: dict[str, tuple[tuple[str, str], ...]] = {
    "beam": (
        (f"{_DEVICES}.machine", "Ring"),
        (f"{_DEVICES}.machine", "Undulator"),
        (f"{_DEVICES}.machine", "Gauge"),
        (f"{_DEVICES}.optics", "Monochromator"),
        (f"{_DEVICES}.optics", "Attenuator"),
        (f"{_DEVICES}.optics", "Slits"),
        (f"{_DEVICES}.optics", "Shutter"),
        (f"{_DEVICES}.counter", "Counter"),
        (f"{_DEVICES}.treatment_protocol", "Protocol"),
    ),
    "motors": ((f"{_DEVICES}.motor", "Motor"),),
    "cameras": (("nxscribe.simulation.camera", "LimaCCDs"),),
}
"""The classes of each server process: the module and the name of each class."""


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """One device as it is registered in the Tango database."""

    name: str
    class_name: str
    instance: str
    properties: Mapping[str, str | float] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, str | float]] = field(default_factory=dict)
    """Attribute properties that the database sets: unit, limits, label."""


def _beam(name: str, class_name: str, **properties: str | float) -> SimulatedDevice:
    return SimulatedDevice(f"sim/{name}", class_name, "beam", properties)


def _counter(name: str, label: str, unit: str, per_photon: float, dark: float) -> SimulatedDevice:
    properties = {"per_photon": per_photon, "dark": dark}
    return SimulatedDevice(
        f"sim/counter/{name}", "Counter", "beam", properties, {"value": {"unit": unit, "label": label}}
    )


def _motor(
    name: str, label: str, unit: str, limits: tuple[float, float], *, velocity: float, at: float = 0.0
) -> SimulatedDevice:
    attributes: dict[str, dict[str, str | float]] = {
        "position": {"unit": unit, "label": label, "min_value": limits[0], "max_value": limits[1]},
        "velocity": {"unit": f"{unit}/s", "label": f"{label}: velocity"},
    }
    return SimulatedDevice(
        f"sim/motor/{name}", "Motor", "motors", {"initial_velocity": velocity, "initial_position": at}, attributes
    )


def _camera(name: str, **properties: str | float) -> SimulatedDevice:
    properties = {"detector_name": name, **properties}
    return SimulatedDevice(f"sim/limaccds/{name}", "LimaCCDs", "cameras", properties)


DEVICES: tuple[SimulatedDevice, ...] = (
    _beam("machine/ring", "Ring"),
    _beam("id/u18", "Undulator"),
    _beam("mono/dcm", "Monochromator"),
    _beam("vacuum/gauge1", "Gauge"),
    _beam("attenuator/main", "Attenuator"),
    _beam("slits/primary", "Slits"),
    _beam("slits/secondary", "Slits"),
    _beam("shutter/front", "Shutter"),
    _beam("mrt/protocol", "Protocol"),
    _counter("i0", "Incoming beam", "photons/s", 0.92, 120),
    _counter("it", "Transmitted beam", "photons/s", 0.41, 120),
    _counter("ic01", "Ionisation chamber 1", "A", 3.1e-18, 2e-12),
    _counter("ic02", "Ionisation chamber 2", "A", 2.8e-18, 2e-12),
    _counter("ic0mu1", "Ionisation chamber mu 1", "A", 9.0e-19, 1e-12),
    _counter("ic0mu2", "Ionisation chamber mu 2", "A", 8.4e-19, 1e-12),
    _counter("ionch1", "Ionisation chamber at the patient 1", "A", 4.4e-19, 1e-12),
    _counter("ionch2", "Ionisation chamber at the patient 2", "A", 4.1e-19, 1e-12),
    _motor("sx", "Sample across the beam", "mm", (-10, 10), velocity=20),
    _motor("sy", "Sample height", "mm", (-10, 10), velocity=20),
    _motor("sz", "Sample along the beam", "mm", (-10, 10), velocity=20),
    _motor("srot", "Sample rotation", "deg", (-360, 720), velocity=720),
    _motor("detx", "Sample to detector", "mm", (0, 2000), velocity=4000, at=1170),
    _motor("sourcex", "Source to sample", "mm", (10, 2000), velocity=4000, at=30),
    _motor("multislit", "Multislit", "mm", (-50, 50), velocity=20),
    _motor("ctc", "Step between microbeams", "mm", (-50, 50), velocity=20),
    _motor("intlcd", "Interlacing", "mm", (-10, 10), velocity=20),
    _motor("zmrt", "Sample through the beam", "mm", (-100, 100), velocity=40),
    _motor("cross", "Cross-firing", "deg", (-180, 180), velocity=720),
    _camera(
        "pco", type_name="Pco", model="PCO edge 4.2", width=192, height=160, pixel_size=6.5e-6, SerialNumber="61002347"
    ),
    _camera(
        "frelon", type_name="Frelon", model="F_K4320T", width=256, height=256, pixel_size=6.0e-6, SerialNumber="29"
    ),
    _camera(
        "xspress",
        type_name="Xspress3",
        model="Xspress 3X 4",
        width=2048,
        height=4,
        pixel_size=8.0e-3,
        depth="Bpp32",
        SerialNumber="xsp-0114",
    ),
)
