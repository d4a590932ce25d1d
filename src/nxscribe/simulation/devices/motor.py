"""Motors that need time for a movement."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tango import AttrQuality, AttrWriteType, DevState, Except
from tango.server import attribute, command, device_property

from nxscribe.simulation.devices._instrument import Instrument


@dataclass(frozen=True, slots=True)
class Move:
    """A movement at constant velocity. The acceleration is neglected."""

    start: float
    target: float
    velocity: float
    started_s: float

    def position(self, now_s: float) -> float:
        """The position at a time (seconds, as `started_s`); the target once it has arrived."""
        distance = abs(self.target - self.start)
        done = min(self.velocity * (now_s - self.started_s), distance)
        return self.start + done / distance * (self.target - self.start) if distance else self.target

    def is_over(self, now_s: float) -> bool:
        """Whether it has arrived at a time (seconds, as `started_s`)."""
        return self.velocity * (now_s - self.started_s) >= abs(self.target - self.start)


class Motor(Instrument):
    """One axis. Writing `position` moves it, and its state is MOVING until then. The database has unit and limits."""

    initial_position = device_property(dtype=float, default_value=0.0, doc="Where it stands after a restart.")
    initial_velocity = device_property(dtype=float, default_value=1.0, doc="The velocity after a restart.")

    def init_device(self) -> None:
        """Start without a movement."""
        super().init_device()
        self._velocity = float(self.initial_velocity)
        self._move = Move(self.initial_position, self.initial_position, self._velocity, 0.0)

    def dev_state(self) -> DevState:
        """MOVING until the axis has arrived."""
        return DevState.ON if self._move.is_over(time.time()) else DevState.MOVING

    @attribute(label="Position", format="%10.4f", access=AttrWriteType.READ_WRITE, fset="write_position")
    def position(self) -> tuple[float, float, AttrQuality]:
        """The present position. Writing it starts a movement to the new position."""
        now = time.time()
        quality = AttrQuality.ATTR_VALID if self._move.is_over(now) else AttrQuality.ATTR_CHANGING
        return self._move.position(now), now, quality

    def write_position(self, value: float) -> None:
        """Start a movement. It is refused during a movement: use `Stop` first, as for a real axis."""
        now = time.time()
        if not self._move.is_over(now):
            Except.throw_exception("StillMoving", f"{self.get_name()} is moving: call Stop, or wait", "write_position")
        self._move = Move(self._move.position(now), value, self._velocity, now)

    @attribute(label="Velocity", format="%8.3f", min_value=1e-6, access=AttrWriteType.READ_WRITE, fset="write_velocity")
    def velocity(self) -> float:
        """The velocity of the next movement, in units of the position per second."""
        return self._velocity

    def write_velocity(self, value: float) -> None:
        """Set the velocity of later movements."""
        self._velocity = value

    @command
    def Stop(self) -> None:  # noqa: N802 - as Tango's motors call it
        """Stop where it is."""
        now = time.time()
        here = self._move.position(now)
        self._move = Move(here, here, self._velocity, now)
