"""Holograms: what is left of a small sample's phase after the cone of a focused beam has carried it to the camera.

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
"""The refractive index decrement of a light mineral; it falls as the energy's square."""
_BETA_OVER_DELTA = 1 / 300


@dataclass(frozen=True, slots=True)
class Hologram:
    """One plane of a holotomography scan, or its reference, or a dark: a series of frames under rising angles."""

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
        """How much larger the picture is than the sample."""
        return (self.source_sample_mm + self.sample_detector_mm) / self.source_sample_mm

    def frame(self, number: int, geometry: Geometry) -> Frame:
        """The frame of that number in the series, the same for the same seed."""
        angle = self.first_angle_deg + number * self.angle_step_deg
        photons = np.zeros(geometry.shape)
        if self.content != "dark":
            photons += self.photons * profile(geometry.shape, stripes=0.25)
        if self.content == "sample":
            photons *= self.intensity(angle, geometry)
        header = {"rotation_angle": f"{angle:.6f}", "content": self.content}
        return Frame(expose(photons, np.random.default_rng([self.seed, number])), header)

    def intensity(self, angle_deg: float, geometry: Geometry) -> Image:
        """The hologram without beam profile and noise: 1 where the sample is far."""
        pixel_um = geometry.pixel_um / self.magnification
        thickness_um = self.radius_um * BONE.projection(angle_deg, *rays(geometry.shape, self.radius_um / pixel_um))
        wave = exit_wave(thickness_um, self.energy_kev)
        return propagate(wave, pixel_um, self.sample_detector_mm / self.magnification, self.energy_kev)


def exit_wave(thickness_um: Image, energy_kev: float) -> npt.NDArray[np.complex128]:
    """The wave just behind the sample, for a plane wave of amplitude 1 before it: projection approximation."""
    delta = _DELTA_AT_17_KEV * (17.0 / energy_kev) ** 2
    wave_number_per_um = 2 * math.pi / (_HC_KEV_NM / energy_kev * 1e-3)
    wave: npt.NDArray[np.complex128] = np.exp(-(1j + _BETA_OVER_DELTA) * wave_number_per_um * delta * thickness_um)
    return wave


def propagate(wave: npt.NDArray[np.complex128], pixel_um: float, distance_mm: float, energy_kev: float) -> Image:
    """The intensity of a wave after a distance in free space, by Fresnel's transfer function.

    The picture's edges meet: the wave must be alike there, as it is where the sample fills no edge. A blur of half a
    pixel stands for the source's size and the scintillator.
    """
    wavelength_um = _HC_KEV_NM / energy_kev * 1e-3
    fy, fx = (np.fft.fftfreq(count, pixel_um) for count in wave.shape)
    f2 = fy[:, np.newaxis] ** 2 + fx[np.newaxis, :] ** 2
    spread = np.fft.ifft2(np.fft.fft2(wave) * np.exp(-1j * math.pi * wavelength_um * distance_mm * 1e3 * f2))
    blur = np.exp(-2 * (math.pi * pixel_um / 2) ** 2 * f2)
    return np.maximum(np.fft.ifft2(np.fft.fft2(np.abs(spread) ** 2) * blur).real, 0)
