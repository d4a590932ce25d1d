"""The X-ray beam, as the storage ring, the attenuator and the shutter leave it. All devices of one process share it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nxscribe.simulation._drift import around

RING_CURRENT_MA = 200.0
RING_LIFETIME_H = 11.0
TOP_UP_S = 1200.0
"""The time between two refills."""

FLUX_AT_FULL_CURRENT = 1.2e12
"""Photons per second behind the monochromator at `RING_CURRENT_MA`, with nothing else in the beam."""

_REFERENCE_KEV = 17.48
_ATTENUATION_PER_MM = {"Al": 1.39, "C": 0.22, "Cu": 45.6, "Mo": 18.9}
"""Linear attenuation coefficients at the energy of Mo K alpha, 17.48 keV, from NIST's tables."""

MATERIALS = tuple(_ATTENUATION_PER_MM)


def ring_current_ma(time_s: float) -> float:
    """The stored current (mA) at a time (seconds since the epoch). It decays, and is refilled every `TOP_UP_S`."""
    return RING_CURRENT_MA * math.exp(-(time_s % TOP_UP_S) / (RING_LIFETIME_H * 3600))


def transmission(material: str, thickness_um: float, energy_kev: float) -> float:
    """The share of the photons that pass an absorber, from 0 to 1.

    This is the law of Beer and Lambert with a coefficient that falls with the third power of the energy. The power law
    holds between absorption edges, which are not simulated.
    """
    per_mm = _ATTENUATION_PER_MM[material] * (_REFERENCE_KEV / energy_kev) ** 3
    return math.exp(-per_mm * thickness_um / 1000)


@dataclass(slots=True)
class Beam:
    """The settings of the devices that change the beam."""

    energy_kev: float = 17.05
    material: str = "Al"
    thickness_um: float = 0.0
    shutter_open: bool = True

    @property
    def transmission(self) -> float:
        """The share of the photons that pass the attenuator, from 0 to 1."""
        return transmission(self.material, self.thickness_um, self.energy_kev)

    def flux(self, time_s: float) -> float:
        """Photons per second at the sample at a time (seconds since the epoch); 0 if the shutter is closed."""
        if not self.shutter_open:
            return 0.0
        current = ring_current_ma(time_s) / RING_CURRENT_MA
        return around(FLUX_AT_FULL_CURRENT * current * self.transmission, 0.002, "beam", time_s)


BEAM = Beam()
"""The beam of this process. All devices that change or measure it are in the same process."""
