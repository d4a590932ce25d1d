"""A fluorescence map: the sample moves through the focus line by line. Each point has one set of spectra."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from nxscribe.simulation._control import Control
from nxscribe.simulation._imaging import Imaging
from nxscribe.simulation.scenes import FluorescenceMap, Geometry
from nxscribe.simulation.techniques._technique import Parameters, Progress

_DWELL_S = 0.005
_RANGE_MM = 1.0
_DETECTOR = Geometry(rows=4, columns=2048, pixel_um=8000.0)
"""The geometry of the simulated camera: one row for each detector element, one column for each energy bin."""


@dataclass(frozen=True, slots=True)
class Fluo:
    """A square map; `size` counts the points of one side."""

    size: int = 10
    camera: ClassVar[str] = "xspress"

    def scene(self, energy_kev: float) -> FluorescenceMap:
        """What the detector sees."""
        step = round(_RANGE_MM / self.size, 6)
        return FluorescenceMap(self.size, self.size, step, step, energy_kev=energy_kev)

    def prepare(self, control: Control, directory: Path) -> Parameters:
        """Go to the first point."""
        control.shutter(is_open=True)
        x, y = self.scene(17.0).point_mm(0)
        control.move(sx=x, sy=y)
        Imaging(control, self.camera).make_ready(directory, "HDF5", _DWELL_S)
        return self.plan()

    def plan(self) -> Parameters:
        """The axes, the fast one first."""
        axes: Parameters = {}
        for number, motor in enumerate(("sx", "sy"), start=1):
            axes |= {
                f"axis{number}_name": motor,
                f"axis{number}_range": _RANGE_MM,
                f"axis{number}_dimension": self.size,
            }
        return {"scan_type": "continuous", "dwell_time": _DWELL_S, **axes}

    def acquire(self, control: Control, progress: Progress) -> Parameters:
        """Measure the map line by line."""
        points = self.size**2
        scene = self.scene(control.read("sim/mono/dcm/energy"))
        x, y = scene.point_mm(points - 1)
        with control.moving("sy", y, velocity=max(2 * abs(y) / (_DWELL_S * points), 1.0)):
            Imaging(control, self.camera).take(
                scene, points, frames_per_file=points, on_frame=lambda done: progress(done, points)
            )
        control.move(sx=x)
        spectrum = np.zeros(_DETECTOR.columns, np.int64)
        for number in range(points):
            spectrum += scene.frame(number, _DETECTOR).counts.sum(axis=0, dtype=np.int64)
        monitor = round(control.read("sim/counter/i0/value") * _DWELL_S * points)
        places = [scene.point_mm(number) for number in range(points)]
        return {
            **self.plan(),
            "spectrum": spectrum.tolist(),
            "monitor": monitor,
            "sx": [place[0] for place in places],
            "sy": [place[1] for place in places],
        }
