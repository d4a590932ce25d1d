"""The storage ring and devices in its tunnel."""

from __future__ import annotations

import time

from tango.server import attribute

from nxscribe.simulation._beam import RING_LIFETIME_H, ring_current_ma
from nxscribe.simulation.devices._instrument import Instrument, setting


class Ring(Instrument):
    """The storage ring. Its current decays and is refilled every twenty minutes."""

    @attribute(label="Ring current", unit="mA", format="%8.4f", min_value=0, max_value=300)
    def current(self) -> float:
        """The current stored in the ring."""
        return ring_current_ma(time.time())

    @attribute(label="Lifetime", unit="h", format="%6.3f", min_value=0)
    def lifetime(self) -> float:
        """The time in which the current falls to 1/e."""
        return RING_LIFETIME_H * (1 + 0.01 * self.flicker("lifetime"))

    @attribute(label="Filling mode")
    def filling_mode(self) -> str:
        """How the electron bunches are distributed over the ring."""
        return "7/8 multibunch"

    @attribute(label="Electron energy", unit="GeV", format="%8.5f")
    def energy(self) -> float:
        """The energy of the stored electrons."""
        return 6.0 * (1 + 1e-5 * self.flicker("energy"))


class Undulator(Instrument):
    """An insertion device."""

    gap = setting(
        "Gap", "mm", 11.8, "The distance between the magnet jaws.", flicker=2e-4, format="%8.4f", min_value=10.5
    )
    taper = setting("Taper", "mm", 0.0, "The gap's difference between entrance and exit.", flicker=2e-4, format="%7.4f")


class Gauge(Instrument):
    """A cold-cathode vacuum gauge."""

    @attribute(label="Pressure", unit="mbar", format="%9.3e", min_value=0, max_alarm=1e-6)
    def pressure(self) -> float:
        """The pressure of the residual gas."""
        return 3.2e-9 * (1 + 0.15 * self.flicker("pressure"))
