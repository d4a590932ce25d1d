"""Microbeam radiation therapy on film: an array of narrow beams, turned a little for each exposure of a cross-fire."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nxscribe.simulation.scenes._detector import Frame, Geometry
from nxscribe.simulation.scenes._phantom import Image

_FULL_SCALE = 50_000.0
_DENSITY = 1.6
"""The optical density of the saturated film."""


@dataclass(frozen=True, slots=True)
class Film:
    """A series of films: each has one more cross-fire direction on it than the one before."""

    directions: int = 1
    """The number of directions on the first film."""
    spacing_um: float = 400.0
    """The distance between the centres of two microbeams, in micrometres."""
    width_um: float = 50.0
    beams: int = 12
    cross_angle_deg: float = 90.0
    """The angle between two directions, in degrees."""
    valley: float = 0.03
    """The dose between two microbeams, which scattering causes, as a share of the peak dose."""
    film_pixel_um: float = 25.0
    seed: int = 0

    def dose(self, directions: int, geometry: Geometry) -> Image:
        """The dose on the film after this number of directions, in units of the dose of one peak."""
        y = (np.arange(geometry.rows) - (geometry.rows - 1) / 2)[:, np.newaxis] * self.film_pixel_um
        x = (np.arange(geometry.columns) - (geometry.columns - 1) / 2)[np.newaxis, :] * self.film_pixel_um
        total = np.zeros(geometry.shape)
        for direction in range(directions):
            angle = math.radians(direction * self.cross_angle_deg)
            across = x * math.cos(angle) + y * math.sin(angle)
            from_beam = (across + self.spacing_um / 2) % self.spacing_um - self.spacing_um / 2
            # The edges of a microbeam are some 10 um wide.
            peaks = 1 / (1 + np.exp((np.abs(from_beam) - self.width_um / 2) / 5))
            inside = np.abs(across) < self.beams * self.spacing_um / 2
            total += inside * (self.valley + (1 - self.valley) * peaks)
        return total

    def frame(self, number: int, geometry: Geometry) -> Frame:
        """The film with this number in the series, as a scanner reads it: a higher dose is darker."""
        dose = self.dose(self.directions + number, geometry)
        light = _FULL_SCALE * 10 ** (-_DENSITY * dose / (dose + 0.5))
        grain = np.random.default_rng([self.seed, number]).normal(1, 0.01, geometry.shape)
        counts = np.clip(np.rint(light * grain), 0, 65535).astype(np.uint16)
        return Frame(counts, {"directions": str(self.directions + number)})
