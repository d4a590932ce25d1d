"""From photons to counts: the part of a frame that depends on the beam and the detector, but not on the sample."""

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
"""The counts of a pixel without light."""
READ_NOISE = 2.5
"""The standard deviation of the noise of a pixel without light, in counts."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """The properties of the camera that a scene needs."""

    rows: int
    columns: int
    pixel_um: float

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns): the order of numpy and HDF5."""
        return self.rows, self.columns


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame, and the metadata for its header."""

    counts: Counts
    header: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=8)
def profile(shape: tuple[int, int], stripes: float = 0.08) -> Image:
    """The intensity of the beam on each pixel, at most 1: a bell curve with the stripes that multilayers cause.

    It is the same for every frame of a shape, so that a flat-field correction removes it.
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
    """The beam without a sample. A camera sees it until its scene is set."""

    photons: float = 10_000.0
    """Photons per pixel in the middle of the beam."""
    seed: int = 0

    def frame(self, number: int, geometry: Geometry) -> Frame:
        """The frame with this number in the series. The same seed gives the same frame."""
        rng = np.random.default_rng([self.seed, number])
        return Frame(expose(self.photons * profile(geometry.shape), rng))
