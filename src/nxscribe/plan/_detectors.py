"""Detectors that report their raw files in Tango attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nxscribe.errors import Location
from nxscribe.model.tango_names import attribute_of
from nxscribe.plan.source import Source
from nxscribe.sources import TangoSource

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
"""The attributes in which a Lima camera reports its files (https://lima1.readthedocs.io, device LimaCCDs)."""


@dataclass(frozen=True, slots=True)
class LimaDetector:
    """A Lima camera. Its saving attributes, read at the start and the end of a scan, say which files it wrote."""

    name: str
    """Its name in the config; its placeholders begin with it: `pco.saving_directory`."""
    device: str
    """The LimaCCDs device: `domain/family/member`, or in any other form of Tango's."""
    group: str
    """The NXdetector group for its data, as a path from the entry: `instrument/detector01`."""
    dataset: str = ""
    """For HDF5, the path of the frames inside each raw file. Empty: nxscribe searches for them."""
    timeout_s: float | None = None
    """How many seconds each of its attributes may take; None: until the deadline of the phase."""
    watched_by: tuple[str, ...] = ()
    """The watched triggers that follow its `acq_status`: a scan of theirs begins when the series runs already."""
    location: Location | None = None

    @property
    def sources(self) -> dict[str, Source]:
        """The placeholders that the detector adds, with their sources."""
        return {
            f"{self.name}.{attribute}": Source(
                TangoSource((attribute_of(self.device, attribute),)), timeout_s=self.timeout_s, location=self.location
            )
            for attribute in SAVING_ATTRIBUTES
        }
