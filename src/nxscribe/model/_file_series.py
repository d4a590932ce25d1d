"""Combining file names into series: consecutive files whose names differ by one in one number, anywhere in the name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from nxscribe.model._raw_series import NO_DETECTOR, RawSeries
from nxscribe.model.node_names import LONGEST_PART

_NUMBER: Final = re.compile("[0-9]+")


def series_of(detector: str, paths: Sequence[str], dataset: str = "", *, named: bool = False) -> tuple[RawSeries, ...]:
    """Combine absolute `paths` into as few series as possible, in their order. `named` says that the control system
    named them.

    Raises ValueError for a path that is not the absolute path of a file: each reader would understand a relative path
    differently.
    """
    series: list[RawSeries] = []
    for path in paths:
        directory, name = _split(path)
        longer = _with(series[-1], directory, name) if series else None
        if longer:
            series[-1] = longer
        else:
            series.append(_one(detector, directory, name, dataset, named=named))
    return tuple(series)


def with_file(series: Sequence[RawSeries], detector: str, path: str, dataset: str = "") -> tuple[RawSeries, ...]:
    """Add one file of a detector, which the control system named, to the end of `series`. If they contain the file
    already, with its frames at the same `dataset`, they are returned unchanged.

    Ten thousand files that are added one by one stay one series: the files of a detector in the order of adding, files
    without a detector in the order of their names. Raises ValueError like `series_of`.
    """
    directory, name = _split(path)
    own = [index for index, before in enumerate(series) if before.detector == detector]
    readings, inside = _readings(name), dataset.strip("/")
    for before in (series[index] for index in own):
        number = readings.get(before.pattern)
        is_there = number is not None and 0 <= number - before.first < before.count
        if is_there and before.directory == directory and before.dataset.strip("/") == inside:
            return tuple(series)
    for index in own[-1:] if detector != NO_DETECTOR else reversed(own):
        before = series[index]
        if before.dataset.strip("/") != inside:
            continue
        is_next = readings.get(before.pattern) == before.first + before.count
        if (is_next or index == own[-1]) and (longer := _with(before, directory, name)):
            return (*series[:index], longer, *series[index + 1 :])
    return (*series, _one(detector, directory, name, dataset, named=True))


def _split(path: str) -> tuple[str, str]:
    directory, _, name = path.rpartition("/")
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is not an absolute path")
    if not name.strip() or name in (".", ".."):
        raise ValueError(f"{path!r} names no file")
    if "\0" in path:
        raise ValueError(f"{path!r} holds a NUL, which no file's name can")
    try:
        parts = path.encode().split(b"/")
    except UnicodeEncodeError:
        raise ValueError(f"{path!r} is not valid Unicode: no master file could name it") from None
    if max(map(len, parts)) > LONGEST_PART:
        raise ValueError(f"{path[:LONGEST_PART]!r}... has a part of more than {LONGEST_PART} bytes")
    return directory, name


def _one(detector: str, directory: str, name: str, dataset: str, *, named: bool) -> RawSeries:
    """A series of one file, numbered by the last number of its name."""
    numbers = list(_NUMBER.finditer(name))
    if not numbers:
        return RawSeries(detector, directory, _literal(name), dataset=dataset, named=named)
    first = int(numbers[-1][0])
    return RawSeries(detector, directory, _pattern(name, numbers[-1]), first, dataset=dataset, named=named)


def _with(series: RawSeries, directory: str, name: str) -> RawSeries | None:
    """The series with one more file at its end; None if the file is not the next one of the series."""
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
    """Every pattern that a file name can belong to, with the number that the file has in this pattern."""
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
