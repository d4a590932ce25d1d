"""A step scan over a mesh: at each point the motors stand, a diode is read and a picture is taken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from nxscribe.simulation._control import Control
from nxscribe.simulation._imaging import Imaging
from nxscribe.simulation.scenes import MeshPoint
from nxscribe.simulation.techniques._technique import Parameters, Progress

_DWELL_S = 0.002
_RANGE_MM = 1.0
_BINNING = 4


@dataclass(frozen=True, slots=True)
class Scan:
    """A mesh of the motors `sx` and `sy`. `size` is the number of points of one side."""

    size: int = 9
    camera: ClassVar[str] = "frelon"

    def prepare(self, control: Control, directory: Path) -> Parameters:
        """Go to the first point."""
        control.shutter(is_open=True)
        control.move(sx=-_RANGE_MM / 2, sy=-_RANGE_MM / 2)
        camera = Imaging(control, self.camera)
        camera.binning(_BINNING)
        camera.make_ready(directory, "EDF", _DWELL_S)
        return self.plan()

    def plan(self) -> Parameters:
        """The axes, the fast one first."""
        axes: Parameters = {}
        for number, motor in enumerate(("sx", "sy"), start=1):
            axes |= {
                f"axis{number}_name": motor,
                f"axis{number}_range": _RANGE_MM,
                f"axis{number}_start": -_RANGE_MM / 2,
                f"axis{number}_stop": _RANGE_MM / 2,
                f"axis{number}_dimension": self.size,
            }
        return {"scan_type": "step_by_step", "dwell_time": _DWELL_S, **axes}

    def acquire(self, control: Control, progress: Progress) -> Parameters:
        """Go from point to point, line after line."""
        camera = Imaging(control, self.camera)
        steps = np.linspace(-_RANGE_MM / 2, _RANGE_MM / 2, self.size).tolist()
        measured: dict[str, list[float]] = {"sx": [], "sy": [], "diode": []}
        for y in steps:
            for x in steps:
                control.move(sx=x, sy=y)
                point = MeshPoint(x_mm=x, y_mm=y, seed=len(measured["diode"]))
                camera.take(point, 1)
                measured["sx"].append(control.read("sim/motor/sx/position"))
                measured["sy"].append(control.read("sim/motor/sy/position"))
                measured["diode"].append(point.transmission * control.read("sim/counter/it/value"))
                progress(len(measured["diode"]), self.size**2)
        return {**self.plan(), **measured}
