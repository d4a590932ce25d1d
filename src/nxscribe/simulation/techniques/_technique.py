"""What every technique's scan has in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias

from nxscribe.simulation._control import Control

Parameters: TypeAlias = dict[str, object]
"""What the control system itself knows of a scan, by the names of the definition's placeholders; plain JSON types."""

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many frames are done, of how many."""


class Technique(Protocol):
    """One kind of scan. What its size counts is the technique's own."""

    @property
    def size(self) -> int:
        """How large the scan is."""
        ...

    camera: ClassVar[str]
    """Which of `sim/limaccds/*` takes the frames."""

    def prepare(self, control: Control, directory: Path) -> Parameters:
        """Make the beamline ready before the scan starts: motors, beam, where the camera saves."""
        ...

    def acquire(self, control: Control, progress: Progress) -> Parameters:
        """Play the scan, from the start to the last file on disk."""
        ...
