"""Raw EDF files: their bytes as HDF5's external storage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nxscribe.projections.nexus.raw.frames import Frames, RawError
from nxscribe.projections.nexus.raw.names import Names


def link(detector: str, paths: Sequence[Path], names: Names, entry: str) -> Frames:
    raise RawError("EDF")
