"""A Tango device that serves its requests side by side: a slow attribute keeps only those waiting who asked for it."""

from __future__ import annotations

import asyncio
import contextlib

import tango
from tango.server import Device, attribute, command, run


class Sidebyside(Device):
    """Most attributes answer at once; `slow` takes as many seconds as were last written to `delay`."""

    green_mode = tango.GreenMode.Asyncio

    async def init_device(self) -> None:
        await super().init_device()
        self._delay_s = 0.0
        self._released = asyncio.Event()

    @attribute(dtype=float)
    async def before(self) -> float:
        return 1.0

    @attribute(dtype=float)
    async def healthy(self) -> float:
        return 2.0

    @attribute(dtype=float)
    async def zealous(self) -> float:
        return 3.0

    @attribute(dtype=float)
    async def slow(self) -> float:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._released.wait(), self._delay_s)
        return 4.0

    @command
    async def release(self) -> None:
        """Let all who wait for `slow` go on."""
        self._released.set()
        await asyncio.sleep(0)
        self._released.clear()

    @attribute(dtype=float, access=tango.AttrWriteType.READ_WRITE)
    async def delay(self) -> float:
        return self._delay_s

    @delay.write
    async def delay(self, value: float) -> None:
        """Seconds for `slow`."""
        self._delay_s = value


if __name__ == "__main__":
    run((Sidebyside,))
