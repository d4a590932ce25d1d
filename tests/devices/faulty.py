"""A Tango device that misbehaves as it is told to."""

from __future__ import annotations

import time

import tango
from tango.server import Device, attribute, run


class Faulty(Device):
    """Most attributes answer at once; `slow` takes as many seconds as were last written to `delay`, or fails where they
    are negative.
    """

    def init_device(self) -> None:
        super().init_device()
        self._delay_s = 0.0
        self._reads = 0

    @attribute(dtype=float, unit="mm")
    def before(self) -> float:
        return 1.0

    @attribute(dtype=float, unit="mm")
    def healthy(self) -> float:
        return 2.0

    @attribute(dtype=float, unit="mm")
    def zealous(self) -> float:
        return 3.0

    @attribute(dtype=float, unit="mm")
    def slow(self) -> float:
        self._reads += 1
        if self._delay_s < 0:
            raise RuntimeError("the crate is off")
        time.sleep(self._delay_s)
        return 4.0

    @attribute(dtype=int)
    def reads(self) -> int:
        """How often `slow` was read."""
        return self._reads

    @attribute(dtype=float, access=tango.AttrWriteType.READ_WRITE)
    def delay(self) -> float:
        return self._delay_s

    @delay.write
    def delay(self, value: float) -> None:
        """Seconds for `slow`."""
        self._delay_s = value


if __name__ == "__main__":
    run((Faulty,))
