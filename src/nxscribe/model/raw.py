"""Raw data as a scan leaves it: series of files by pattern and range, never a list of millions of names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_NUMBER_FIELD = re.compile(r"(?<!%)((?:%%)*)%0?\d*d")

NO_DETECTOR: Final = ""
"""The detector of files that are the scan's, and no detector's of the config."""


@dataclass(frozen=True, slots=True)
class RawSeries:
    """The files that one detector wrote in one scan."""

    detector: str
    """The detector's name in the config, where its NXdetector group is named too; or `NO_DETECTOR`."""
    directory: str
    """Absolute, as the detector's host names it."""
    pattern: str
    """A file name with at most one number field in printf's form: `holo_%04d.edf`, `tomo.h5`; a plain `%` is `%%`."""
    first: int = 0
    count: int = 1
    """How many files; numbers run from `first` without a gap."""
    dataset: str = ""
    """For HDF5, the path of the frames inside each file; empty: found by looking."""

    @property
    def is_numbered(self) -> bool:
        """Whether the pattern has a number field."""
        return _NUMBER_FIELD.search(self.pattern) is not None

    def name(self, number: int) -> str:
        """The file's name with a number, in the series or not, without its directory."""
        return self.pattern % number if self.is_numbered else self.pattern.replace("%%", "%")

    def number_of(self, name: str) -> int | None:
        """The number that gives this name, in the series or not; None where none does."""
        field = _NUMBER_FIELD.search(self.pattern)
        if field is None:
            return self.first if name == self.name(self.first) else None
        before, after = (
            part.replace("%%", "%") for part in (self.pattern[: field.end(1)], self.pattern[field.end() :])
        )
        digits = name[len(before) : len(name) - len(after)].strip()
        number = int(digits) if digits.isdecimal() else None
        return number if number is not None and self.name(number) == name else None

    def is_within(self, other: RawSeries) -> bool:
        """Whether all files of this series are files of another. Tells it from the ends, without listing any."""
        if self.detector != other.detector or self.directory != other.directory:
            return False
        first, last = (other.number_of(self.name(number)) for number in (self.first, self.first + self.count - 1))
        return (
            first is not None
            and last is not None
            and other.first <= first
            and last < other.first + other.count
            and last - first == self.count - 1
        )

    def __iter__(self) -> Iterator[str]:
        """The file names, in order, without their directory."""
        return map(self.name, range(self.first, self.first + self.count))


@dataclass(frozen=True, slots=True)
class RawSearch:
    """Where the raw files of a detector are to be looked for that tells nobody of them."""

    detector: str
    directory: str
    """Absolute."""
    pattern: str
    """File names, with `*`, `?` and `[…]` as a shell has them."""
    dataset: str = ""
    """For HDF5, the path of the frames inside each file; empty: found by looking."""
    during: bool = False
    """Take only files that were last written while the scan ran: the folder is that of many scans."""


def detector_group(detector: str, groups: Mapping[str, str]) -> str:
    """The NXdetector group of a detector, as a path from the entry."""
    return groups.get(detector, f"instrument/{detector}").strip("/")
