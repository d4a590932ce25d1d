"""A sample of ellipsoids, whose line integrals are known exactly, so that projections have no error of a raster.

The geometry is that of a parallel beam and a vertical axis of rotation. A sample's unit of length is the radius of
the cylinder that holds it; the coordinates x and y turn with the sample, z points up along the axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Image: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """One ellipsoid with an axis along z."""

    density: float
    """The density that it adds to the sample; negative for a hole."""
    semi_axes: tuple[float, float, float]
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tilt_deg: float = 0.0
    """Its rotation about z, in degrees."""

    @property
    def mass(self) -> float:
        """Its density times its volume."""
        return self.density * 4 / 3 * math.pi * math.prod(self.semi_axes)

    def projection(self, angle_deg: float, s: Image, z: Image) -> Image:
        """The line integral of its density along rays across the axis of rotation.

        `s` is the distance of each ray from the axis and `z` its height; the two broadcast to the image's shape.
        For an ellipse the integral is that of a circle, stretched: Kak & Slaney, *Principles of Computerized
        Tomographic Imaging*, section 3.1; a slice through the ellipsoid at height z is an ellipse, scaled.
        """
        (a, b, c), (x, y, height) = self.semi_axes, self.centre
        theta = math.radians(angle_deg)
        turned = theta - math.radians(self.tilt_deg)
        width2 = (a * math.cos(turned)) ** 2 + (b * math.sin(turned)) ** 2
        offset = s - (x * math.cos(theta) + y * math.sin(theta))
        inside = width2 * (1 - ((z - height) / c) ** 2) - offset**2
        return 2 * self.density * a * b / width2 * np.sqrt(np.maximum(inside, 0))


@dataclass(frozen=True, slots=True)
class Phantom:
    """Several ellipsoids, whose densities add up where they overlap."""

    bodies: tuple[Ellipsoid, ...]

    @property
    def mass(self) -> float:
        """The integral of the density over the volume. It is the same for every angle."""
        return sum(body.mass for body in self.bodies)

    def projection(self, angle_deg: float, s: Image, z: Image) -> Image:
        """The sum of the bodies' projections; see `Ellipsoid.projection`."""
        image = np.zeros(np.broadcast_shapes(s.shape, z.shape))
        for body in self.bodies:
            image += body.projection(angle_deg, s, z)
        return image


BONE = Phantom(
    (
        Ellipsoid(1.0, (0.80, 0.62, 0.86)),
        Ellipsoid(-0.55, (0.72, 0.54, 0.79)),
        Ellipsoid(0.35, (0.20, 0.12, 0.45), (-0.30, 0.10, 0.05), 25.0),
        Ellipsoid(-0.35, (0.16, 0.26, 0.38), (0.28, -0.05, -0.10), -18.0),
        Ellipsoid(0.80, (0.09, 0.09, 0.09), (0.05, 0.30, 0.35)),
        Ellipsoid(0.80, (0.06, 0.06, 0.06), (0.10, -0.32, -0.40)),
        Ellipsoid(1.20, (0.05, 0.05, 0.30), (-0.02, 0.00, 0.00)),
        Ellipsoid(-0.30, (0.07, 0.05, 0.07), (-0.38, -0.22, -0.30), 40.0),
    )
)
"""A shell with inclusions, holes and a pin on the axis. It is asymmetric, so that a mirrored image is noticed."""


def rays(shape: tuple[int, int], pixels_per_radius: float) -> tuple[Image, Image]:
    """The coordinates (s, z) of the centres of the pixels of an image. The axis is in the middle, row 0 at the top."""
    rows, columns = shape
    s: Image = (np.arange(columns, dtype=np.float64) - (columns - 1) / 2) / pixels_per_radius
    z: Image = ((rows - 1) / 2 - np.arange(rows, dtype=np.float64)) / pixels_per_radius
    return s[np.newaxis, :], z[:, np.newaxis]
