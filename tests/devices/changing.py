"""A Tango device that says the same length in whatever unit it is told to, by its database or while it runs."""

from __future__ import annotations

import tango
from tango.server import Device, attribute, command, device_property, run

LENGTH_UM = 2500.0
FACTORS = {"nm": 1e-3, "um": 1.0, "mm": 1e3, "m": 1e6}


class Changing(Device):
    """`length` is always the same; `mode` is always its second label."""

    Unit = device_property(dtype=str, default_value="mm")
    Labels = device_property(dtype=(str,), default_value=["one", "two"])

    def initialize_dynamic_attributes(self) -> None:
        self._unit = self.Unit
        self.add_attribute(attribute(name="length", dtype=float, unit=self.Unit, fget=self._length))
        labels = list(self.Labels)
        self.add_attribute(
            attribute(name="mode", dtype=tango.CmdArgType.DevEnum, enum_labels=labels, fget=lambda *_: 1)
        )
        self.set_change_event("length", True, False)

    def _length(self, *_: object) -> float:
        return LENGTH_UM / FACTORS.get(self._unit, 1.0)

    @command(dtype_in=str)
    def SetUnit(self, unit: str) -> None:  # noqa: N802 -- Tango's naming of commands
        """Change unit and value together."""
        changed = self.get_device_attr().get_attr_by_name("length")
        properties = changed.get_properties()
        properties.unit = self._unit = unit
        changed.set_properties(properties)

    @command
    def Push(self) -> None:  # noqa: N802
        """Push the length."""
        self.push_change_event("length", self._length())


if __name__ == "__main__":
    run((Changing,))
