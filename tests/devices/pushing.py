"""A Tango device whose attributes push events, each in its own way; it counts how often each is read."""

from __future__ import annotations

import time

import tango
from tango import AttrWriteType
from tango.server import Device, attribute, command, run

POLLED_MS = 50


class Pushing(Device):
    """`value` is what all attributes give; it changes when it is written, which pushes events."""

    def init_device(self) -> None:
        super().init_device()
        self._value, self._set_at = 0.0, time.time()
        self._reads = dict.fromkeys(("pushed", "archived", "quiet"), 0)
        self._invalid = False
        self.set_change_event("pushed", True, False)
        self.set_archive_event("archived", True, False)

    def _read(self, name: str) -> tuple[float, float, tango.AttrQuality]:
        self._reads[name] += 1
        quality = tango.AttrQuality.ATTR_INVALID if self._invalid else tango.AttrQuality.ATTR_VALID
        return self._value, time.time(), quality

    @attribute(dtype=float, unit="mm")
    def pushed(self) -> tuple[float, float, tango.AttrQuality]:
        """Change events, pushed by hand."""
        return self._read("pushed")

    @attribute(dtype=float, unit="mm")
    def archived(self) -> tuple[float, float, tango.AttrQuality]:
        """Archive events, pushed by hand."""
        return self._read("archived")

    @attribute(dtype=float, polling_period=POLLED_MS, abs_change="0.1")
    def polled(self) -> float:
        """Change events, by polling."""
        return self._value

    @attribute(dtype=float, polling_period=POLLED_MS, period=str(POLLED_MS))
    def periodic(self) -> float:
        """Periodic events, by polling."""
        return self._value

    @attribute(dtype=float, unit="mm")
    def quiet(self) -> tuple[float, float, tango.AttrQuality]:
        """No events."""
        return self._read("quiet")

    @attribute(dtype=float, access=AttrWriteType.READ_WRITE)
    def value(self) -> float:
        """What all give."""
        return self._value

    @value.write
    def value(self, value: float) -> None:
        """Change it, and push."""
        self._value = value
        self.push_change_event("pushed", value)
        self.push_archive_event("archived", value)

    @command(dtype_in=float)
    def ChangeSilently(self, value: float) -> None:  # noqa: N802 -- Tango's naming of commands
        """Change it, and push nothing."""
        self._value = value

    @command(dtype_in=bool)
    def SetInvalid(self, invalid: bool) -> None:  # noqa: FBT001, N802
        """Give no valid value any more, and say so."""
        self._invalid = invalid
        quality = tango.AttrQuality.ATTR_INVALID if invalid else tango.AttrQuality.ATTR_VALID
        self.push_change_event("pushed", self._value, time.time(), quality)

    @command(dtype_in=str, dtype_out=int)
    def Reads(self, name: str) -> int:  # noqa: N802
        """How often an attribute was read."""
        return self._reads[name]


if __name__ == "__main__":
    run((Pushing,))
