"""Detectors whose raw files are found through their own attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nxscribe.errors import Location
from nxscribe.plan.sources import Source, TangoSource

SAVING_ATTRIBUTES: Final = (
    "saving_directory",
    "saving_prefix",
    "saving_suffix",
    "saving_format",
    "saving_next_number",
    "saving_index_format",
    "saving_frame_per_file",
    "acq_nb_frames",
    "acq_status",
    "last_image_saved",
)
"""What a Lima camera says of its files (https://lima1.readthedocs.io, device LimaCCDs)."""


@dataclass(frozen=True, slots=True)
class LimaDetector:
    """A Lima camera: its saving attributes, read at both ends of a scan, tell which files it wrote."""

    name: str
    """Its name in the config; its placeholders begin with it: `pco.saving_directory`."""
    device: str
    """The LimaCCDs device: `domain/family/member`, with `host:port/` before it for a foreign database."""
    group: str
    """The NXdetector that gets its data, as a path from the entry: `instrument/detector01`."""
    dataset: str = ""
    """For HDF5, the path of the frames inside each raw file; empty: found by looking."""
    timeout_s: float | None = None
    """For each of its attributes; None: the phase's deadline."""
    location: Location | None = None

    @property
    def sources(self) -> dict[str, Source]:
        """The placeholders that the detector adds, with their sources."""
        return {
            f"{self.name}.{attribute}": Source(
                TangoSource((f"{self.device}/{attribute}",)), timeout_s=self.timeout_s, location=self.location
            )
            for attribute in SAVING_ATTRIBUTES
        }
