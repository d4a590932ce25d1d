"""Raw HDF5 files: their frames are linked, or shown by virtual datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nxscribe.projections.nexus.raw import _hdf5_series as hdf5_series
from nxscribe.projections.nexus.raw._choice import Sought
from nxscribe.projections.nexus.raw._frame_datasets import FrameDatasets, sources
from nxscribe.projections.nexus.raw._hdf5_file import SIGNATURE, USER_BLOCKS
from nxscribe.projections.nexus.raw._raw_format import DetectorSeries, RawFormat
from nxscribe.projections.nexus.raw.entry_paths import EntryPaths
from nxscribe.projections.nexus.raw.frames import Frames


@dataclass(frozen=True, slots=True)
class _Hdf5Series:
    found: FrameDatasets

    @property
    def files(self) -> Sequence[str]:
        return [source.path for source in self.found.all]

    def link(self, detector: str, names: EntryPaths, asked: int | None) -> Frames:
        return hdf5_series.link(detector, self.found, names, asked)


class Hdf5(RawFormat):
    """HDF5 files of any program: Lima, Lima2, Dectris' writers, NeXus."""

    name = "HDF5"
    suffixes = (".h5", ".hdf5", ".nxs", ".nx", ".nx5", ".nexus", ".cxi", ".hdf", ".he5")
    media_type = "application/x-hdf5"

    def recognises(self, start: bytes) -> bool:
        """By the signature, behind a user block too."""
        return any(start.startswith(SIGNATURE, block) for block in USER_BLOCKS)

    def series(self, paths: Sequence[str], sought: Sought) -> DetectorSeries:
        """Look into the files for the datasets that are the frames."""
        return _Hdf5Series(sources(paths, sought))


FORMAT: Final = Hdf5()
