"""The base class of most simulated devices: they are always on, and their values drift slightly around what was set."""

from __future__ import annotations

import time

from tango import AttrWriteType, DevState
from tango.server import Device, attribute

from nxscribe.simulation._drift import wander


class Instrument(Device):
    """A device whose state is ON from its start."""

    def init_device(self) -> None:
        """Start with the values that the device has after a restart."""
        super().init_device()
        self.set_state(DevState.ON)

    def flicker(self, name: str) -> float:
        """A number from -1 to 1 that drifts with time, in a different way for each device and name."""
        return wander(f"{self.get_name()}/{name}", time.time())


def setting(
    label: str, unit: str, start: float | str, doc: str, *, flicker: float = 0.0, **properties: object
) -> attribute:
    """Make a read-write attribute with the value that was set last, plus a drift of at most `flicker`.

    `properties` are properties of Tango attributes, such as format and min_value. The type is that of `start`.
    """
    memory = f"set {label}"

    def read(device: Instrument) -> float | str:
        value: float | str = device.__dict__.get(memory, start)
        return value + flicker * device.flicker(label) if isinstance(value, float) and flicker else value

    def write(device: Instrument, value: float | str) -> None:
        device.__dict__[memory] = value

    access = AttrWriteType.READ_WRITE
    return attribute(
        dtype=type(start), fget=read, fset=write, access=access, label=label, unit=unit, doc=doc, **properties
    )
