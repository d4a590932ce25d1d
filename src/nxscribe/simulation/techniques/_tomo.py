"""Tomography on the fly: the sample turns at constant speed while a fast camera writes one HDF5 file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nxscribe.simulation._control import Control
from nxscribe.simulation._imaging import Imaging
from nxscribe.simulation.scenes import Tomography
from nxscribe.simulation.techniques._technique import Parameters, Progress

_EXPOSURE_S = 0.005
_Y_STEP_MM = 2.0
"""The distance by which the sample moves out of the beam for the flats, in millimetres."""


@dataclass(frozen=True, slots=True)
class Tomo:
    """A scan over 180 degrees. `size` is the number of projections."""

    size: int = 180
    camera: ClassVar[str] = "pco"

    @property
    def scene(self) -> Tomography:
        """What the camera sees."""
        return Tomography(projections=self.size, flats_every=max(1, self.size // 2))

    def prepare(self, control: Control, directory: Path) -> Parameters:
        """Move the camera close to the sample, and the rotation to its start."""
        control.shutter(is_open=True)
        control.move(sx=0.0, sy=0.0, srot=0.0, sourcex=1100.0, detx=100.0)
        Imaging(control, self.camera).make_ready(directory, "HDF5", _EXPOSURE_S)
        return self.counts()

    def counts(self) -> Parameters:
        """The numbers of frames of the scan, under the names that the tomography macros of the ESRF use."""
        scene = self.scene
        return {
            "tomo_n": scene.projections,
            "ref_n": scene.flats,
            "dark_n": scene.darks,
            "ref_on": scene.flats_every,
            "y_step": _Y_STEP_MM,
            "FTOMO_PAR": f"SCANRANGE={scene.range_deg:g} TOMO_N={scene.projections} REF_ON={scene.flats_every}",
        }

    def acquire(self, control: Control, progress: Progress) -> Parameters:
        """Turn the sample, and take darks, flats and projections."""
        scene = self.scene
        sequence = scene.sequence
        duration_s = _EXPOSURE_S * len(sequence)
        with control.moving("srot", scene.range_deg, velocity=scene.range_deg / duration_s):
            Imaging(control, self.camera).take(
                scene,
                len(sequence),
                frames_per_file=len(sequence),
                on_frame=lambda done: progress(done, len(sequence)),
            )
        return {
            **self.counts(),
            "image_key": [int(key) for key, _ in sequence],
            "rotation_angle": [angle for _, angle in sequence],
        }
