"""What stands before a camera: for each technique a scene, which says what any frame of a series shows.

A scene is a plain set of numbers, so that it travels to the camera's process as JSON; all it shows follows from them.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Protocol

from nxscribe.simulation.scenes.detector import Counts, EmptyBeam, Frame, Geometry
from nxscribe.simulation.scenes.film import Film
from nxscribe.simulation.scenes.fluorescence import FluorescenceMap
from nxscribe.simulation.scenes.holography import Hologram
from nxscribe.simulation.scenes.mesh import MeshPoint
from nxscribe.simulation.scenes.tomography import ImageKey, Tomography

__all__ = [
    "AnyScene",
    "Counts",
    "EmptyBeam",
    "Film",
    "FluorescenceMap",
    "Frame",
    "Geometry",
    "Hologram",
    "ImageKey",
    "MeshPoint",
    "Scene",
    "Tomography",
    "read_scene",
    "scene_text",
]


class Scene(Protocol):
    """What a camera asks of that which it looks at."""

    def frame(self, number: int, geometry: Geometry) -> Frame:
        """The frame of that number, from 0, in the series."""
        ...


_SCENES = (EmptyBeam, Tomography, Hologram, MeshPoint, Film, FluorescenceMap)
_BY_NAME = {kind.__name__: kind for kind in _SCENES}
AnyScene = EmptyBeam | Tomography | Hologram | MeshPoint | Film | FluorescenceMap


def scene_text(scene: AnyScene) -> str:
    """The scene as one line of JSON."""
    return json.dumps({"scene": type(scene).__name__, **dataclasses.asdict(scene)})


def read_scene(text: str) -> AnyScene:
    """The scene that `scene_text` wrote. Raises ValueError for anything else."""
    try:
        values = json.loads(text)
        return _BY_NAME[values.pop("scene")](**values)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no scene: {text!r}") from error
