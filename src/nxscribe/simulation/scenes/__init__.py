"""Scenes: what a camera sees. Each technique has a scene, which computes every frame of a series.

A scene is a set of plain numbers, which is sent to the process of the camera as JSON. They determine all frames.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Protocol

from nxscribe.simulation.scenes._detector import Counts, EmptyBeam, Frame, Geometry
from nxscribe.simulation.scenes._film import Film
from nxscribe.simulation.scenes._fluorescence import FluorescenceMap
from nxscribe.simulation.scenes._holography import Hologram
from nxscribe.simulation.scenes._mesh import MeshPoint
from nxscribe.simulation.scenes._tomography import ImageKey, Tomography

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
    """What a camera sees. It computes the frames of a series."""

    def frame(self, number: int, geometry: Geometry) -> Frame:
        """The frame with this number in the series; the first one has the number 0."""
        ...


_SCENES = (EmptyBeam, Tomography, Hologram, MeshPoint, Film, FluorescenceMap)
_BY_NAME = {kind.__name__: kind for kind in _SCENES}
AnyScene = EmptyBeam | Tomography | Hologram | MeshPoint | Film | FluorescenceMap


def scene_text(scene: AnyScene) -> str:
    """The scene as one line of JSON."""
    return json.dumps({"scene": type(scene).__name__, **dataclasses.asdict(scene)})


def read_scene(text: str) -> AnyScene:
    """The scene from a text of `scene_text`. Raises ValueError for any other text."""
    try:
        values = json.loads(text)
        return _BY_NAME[values.pop("scene")](**values)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no scene: {text!r}") from error
