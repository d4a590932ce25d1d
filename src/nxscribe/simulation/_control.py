"""A small control system: it moves motors, operates shutters and runs cameras, through Tango as a real one does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import tango

from nxscribe.errors import Problem
from nxscribe.simulation._process import SimulationError

_POLL_S = 0.004
_MOVE_LIMIT_S = 60.0


class Control:
    """The devices of the simulated beamline for a scan. Each proxy is made once and kept."""

    def __init__(self, tango_host: str) -> None:
        self._host = tango_host
        self._proxies: dict[str, tango.DeviceProxy] = {}

    def device(self, name: str) -> tango.DeviceProxy:
        """The proxy of a device, such as `sim/motor/sx`. Raises DevFailed if the device does not exist."""
        if name not in self._proxies:
            self._proxies[name] = tango.DeviceProxy(f"tango://{self._host}/{name}")
        return self._proxies[name]

    def read(self, attribute: str) -> float:
        """The value of a numeric attribute, such as `sim/mono/dcm/energy`, in the unit of the attribute."""
        device, name = attribute.rsplit("/", 1)
        return float(self.device(device).read_attribute(name).value)

    @contextmanager
    def moving(self, motor: str, position: float, velocity: float) -> Iterator[None]:
        """A context in which a motor moves at a velocity. At its end the motor has arrived, or was stopped."""
        proxy = self.device(f"sim/motor/{motor}")
        usual = proxy.velocity
        proxy.velocity = velocity
        proxy.position = position
        proxy.velocity = usual
        try:
            yield
        except BaseException:
            proxy.command_inout("Stop")
            raise
        self._arrive(motor)

    def move(self, **positions: float) -> None:
        """Move several motors at once, and wait until all have arrived.

        Raises SimulationError if a motor does not arrive.
        """
        for motor, position in positions.items():
            self.device(f"sim/motor/{motor}").position = position
        self._arrive(*positions)

    def _arrive(self, *motors: str) -> None:
        deadline = time.monotonic() + _MOVE_LIMIT_S
        for motor in motors:
            while self.device(f"sim/motor/{motor}").state() == tango.DevState.MOVING:
                if time.monotonic() > deadline:
                    raise SimulationError(
                        Problem(
                            f"sim/motor/{motor} did not arrive within {_MOVE_LIMIT_S:g} s",
                            "its velocity is too low for the way",
                            "raise its velocity, or call its Stop",
                        )
                    )
                time.sleep(_POLL_S)

    def shutter(self, *, is_open: bool) -> None:
        """Open or close the front shutter."""
        self.device("sim/shutter/front").command_inout("Open" if is_open else "Close")
