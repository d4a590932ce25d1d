"""A point of a motor scan: the shadow of the sample in the spot of the focused beam, on a camera used as a diode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nxscribe.simulation.scenes._detector import Frame, Geometry, expose
from nxscribe.simulation.scenes._phantom import BONE


@dataclass(frozen=True, slots=True)
class MeshPoint:
    """The sample at the position `x_mm`, `y_mm`. All frames of the series show this point."""

    x_mm: float = 0.0
    y_mm: float = 0.0
    radius_mm: float = 0.5
    attenuation: float = 0.9
    """The line integral of the attenuation through one radius of the densest material of the sample."""
    photons: float = 5_000.0
    """Photons per pixel in the middle of the spot."""
    seed: int = 0

    @property
    def transmission(self) -> float:
        """The share of the beam that passes the sample at this point, from 0 to 1."""
        s, z = (np.array([[position / self.radius_mm]]) for position in (self.x_mm, self.y_mm))
        return float(np.exp(-self.attenuation * BONE.projection(0.0, s, z)).item())

    def frame(self, number: int, geometry: Geometry) -> Frame:
        """The frame with this number in the series. The same seed gives the same frame."""
        y = np.linspace(-1, 1, geometry.rows)[:, np.newaxis]
        x = np.linspace(-1, 1, geometry.columns)[np.newaxis, :]
        spot = np.exp(-8 * (x**2 + 1.5 * y**2))
        photons = self.photons * self.transmission * spot
        header = {"sx": f"{self.x_mm:.6f}", "sy": f"{self.y_mm:.6f}"}
        return Frame(expose(photons, np.random.default_rng([self.seed, number])), header)
