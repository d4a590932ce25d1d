"""The interface of the scans of all techniques."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias

from nxscribe.simulation._control import Control

Parameters: TypeAlias = dict[str, object]
"""What the control system itself knows of a scan, by the names of placeholders. The values are plain JSON types."""

Progress: TypeAlias = Callable[[int, int], None]
"""It is called with the number of finished frames and the number of all frames."""


class Technique(Protocol):
    """One kind of scan. Each technique has its own meaning of the size."""

    @property
    def size(self) -> int:
        """The size of the scan."""
        ...

    camera: ClassVar[str]
    """The last part of the name of the camera, `sim/limaccds/*`."""

    def prepare(self, control: Control, directory: Path) -> Parameters:
        """Prepare the beamline before the start of the scan: the motors, the beam, and the files of the camera."""
        ...

    def acquire(self, control: Control, progress: Progress) -> Parameters:
        """Perform the scan, until its last file is on the disk."""
        ...
