"""Finds out which raw files a Lima camera wrote, from its attributes at the start and at the end of the scan."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from nxscribe.errors import Problem, Severity
from nxscribe.model import RawSeries, Reading, Snapshot, plain
from nxscribe.plan._detectors import LimaDetector

_LIMA_NUMBER: Final = "%04d"
"""Lima's `saving_index_format` as it is unless somebody changed it."""
_NUMBER_FIELD: Final = re.compile(r"%0?\d*d")


@dataclass(frozen=True, slots=True)
class CameraFiles:
    """The files of the cameras of a scan."""

    series: tuple[RawSeries, ...]
    frames: dict[str, int]
    """How many frames each detector shall write, if this is known."""
    problems: tuple[Problem, ...]
    """A warning for each detector whose files are not known."""


def camera_files(
    detectors: Mapping[str, LimaDetector],
    initial: Snapshot,
    final: Snapshot,
    *,
    finished: bool = True,
    begun_by: str = "",
) -> CameraFiles:
    """The files of each detector that wrote any. `finished` says that the scan was not cut short, and `begun_by` which
    watched trigger began it; empty if none did.

    Lima names a file prefix + number + suffix in its saving directory, and says which number comes next. Files are
    those from the start's next number up to the end's. A camera that was prepared after the start (its directory,
    prefix or suffix changed, or its number went back) began at 0: that is assumed, and said. One that still runs when
    its scan has finished will write the files of the frames that it was asked for and has not saved yet.
    """
    series: list[RawSeries] = []
    frames: dict[str, int] = {}
    problems: list[Problem] = []
    for detector in detectors.values():
        try:
            found = _series(
                detector,
                initial.readings,
                final.readings,
                problems,
                finished=finished,
                began_the_scan=begun_by in detector.watched_by,
            )
        except _UnclearError as unclear:
            problems.append(_warning(detector, str(unclear)))
        else:
            series.extend(found)
            if found and (asked := _asked(detector, final.readings, found[0].count)):
                frames[detector.name] = asked
    return CameraFiles(tuple(series), frames, tuple(problems))


def writes(detector: LimaDetector, readings: Mapping[str, Reading], path: str) -> bool:
    """Whether a camera that said this would name a file so: prefix, number and suffix in its saving directory."""
    try:
        directory, prefix, suffix = (_text(detector, name, readings) for name in ("directory", "prefix", "suffix"))
    except _UnclearError:
        return False
    folder, _, name = path.rpartition("/")
    before, after = _NUMBER_FIELD.split(_index_format(detector, readings))
    pattern = rf"{re.escape(prefix + before)}\d+{re.escape(after + suffix)}"
    return folder == plain(directory) and re.fullmatch(pattern, name) is not None


def saving_folders(
    detectors: Mapping[str, LimaDetector], readings: Mapping[str, Reading], *, given: Collection[str] = ()
) -> tuple[str, ...]:
    """The folders that the cameras save in, as far as they say so themselves: not those whose reading is `given` by a
    control system.
    """
    own = {name: reading for name, reading in readings.items() if name not in given}
    folders: list[str] = []
    for detector in detectors.values():
        with suppress(_UnclearError):
            folders.append(plain(_text(detector, "directory", own)))
    return tuple(folder for folder in folders if folder.startswith("/"))


class _UnclearError(Exception):
    """What a camera said does not tell its files."""


def _series(
    detector: LimaDetector,
    initial: Mapping[str, Reading],
    final: Mapping[str, Reading],
    problems: list[Problem],
    *,
    finished: bool,
    began_the_scan: bool,
) -> tuple[RawSeries, ...]:
    after = _number(detector, "saving_next_number", final)
    names = {attribute: _text(detector, attribute, final) for attribute in ("directory", "prefix", "suffix")}
    before = _number(detector, "saving_next_number", initial)
    changed = [name for name, text in names.items() if _text(detector, name, initial) != text]
    if after < before:
        changed.append("next number")
    if began_the_scan and not changed:
        before = _first_of_series(detector, initial, final, problems)
    if changed:
        before = 0
        if after:
            what = ", ".join(changed)
            problems.append(
                _warning(detector, f"it was prepared after the scan's start ({what} changed): counted from 0")
            )
    count = _with_those_to_come(detector, final, after - before) if finished else after - before
    if not count:
        return ()
    if not names["directory"].startswith("/"):
        raise _UnclearError(f"its saving directory {names['directory']!r} is not an absolute path")
    pattern = f"{_literal(names['prefix'])}{_index_format(detector, final)}{_literal(names['suffix'])}"
    return (RawSeries(detector.name, plain(names["directory"]), pattern, before, count, detector.dataset),)


