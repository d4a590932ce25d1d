"""A point of a motor scan: the sample's shadow on the spot that the focused beam makes on a camera used as a diode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nxscribe.simulation.scenes._detector import Frame, Geometry, expose
from nxscribe.simulation.scenes._phantom import BONE


@dataclass(frozen=True, slots=True)
class MeshPoint:
    """The sample stands at `x_mm`, `y_mm`; all frames of the series show that point."""

    x_mm: float = 0.0
    y_mm: float = 0.0
    radius_mm: float = 0.5
    attenuation: float = 0.9
    """The line integral of the attenuation through one radius of the sample's densest stuff."""
    photons: float = 5_000.0
    """Per pixel in the spot's middle."""
    seed: int = 0

    @property
    def transmission(self) -> float:
        """The share of the beam that comes through at this point."""
        s, z = (np.array([[position / self.radius_mm]]) for position in (self.x_mm, self.y_mm))
        return float(np.exp(-self.attenuation * BONE.projection(0.0, s, z)).item())

    def frame(self, number: int, geometry: Geometry) -> Frame:
        """The frame of that number in the series, the same for the same seed."""
        y = np.linspace(-1, 1, geometry.rows)[:, np.newaxis]
        x = np.linspace(-1, 1, geometry.columns)[np.newaxis, :]
        spot = np.exp(-8 * (x**2 + 1.5 * y**2))
        photons = self.photons * self.transmission * spot
        header = {"sx": f"{self.x_mm:.6f}", "sy": f"{self.y_mm:.6f}"}
        return Frame(expose(photons, np.random.default_rng([self.seed, number])), header)
