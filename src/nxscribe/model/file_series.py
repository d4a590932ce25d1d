"""File names into series: neighbours whose names differ by one in one number, wherever in the name it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from nxscribe.model.raw import NO_DETECTOR, RawSeries

_NUMBER: Final = re.compile(r"\d+")


def series_of(detector: str, paths: Sequence[str], dataset: str = "") -> tuple[RawSeries, ...]:
    """The absolute `paths` as few series, in their order.

    Raises ValueError for a relative path: it would mean something else to every reader.
    """
    series: list[RawSeries] = []
    for path in paths:
        directory, name = _split(path)
        longer = _with(series[-1], directory, name) if series else None
        if longer:
            series[-1] = longer
        else:
            series.append(_one(detector, directory, name, dataset))
    return tuple(series)


def with_file(series: Sequence[RawSeries], detector: str, path: str, dataset: str = "") -> tuple[RawSeries, ...]:
    """`series` with one more file of a detector at its end; as they are where they have it already.

    Ten thousand files that come one by one stay one series: those of a detector in their order, those of none by
    their names. Raises ValueError for a relative path.
    """
    directory, name = _split(path)
    own = [index for index, before in enumerate(series) if before.detector == detector]
    readings = _readings(name)
    for before in (series[index] for index in own):
        number = readings.get(before.pattern)
        if number is not None and before.directory == directory and 0 <= number - before.first < before.count:
            return tuple(series)
    for index in own[-1:] if detector != NO_DETECTOR else reversed(own):
        before = series[index]
        is_next = readings.get(before.pattern) == before.first + before.count
        if (is_next or index == own[-1]) and (longer := _with(before, directory, name)):
            return (*series[:index], longer, *series[index + 1 :])
    return (*series, _one(detector, directory, name, dataset))


def _split(path: str) -> tuple[str, str]:
    directory, _, name = path.rpartition("/")
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is not an absolute path")
    return directory, name


def _one(detector: str, directory: str, name: str, dataset: str) -> RawSeries:
    """A series of one file, numbered by the last number of its name."""
    numbers = list(_NUMBER.finditer(name))
    if not numbers:
        return RawSeries(detector, directory, _literal(name), dataset=dataset)
    return RawSeries(detector, directory, _pattern(name, numbers[-1]), int(numbers[-1][0]), dataset=dataset)


def _with(series: RawSeries, directory: str, name: str) -> RawSeries | None:
    """The series with one more file at its end; None where the file is not its next."""
    if series.directory != directory or not series.is_numbered:
        return None
    if series.name(series.first + series.count) == name:
        return replace(series, count=series.count + 1)
    if series.count > 1:
        return None
    # Which number runs is known from the second file on: in `im_0001_det1.cbf` it is not the last.
    before = series.name(series.first)
    for number in reversed(list(_NUMBER.finditer(before))):
        pattern, first = _pattern(before, number), int(number[0])
        if pattern % (first + 1) == name:
            return replace(series, pattern=pattern, first=first, count=2)
    return None


def _readings(name: str) -> dict[str, int]:
    """Every pattern that a file name may be of, with the number that it would have there."""
    found = {_literal(name): 0}
    for number in _NUMBER.finditer(name):
        digits = number[0]
        # `f_%01d` and `f_%02d` both give f_10.
        for width in range(1, len(digits) + 1) if digits[0] != "0" else (len(digits),):
            found[_pattern(name, number, width)] = int(digits)
    return found


def _pattern(name: str, number: re.Match[str], width: int = 0) -> str:
    return f"{_literal(name[: number.start()])}%0{width or len(number[0])}d{_literal(name[number.end() :])}"


def _literal(text: str) -> str:
    """`text` as part of a pattern in printf's form."""
    return text.replace("%", "%%")
