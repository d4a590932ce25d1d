"""Raw data as a scan leaves it: series of files by pattern and range, never a list of millions of names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

_NUMBER_FIELD = re.compile(r"(?<!%)(?:%%)*%0?\d*d")
_LAST_NUMBER = re.compile(r"(\d+)(?=\D*$)")

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

    def holds(self, other: RawSeries) -> bool:
        """Whether all files of `other` are among these."""
        return (
            (self.directory, self.pattern) == (other.directory, other.pattern)
            and self.first <= other.first
            and other.first + other.count <= self.first + self.count
        )

    def __iter__(self) -> Iterator[str]:
        """The file names, in order, without their directory."""
        for number in range(self.first, self.first + self.count):
            yield self.pattern % number if _NUMBER_FIELD.search(self.pattern) else self.pattern.replace("%%", "%")


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


def series_of(detector: str, paths: Sequence[str], dataset: str = "") -> tuple[RawSeries, ...]:
    """The absolute `paths` as few series: neighbours that differ by one in the last number of their name join.

    Raises ValueError for a relative path: it would mean something else to every reader.
    """
    series: list[RawSeries] = []
    for path in paths:
        directory, _, name = path.rpartition("/")
        if not path.startswith("/"):
            raise ValueError(f"{path!r} is not an absolute path")
        number = _LAST_NUMBER.search(name)
        if number is None:
            series.append(RawSeries(detector, directory, _literal(name), dataset=dataset))
            continue
        width = len(number[1])
        pattern = f"{_literal(name[: number.start()])}%0{width}d{_literal(name[number.end() :])}"
        one = RawSeries(detector, directory, pattern, int(number[1]), dataset=dataset)
        if series and _continues(series[-1], one):
            one = replace(series[-1], count=series[-1].count + 1)
            series.pop()
        series.append(one)
    return tuple(series)


def with_file(series: Sequence[RawSeries], detector: str, path: str, dataset: str = "") -> tuple[RawSeries, ...]:
    """`series` with one more file of a detector at its end; as they are where they have it already.

    Ten thousand files that come one by one stay one series: those of a detector in their order, those of none by
    their names. Raises ValueError for a relative path.
    """
    (one,) = series_of(detector, (path,), dataset)
    own = [index for index, before in enumerate(series) if before.detector == detector]
    if any(series[index].holds(one) for index in own):
        return tuple(series)
    for index in own[-1:] if detector != NO_DETECTOR else own:
        if _continues(series[index], one):
            longer = replace(series[index], count=series[index].count + 1)
            return (*series[:index], longer, *series[index + 1 :])
    return (*series, one)


def _continues(before: RawSeries, one: RawSeries) -> bool:
    return replace(before, first=before.first + before.count, count=1) == one


def _literal(text: str) -> str:
    """`text` as part of a pattern in printf's form."""
    return text.replace("%", "%%")
