"""Counters: ionisation chambers and diodes that measure the intensity of the beam."""

from __future__ import annotations

import time

from tango.server import attribute, device_property

from nxscribe.simulation._beam import BEAM
from nxscribe.simulation.devices._instrument import Instrument


class Counter(Instrument):
    """One channel: the intensity of the beam times a factor, plus noise and a dark current."""

    per_photon = device_property(dtype=float, default_value=1.0, doc="What it reads for one photon per second.")
    dark = device_property(dtype=float, default_value=0.0, doc="What it reads without beam.")

    @attribute(label="Value", format="%12.5e")
    def value(self) -> float:
        """The reading of the channel, in the unit that the Tango database has for this attribute."""
        noise = 1 + 0.003 * self.flicker("noise")
        value: float = self.dark * (1 + 0.1 * self.flicker("dark")) + self.per_photon * BEAM.flux(time.time()) * noise
        return value
