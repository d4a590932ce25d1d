"""Counters: ionisation chambers and diodes that tell how much beam there is."""

from __future__ import annotations

import time

from tango.server import attribute, device_property

from nxscribe.simulation._beam import BEAM
from nxscribe.simulation.devices._instrument import Instrument


class Counter(Instrument):
    """One channel: it follows the beam, times a factor, with noise and a dark reading."""

    per_photon = device_property(dtype=float, default_value=1.0, doc="What it reads for one photon per second.")
    dark = device_property(dtype=float, default_value=0.0, doc="What it reads without beam.")

    @attribute(label="Value", format="%12.5e")
    def value(self) -> float:
        """What the channel reads, in the unit that the database gives to this attribute."""
        noise = 1 + 0.003 * self.flicker("noise")
        value: float = self.dark * (1 + 0.1 * self.flicker("dark")) + self.per_photon * BEAM.flux(time.time()) * noise
        return value
