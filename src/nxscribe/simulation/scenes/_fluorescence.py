"""X-ray fluorescence: the spectrum of each point of a map, on each element of an energy-dispersive detector."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nxscribe.simulation.scenes._detector import Frame, Geometry
from nxscribe.simulation.scenes._phantom import BONE, Image, Phantom

BIN_KEV = 0.01
"""The width of one bin of the spectrum."""

LINES_KEV: dict[str, tuple[tuple[float, float], ...]] = {
    "Ca": ((3.692, 1.0), (4.013, 0.14)),
    "Fe": ((6.404, 1.0), (7.058, 0.15)),
    "Cu": ((8.048, 1.0), (8.905, 0.15)),
    "Zn": ((8.639, 1.0), (9.572, 0.15)),
}
"""The K alpha and K beta lines: energy and relative intensity, from the X-ray data booklet."""

_WHERE = {
    "Ca": Phantom(BONE.bodies[:2]),
    "Fe": Phantom(BONE.bodies[6:7]),
    "Cu": Phantom(BONE.bodies[2:3]),
    "Zn": Phantom(BONE.bodies[4:6]),
}
_COUNTS = {"Ca": 9_000.0, "Fe": 12_000.0, "Cu": 2_500.0, "Zn": 6_000.0}
"""The counts in the alpha line for one radius of a material of density 1."""


@dataclass(frozen=True, slots=True)
class FluorescenceMap:
    """One frame for each point, row after row. Its rows are elements of the detector, its columns energy bins."""

    columns: int = 10
    rows: int = 10
    step_x_mm: float = 0.1
    step_y_mm: float = 0.1
    radius_mm: float = 0.5
    energy_kev: float = 17.05
    seed: int = 0

    def point_mm(self, number: int) -> tuple[float, float]:
        """The coordinates (mm) of the point with this number, from the middle of the map."""
        row, column = divmod(number, self.columns)
        x = (column - (self.columns - 1) / 2) * self.step_x_mm
        y = (row - (self.rows - 1) / 2) * self.step_y_mm
        return round(x, 6), round(y, 6)

    def content(self, number: int) -> dict[str, float]:
        """The mean counts in the alpha line of each chemical element at the point with this number."""
        s, z = (np.array([[position / self.radius_mm]]) for position in self.point_mm(number))
        return {
            element: _COUNTS[element] * float(where.projection(0.0, s, z).item()) for element, where in _WHERE.items()
        }

    def frame(self, number: int, geometry: Geometry) -> Frame:
        """The spectra of the point with this number: one row for each element of the detector."""
        energy: Image = (np.arange(geometry.columns, dtype=np.float64) + 0.5) * BIN_KEV
        spectrum = 4 * np.exp(-energy / 8) + 1500 * _peak(energy, self.energy_kev)
        compton_kev = self.energy_kev / (1 + self.energy_kev / 510.999)  # scattered by 90 degrees
        spectrum += 2500 * _peak(energy, compton_kev, broadened=3)
        for element, counts in self.content(number).items():
            for line_kev, share in LINES_KEV[element]:
                spectrum += counts * share * _peak(energy, line_kev)
        efficiency = np.linspace(1, 0.9, geometry.rows)[:, np.newaxis]
        rng = np.random.default_rng([self.seed, number])
        counts_seen: npt.NDArray[np.uint32] = rng.poisson(efficiency * spectrum).astype(np.uint32)
        x, y = self.point_mm(number)
        return Frame(counts_seen, {"sx": f"{x:.6f}", "sy": f"{y:.6f}"})


def _peak(energy_kev: Image, line_kev: float, broadened: float = 1.0) -> Image:
    """A Gaussian with the resolution of silicon (80 eV of noise, Fano factor 0.115), whose sum over the bins is 1."""
    sigma = broadened * math.hypot(0.080 / 2.355, math.sqrt(0.115 * 0.00366 * line_kev))
    shape: Image = np.exp(-(((energy_kev - line_kev) / sigma) ** 2) / 2)
    return shape * BIN_KEV / (sigma * math.sqrt(2 * math.pi))