def _first_of_series(
    detector: LimaDetector, initial: Mapping[str, Reading], final: Mapping[str, Reading], problems: list[Problem]
) -> int:
    """The number of the first file of a scan that a series of the camera began: the start was read a little later, when
    the series ran, and may have written files.
    """
    before, after = (_number(detector, "saving_next_number", readings) for readings in (initial, final))
    saved_before, saved_after = (_files_saved(detector, readings) for readings in (initial, final))
    if str(_reading(detector, "acq_status", initial).value) == "Running":
        # Of a single series the end tells the first file for certain. While it runs, number and frames may differ by
        # one file that is just being written.
        first = after - saved_after
        return max(first if first <= before else before - saved_before, 0)
    if after == before and saved_after:
        why = "its series was over before the start could be read: they are taken to be those of its last series"
        problems.append(_warning(detector, why))
        return max(after - saved_after, 0)
    return before


def _files_saved(detector: LimaDetector, readings: Mapping[str, Reading]) -> int:
    """How many files the last series has written."""
    last, per_file = (_number(detector, name, readings) for name in ("last_image_saved", "saving_frame_per_file"))
    return -(-(last + 1) // max(per_file, 1))


def _index_format(detector: LimaDetector, readings: Mapping[str, Reading]) -> str:
    """How a camera writes the number in its files' names; as it is by default where it does not say."""
    try:
        said = _text(detector, "index_format", readings)
    except _UnclearError:
        return _LIMA_NUMBER
    return said if said.count("%") == 1 and _NUMBER_FIELD.search(said) else _LIMA_NUMBER


def _with_those_to_come(detector: LimaDetector, readings: Mapping[str, Reading], files: int) -> int:
    """How many files a scan will have: a camera that still runs has written so many of them as yet."""
    try:
        status = str(_reading(detector, "acq_status", readings).value)
        names = ("acq_nb_frames", "last_image_saved", "saving_frame_per_file")
        asked, last, per_file = (_number(detector, name, readings) for name in names)
    except _UnclearError:
        return files
    saved = last + 1
    if status != "Running" or per_file < 1 or not 0 <= saved < asked:
        return files
    # Both as files of the running series. What there is beyond was written by others before it in the same scan.
    begun, whole = -(-saved // per_file), -(-asked // per_file)
    return whole + max(files - begun, 0)


def _asked(detector: LimaDetector, readings: Mapping[str, Reading], files: int) -> int:
    """How many frames a camera was asked for; 0 where its attributes do not tell.

    They speak of its last acquisition: where there are more files than that fills, there were others before it.
    """
    try:
        asked, per_file = (_number(detector, name, readings) for name in ("acq_nb_frames", "saving_frame_per_file"))
    except _UnclearError:
        return 0
    return asked if per_file > 0 and files <= -(-asked // per_file) else 0


def _reading(detector: LimaDetector, attribute: str, readings: Mapping[str, Reading]) -> Reading:
    name = f"{detector.name}.{attribute}"
    reading = readings.get(name)
    if reading is None or not reading.ok:
        raise _UnclearError(f"{name} was not read{f': {reading.error}' if reading else ''}")
    return reading


def _text(detector: LimaDetector, attribute: str, readings: Mapping[str, Reading]) -> str:
    return str(_reading(detector, f"saving_{attribute}", readings).value)


def _number(detector: LimaDetector, attribute: str, readings: Mapping[str, Reading]) -> int:
    value = _reading(detector, attribute, readings).value
    if value is None or value.shape != () or value.dtype.kind not in "iu":
        raise _UnclearError(f"{detector.name}.{attribute} is {value!r}, which is not a number")
    return int(value)


def _literal(text: str) -> str:
    """A text as part of a pattern in printf's form."""
    return text.replace("%", "%%")


def _warning(detector: LimaDetector, why: str) -> Problem:
    return Problem(
        f"the raw files of {detector.name} ({detector.device}) are not certain",
        why,
        "read the camera's saving attributes, or give the files with the end of the scan",
        severity=Severity.WARNING,
    )
