"""Raw data as a scan leaves it: series of files by pattern and range, never a list of millions of names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawSeries:
    """The files that one detector wrote in one scan."""

    detector: str
    """The detector's name in the config; its NXdetector group is named there too."""
    directory: str
    """Absolute, as the detector's host names it."""
    pattern: str
    """A file name with at most one number field in printf's form, as Lima's: `holo_%04d.edf`; `tomo0000.h5`."""
    first: int = 0
    count: int = 1
    """How many files; numbers run from `first` without a gap."""
    dataset: str = ""
    """For HDF5, the path of the frames inside each file; empty: found by looking."""

    def __iter__(self) -> Iterator[str]:
        """The file names, in order, without their directory."""
        for number in range(self.first, self.first + self.count):
            yield self.pattern % number if "%" in self.pattern else self.pattern
