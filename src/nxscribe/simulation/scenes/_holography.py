"""Holograms: the phase of a small sample in a focused beam, as intensity on a camera behind it.

By the Fresnel scaling theorem a cone-beam hologram is a parallel-beam one, magnified: with the distances z1 from
focus to sample and z2 from sample to camera, M = (z1 + z2) / z1, at the effective distance D = z2 / M.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nxscribe.simulation.scenes._detector import Frame, Geometry, expose, profile
from nxscribe.simulation.scenes._phantom import BONE, Image, rays

_HC_KEV_NM = 1.239842
_DELTA_AT_17_KEV = 9.0e-7
"""The refractive index decrement of a light mineral. It falls with the square of the energy."""
_BETA_OVER_DELTA = 1 / 300


@dataclass(frozen=True, slots=True)
class Hologram:
    """One plane of a holotomography scan, its references, or its darks: a series of frames at increasing angles."""

    content: str = "sample"
    """`sample`, `reference` (the beam alone) or `dark`."""
    source_sample_mm: float = 30.0
    sample_detector_mm: float = 1170.0
    energy_kev: float = 17.05
    first_angle_deg: float = 0.0
    angle_step_deg: float = 0.0
    radius_um: float = 14.0
    photons: float = 8_000.0
    seed: int = 0

    @property
    def magnification(self) -> float:
        """The magnification: the size of the image divided by the size of the sample."""
        return (self.source_sample_mm + self.sample_detector_mm) / self.source_sample_mm

    def frame(self, number: int, geometry: Geometry) -> Frame:
        """The frame with this number in the series. The same seed gives the same frame."""
        angle = self.first_angle_deg + number * self.angle_step_deg
        photons = np.zeros(geometry.shape)
        if self.content != "dark":
            photons += self.photons * profile(geometry.shape, stripes=0.25)
        if self.content == "sample":
            photons *= self.intensity(angle, geometry)
        header = {"rotation_angle": f"{angle:.6f}", "content": self.content}
        return Frame(expose(photons, np.random.default_rng([self.seed, number])), header)

    def intensity(self, angle_deg: float, geometry: Geometry) -> Image:
        """The intensity without beam profile and noise: 1 far from the sample. Its shape is that of the camera."""
        pixel_um = geometry.pixel_um / self.magnification
        thickness_um = self.radius_um * BONE.projection(angle_deg, *rays(geometry.shape, self.radius_um / pixel_um))
        wave = exit_wave(thickness_um, self.energy_kev)
        return propagate(wave, pixel_um, self.sample_detector_mm / self.magnification, self.energy_kev)


def exit_wave(thickness_um: Image, energy_kev: float) -> npt.NDArray[np.complex128]:
    """The complex wave directly behind the sample, for a plane wave of amplitude 1 (projection approximation)."""
    delta = _DELTA_AT_17_KEV * (17.0 / energy_kev) ** 2
    wave_number_per_um = 2 * math.pi / (_HC_KEV_NM / energy_kev * 1e-3)
    wave: npt.NDArray[np.complex128] = np.exp(-(1j + _BETA_OVER_DELTA) * wave_number_per_um * delta * thickness_um)
    return wave


def propagate(wave: npt.NDArray[np.complex128], pixel_um: float, distance_mm: float, energy_kev: float) -> Image:
    """The intensity of a wave after a distance in free space, by the transfer function of Fresnel.

    The image is periodic: the wave must be equal at opposite edges, so that the sample must not touch them. A blur of
    half a pixel represents the size of the source and the scintillator.
    """
    wavelength_um = _HC_KEV_NM / energy_kev * 1e-3
    fy, fx = (np.fft.fftfreq(count, pixel_um) for count in wave.shape)
    f2 = fy[:, np.newaxis] ** 2 + fx[np.newaxis, :] ** 2
    spread = np.fft.ifft2(np.fft.fft2(wave) * np.exp(-1j * math.pi * wavelength_um * distance_mm * 1e3 * f2))
    blur = np.exp(-2 * (math.pi * pixel_um / 2) ** 2 * f2)
    return np.maximum(np.fft.ifft2(np.fft.fft2(np.abs(spread) ** 2) * blur).real, 0)
