"""What most simulated devices are: always on, with values that were set and are read back by encoders that flicker."""

from __future__ import annotations

import time

from tango import AttrWriteType, DevState
from tango.server import Device, attribute

from nxscribe.simulation._drift import wander


class Instrument(Device):
    """A device that is on as soon as it is there."""

    def init_device(self) -> None:
        """Come up, with the values that it has after a restart."""
        super().init_device()
        self.set_state(DevState.ON)

    def flicker(self, name: str) -> float:
        """A number between -1 and 1 that drifts, differently for each device and name."""
        return wander(f"{self.get_name()}/{name}", time.time())


def setting(
    label: str, unit: str, start: float | str, doc: str, *, flicker: float = 0.0, **properties: object
) -> attribute:
    """A read-write attribute that is what it was last set to, give or take the flicker of its encoder.

    `properties` are Tango's own: format, min_value, max_value … The type is that of `start`.
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
