"""Microbeam radiation therapy, on film: the sample passes the beam, is turned, and passes again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nxscribe.simulation._control import Control
from nxscribe.simulation._imaging import Imaging
from nxscribe.simulation.scenes import Film
from nxscribe.simulation.techniques._technique import Parameters, Progress

_FILM = Film(cross_angle_deg=45.0)
_START_MM, _STOP_MM, _SPEED_MM_S = -2.0, 2.0, 40.0
_INTERLACING_UM = 200.0
_EXPOSURE_S = 0.02


@dataclass(frozen=True, slots=True)
class Mrt:
    """An irradiation. `size` is the number of directions. There is one image of the film for each direction."""

    size: int = 4
    camera: ClassVar[str] = "frelon"

    def prepare(self, control: Control, directory: Path) -> Parameters:
        """Move the sample to the beam, and the multislit into it.

        The ionisation chambers before the fast shutter always have beam.
        """
        control.shutter(is_open=True)
        control.move(multislit=12.0, ctc=0.0, intlcd=0.0, cross=0.0, zmrt=_START_MM)
        camera = Imaging(control, self.camera)
        camera.binning(1)
        camera.make_ready(directory, "EDF", _EXPOSURE_S)
        return {
            "ctc_motor": "ctc",
            "ctc_spacing": _FILM.spacing_um,
            "ctc_n": _FILM.beams,
            "cross_motor": "cross",
            "cross_angle": _FILM.cross_angle_deg,
            "cross_n": self.size,
            "intlcd_motor": "intlcd",
            "intlcd_offset": _INTERLACING_UM,
            "z_start_position": _START_MM,
            "z_stop_position": _STOP_MM,
            "z_speed": _SPEED_MM_S,
        }

    def acquire(self, control: Control, progress: Progress) -> Parameters:
        """Irradiate from each direction."""
        camera = Imaging(control, self.camera)
        control.move(intlcd=_INTERLACING_UM / 1000)
        for direction in range(self.size):
            control.move(cross=direction * _FILM.cross_angle_deg, ctc=_FILM.spacing_um / 1000 * (direction % 2))
            with control.moving("zmrt", (_STOP_MM, _START_MM)[direction % 2], velocity=_SPEED_MM_S):
                pass  # the dose is given while the sample passes
            film = Film(directions=direction + 1, cross_angle_deg=_FILM.cross_angle_deg, seed=direction)
            camera.take(film, 1)
            progress(direction + 1, self.size)
        return {"cross_n": self.size}
