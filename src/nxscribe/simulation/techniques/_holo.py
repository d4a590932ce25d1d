"""Holotomography: the same views of a small sample at four distances from the focus, one EDF file per image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nxscribe.simulation._control import Control
from nxscribe.simulation._imaging import Imaging
from nxscribe.simulation.scenes import Hologram
from nxscribe.simulation.techniques._technique import Parameters, Progress

_EXPOSURE_S = 0.01
_DARKS = 4
_REFERENCES = 3
_SOURCE_DETECTOR_MM = 1200.0
_SOURCE_SAMPLE_MM = (30.0, 31.2, 36.0, 45.0)
_ASIDE_MM = 0.5
_RANGE_DEG = 180.0


@dataclass(frozen=True, slots=True)
class Holo:
    """Darks, and then references and images for each plane. `size` is the number of angles of one plane."""

    size: int = 5
    camera: ClassVar[str] = "frelon"

    def prepare(self, control: Control, directory: Path) -> Parameters:
        """Go to the first plane."""
        control.shutter(is_open=True)
        control.move(sx=0.0, sy=0.0, srot=0.0, **_plane(0))
        camera = Imaging(control, self.camera)
        camera.binning(1)
        camera.make_ready(directory, "EDF", _EXPOSURE_S)
        return {
            "holo_N": len(_SOURCE_SAMPLE_MM),
            "holoSourceSampleDistances": list(_SOURCE_SAMPLE_MM),
            "holoSampleDetectorDistances": [round(_SOURCE_DETECTOR_MM - source, 6) for source in _SOURCE_SAMPLE_MM],
            "tomo_n": self.size,
            "scan_range": _RANGE_DEG,
            "z_Step": round(_SOURCE_SAMPLE_MM[1] - _SOURCE_SAMPLE_MM[0], 6),
        }

    def acquire(self, control: Control, progress: Progress) -> Parameters:
        """Take the darks, then plane after plane."""
        camera = Imaging(control, self.camera)
        total = _DARKS + len(_SOURCE_SAMPLE_MM) * (_REFERENCES + self.size)
        first = camera.next_number
        energy_kev = control.read("sim/mono/dcm/energy")
        numbers: Parameters = {}

        def series(name: str, content: str, frames: int, plane: int = 0) -> None:
            start = camera.next_number
            scene = Hologram(
                content=content,
                source_sample_mm=_SOURCE_SAMPLE_MM[plane],
                sample_detector_mm=_SOURCE_DETECTOR_MM - _SOURCE_SAMPLE_MM[plane],
                energy_kev=energy_kev,
                angle_step_deg=_RANGE_DEG / self.size if content == "sample" else 0.0,
                seed=start,
            )
            camera.take(scene, frames, on_frame=lambda done: progress(start - first + done, total))
            numbers[f"{name}_num_start"], numbers[f"{name}_num_end"] = start, camera.next_number - 1

        control.shutter(is_open=False)
        series("dark", "dark", _DARKS)
        control.shutter(is_open=True)
        for plane in range(len(_SOURCE_SAMPLE_MM)):
            control.move(sx=_ASIDE_MM, srot=0.0, **_plane(plane))
            series(f"ref{plane + 1:02d}", "reference", _REFERENCES, plane)
            control.move(sx=0.0)
            with control.moving("srot", _RANGE_DEG, velocity=_RANGE_DEG / (_EXPOSURE_S * self.size)):
                series(f"im{plane + 1:02d}", "sample", self.size, plane)
        return numbers


def _plane(number: int) -> dict[str, float]:
    source = _SOURCE_SAMPLE_MM[number]
    return {"sourcex": source, "detx": round(_SOURCE_DETECTOR_MM - source, 6)}
