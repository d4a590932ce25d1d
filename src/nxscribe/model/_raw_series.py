"""The raw files of a scan: each series is a pattern and a range of numbers, and not a list of a million names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

_NUMBER_FIELD = re.compile(r"(?<!%)((?:%%)*)%0?\d*d")

NO_DETECTOR: Final = ""
"""The detector's name for files that belong to the scan, and to no detector of the config."""


@dataclass(frozen=True, slots=True)
class RawSeries:
    """The files that one detector wrote in one scan."""

    detector: str
    """The detector's name in the config, which also gives its NXdetector group; or `NO_DETECTOR`."""
    directory: str
    """The absolute path of the folder, as the computer of the detector names it."""
    pattern: str
    """A file name with at most one number field in printf's form: `holo_%04d.edf`, `tomo.h5`; a plain `%` is `%%`."""
    first: int = 0
    count: int = 1
    """The number of files. Their numbers begin with `first` and have no gap."""
    dataset: str = ""
    """For HDF5, the path of the frames inside each file. Empty: nxscribe searches for them."""
    named: bool = field(default=False, compare=False)
    """Whether the control system named the files. They must then lie in the folders that the config allows."""

    @property
    def is_numbered(self) -> bool:
        """Whether the pattern has a number field."""
        return _NUMBER_FIELD.search(self.pattern) is not None

    def name(self, number: int) -> str:
        """The name of the file with a number, without its directory. The number can be outside the series."""
        return self.pattern % number if self.is_numbered else self.pattern.replace("%%", "%")

    def number_of(self, name: str) -> int | None:
        """The number that gives this name, also outside the series; None if no number gives it."""
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
        """Whether all files of this series are in another one. Only the first and the last file are compared."""
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
        numbers = range(self.first, self.first + self.count)
        return map(self.pattern.__mod__, numbers) if self.is_numbered else map(self.name, numbers)


@dataclass(frozen=True, slots=True)
class RawSearch:
    """Where to look for the raw files of a detector that does not report them."""

    detector: str
    directory: str
    """The absolute path of the folder."""
    pattern: str
    """The names of the files, with `*`, `?` and `[…]` as in a shell."""
    dataset: str = ""
    """For HDF5, the path of the frames inside each file. Empty: nxscribe searches for them."""
    during: bool = False
    """Whether only files count that were last written while the scan ran, because many scans share the folder."""


def plain(path: str) -> str:
    """A path without `.`, `..` and doubled slashes, so that two spellings of a path can be compared.

    Two slashes at the beginning become one: POSIX leaves their meaning to the system, and Linux ignores one of them.
    """
    return os.path.normpath(re.sub("^//+", "/", path))


def detector_group(detector: str, groups: Mapping[str, str]) -> str:
    """The NXdetector group of a detector, as a path from the entry."""
    return groups.get(detector, f"instrument/{detector}").strip("/")
