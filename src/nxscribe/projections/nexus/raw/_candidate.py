"""What could be a detector's frames in an HDF5 file, and what its name and shape say against that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from nxscribe.projections.nexus.nodes import FRAME_RANK
from nxscribe.projections.nexus.raw.frames import FEW_PIXELS

FEW_COLUMNS: Final = {"i": 4, "u": 4, "f": 8, "c": 4, "b": 4}
"""Frames of fewer columns, by numpy's letter for the kind of number, are tables: positions, matrices, colours."""
_WORD: Final = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_CALIBRATIONS: Final = frozenset(
    """
    mask masks flat flats flatfield flatfields dark darks white whites background backgrounds pedestal pedestals gain
    gains lut luts lookup table tables efficiency error errors variance variances uncertainty uncertainties sigma weight
    weights correction corrections calib calibration calibrations offset offsets detectorspecific
    """.split()  # noqa: SIM905 - read as the words that they are
)
"""Words in the names of what detectors keep beside their frames, which has the shape of a frame but is not one."""
_JOINED: Final = ("flatfield", "pixelmask", "badpixel", "deadpixel", "hotpixel", "detectorspecific", "lookup")


class Evidence(IntEnum):
    """What tells that a dataset is frames; the best comes first."""

    DEFAULT = 0
    """It is the signal of the plot that `@default` leads to."""
    SIGNAL = 1
    """It is the signal of an NXdata, or one of a master's numbered links to data files."""
    DETECTOR = 2
    """It is `data` of an NXdetector."""
    NOTHING = 3
    """It is a dataset of numbers."""


@dataclass(frozen=True, slots=True)
class DatasetLocation:
    """Where a dataset lies."""

    path: str
    """Of the file in which it is, not of one that leads to it."""
    dataset: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """What could be the frames of a file."""

    paths: tuple[str, ...]
    """Where it is found in the file; the first is the one that has the evidence."""
    evidence: Evidence
    places: tuple[DatasetLocation, ...]
    """Several where a master leads to several data files; none where a link leads to nowhere that has a name."""
    shape: tuple[int, ...] = ()
    """Of the first place that is there; empty where none is."""
    kind: str = ""
    """numpy's letter for the type's kind."""
    gone: str = ""
    """Why none is there."""
    in_detector: bool = False
    """Whether it lies in an NXdetector."""

    @property
    def path(self) -> str:
        """Its name for people."""
        return self.paths[0]

    @property
    def entry(self) -> str:
        """The group of the file's root that it is found in; empty for the root itself."""
        return self.path.strip("/").rpartition("/")[0].partition("/")[0]

    @property
    def below_entry(self) -> frozenset[str]:
        """Its paths from the group of the file's root that each is in."""
        return frozenset(path.strip("/").partition("/")[2] for path in self.paths)

    @property
    def is_stack(self) -> bool:
        """Whether it has a dimension for the frames."""
        return len(self.shape) > FRAME_RANK

    @property
    def is_calibration(self) -> bool:
        """Whether its name, or that of a group around it, is one of what is kept beside frames."""
        if self.kind == "b" and self.evidence is Evidence.NOTHING:
            return True  # yes or no for each pixel is a mask
        *groups, name = self.path.strip("/").split("/")
        # A group `flat_panel` is a detector, a dataset `flat_1` no frames.
        return any(_calibration_words(name)) or any(
            words and all(words) for words in map(_calibration_words, groups[1:])
        )

    @property
    def is_table(self) -> bool:
        """Whether it has as few numbers a frame as no detector has pixels."""
        rows, columns = self.shape[-FRAME_RANK:]
        return 0 < rows * columns <= FEW_PIXELS or columns < FEW_COLUMNS[self.kind]


def _calibration_words(name: str) -> list[bool]:
    """For each word of a name, whether it is one of what is kept beside frames."""
    words = [word.lower() for word in _WORD.findall(name)]
    if any(joined in "".join(words) for joined in _JOINED):
        return [True]
    return [word in _CALIBRATIONS for word in words]
