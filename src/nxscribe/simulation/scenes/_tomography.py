"""A tomography scan as a fast camera sees it: darks, flats and projections in one series, while the sample turns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from nxscribe.simulation.scenes._detector import Frame, Geometry, expose, profile
from nxscribe.simulation.scenes._phantom import BONE, rays


class ImageKey(IntEnum):
    """What a frame shows, in the numbers of NXtomo."""

    PROJECTION = 0
    FLAT = 1
    DARK = 2


@dataclass(frozen=True, slots=True)
class Tomography:
    """The darks, and then the projections, with flats before every `flats_every` of them and after the last one."""

    projections: int = 180
    darks: int = 10
    flats: int = 10
    flats_every: int = 90
    range_deg: float = 180.0
    radius_pixels: float = 84.0
    """The radius of the sample on the camera, in pixels."""
    attenuation: float = 0.9
    """The line integral of the attenuation through one radius of the densest material of the sample."""
    photons: float = 20_000.0
    """Photons per pixel in the middle of the beam."""
    seed: int = 0

    @property
    def sequence(self) -> tuple[tuple[ImageKey, float], ...]:
        """The kind of each frame, and the angle of the sample (degrees)."""
        angles = [self.range_deg * index / self.projections for index in range(self.projections)]
        frames = [(ImageKey.DARK, 0.0)] * self.darks
        for start in range(0, self.projections, self.flats_every):
            frames += [(ImageKey.FLAT, angles[start])] * self.flats
            frames += [(ImageKey.PROJECTION, angle) for angle in angles[start : start + self.flats_every]]
        return (*frames, *[(ImageKey.FLAT, self.range_deg)] * self.flats)

    def frame(self, number: int, geometry: Geometry) -> Frame:
        """The frame with this number in the series. The same seed gives the same frame."""
        key, angle = self.sequence[number]
        photons = np.zeros(geometry.shape)
        if key is not ImageKey.DARK:
            photons += self.photons * profile(geometry.shape)
        if key is ImageKey.PROJECTION:
            s, z = rays(geometry.shape, self.radius_pixels)
            photons *= np.exp(-self.attenuation * BONE.projection(angle, s, z))
        header = {"image_key": str(int(key)), "rotation_angle": f"{angle:.6f}"}
        return Frame(expose(photons, np.random.default_rng([self.seed, number])), header)
