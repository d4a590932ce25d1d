"""From photons to counts: the part of the picture that belongs to beam and detector, whatever the sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from nxscribe.simulation.scenes._phantom import Image

Counts: TypeAlias = npt.NDArray[np.uint16] | npt.NDArray[np.uint32]

OFFSET = 100.0
"""What a pixel reads in the dark, in counts."""
READ_NOISE = 2.5
"""Its standard deviation, in counts."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """What a scene must know of the camera that looks at it."""

    rows: int
    columns: int
    pixel_um: float

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns), as numpy and HDF5 count."""
        return self.rows, self.columns


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture, and what its header shall say of how it was taken."""

    counts: Counts
    header: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=8)
def profile(shape: tuple[int, int], stripes: float = 0.08) -> Image:
    """The beam's intensity on each pixel, 1 at its best: a bell, and the stripes that multilayers and mirrors leave.

    It is the same for every frame of a shape, so that a flat field corrects it away.
    """
    rows, columns = shape
    y = np.linspace(-1, 1, rows)[:, np.newaxis]
    x = np.linspace(-1, 1, columns)[np.newaxis, :]
    pattern = np.random.default_rng(1).normal(size=rows)
    smooth = np.convolve(np.pad(pattern, 3, mode="wrap"), np.hanning(7), mode="valid")[:rows]
    beam = np.exp(-0.6 * y**2 - 0.25 * x**2) * (1 + stripes * (smooth / np.abs(smooth).max())[:, np.newaxis])
    result: Image = beam / beam.max()
    result.flags.writeable = False  # it is shared
    return result


def expose(photons: Image, rng: np.random.Generator) -> npt.NDArray[np.uint16]:
    """The counts of a 16-bit camera with one count per photon: shot noise, offset, read noise, saturation."""
    counts = rng.poisson(photons) + rng.normal(OFFSET, READ_NOISE, photons.shape)
    return np.clip(np.rint(counts), 0, 65535).astype(np.uint16)


@dataclass(frozen=True, slots=True)
class EmptyBeam:
    """The beam with nothing in it: what a camera sees before anyone puts a scene there."""

    photons: float = 10_000.0
    """Per pixel in the beam's middle."""
    seed: int = 0

    def frame(self, number: int, geometry: Geometry) -> Frame:
        """The frame of that number in the series, the same for the same seed."""
        rng = np.random.default_rng([self.seed, number])
        return Frame(expose(self.photons * profile(geometry.shape), rng))
