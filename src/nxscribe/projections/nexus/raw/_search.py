"""Raw files of detectors that tell nobody: found in their folder, by name, and by when they were last written."""

from __future__ import annotations

import os
import re
import stat
import time
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final

from nxscribe.model import RawSearch, RawSeries, series_of
from nxscribe.projections.nexus.raw.entry_paths import legible
from nxscribe.projections.nexus.raw.frames import NotYetError, RawError

_EARLY_S: Final = 1.0
_LATE_S: Final = 10.0
"""A file belongs to the scan in which it was last written: with so much room at its start and end, since a file server
has a clock of its own, and a detector's last file may be closed after the scan's end."""
_SETTLED_S: Final = 3.0
"""As long as a file was written so short ago, another one may follow."""
_NUMBER: Final = re.compile("([0-9]+)")
"""The digits that number files; `int` would take those of other scripts too, and no pattern would give them back."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder has for a scan."""

    series: tuple[RawSeries, ...] = ()
    lacking: RawError | None = None
    """Why there is nothing, or why there may be more."""


def look_for(search: RawSearch, start: datetime, end: datetime | None) -> Found:
    """The files that a search finds now, by one listing of the folder."""
    where = f"{search.directory}/{search.pattern}"
    try:
        with os.scandir(search.directory) as entries:
            written = {
                entry.name: moment
                for entry in entries
                if fnmatchcase(entry.name, search.pattern) and (moment := _written(entry)) is not None
            }
    except FileNotFoundError:
        return Found(lacking=NotYetError(f"the folder of {where} is not there"))
    except OSError as error:
        return Found(lacking=NotYetError(f"the folder of {where} cannot be listed: {error.strerror}"))
    if search.during:
        until = end.timestamp() + _LATE_S if end else float("inf")
        written = {name: moment for name, moment in written.items() if start.timestamp() - _EARLY_S <= moment <= until}
    if not written:
        when = " was written during the scan" if search.during else " is there"
        return Found(lacking=NotYetError(f"no file {where}{when}"))
    names = sorted(written, key=_by_number)
    folder = search.directory.rstrip("/")
    series = series_of(search.detector, [legible(f"{folder}/{name}") for name in names], search.dataset)
    age_s = time.time() - max(written.values())
    # A file from the future is a matter of clocks, and says nothing.
    if 0 <= age_s < _SETTLED_S:
        return Found(series, NotYetError(f"the newest file {where} is {age_s:.1f} s old: more may follow"))
    return Found(series)


def _written(entry: os.DirEntry[str]) -> float | None:
    """When a file was written; None for what is not a file.

    A symbolic link that leads nowhere, or round in a ring, counts as a file: whoever opens it tells what is wrong.
    """
    try:
        status = entry.stat()
    except OSError:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return None  # it went while the folder was listed
    return status.st_mtime if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode) else None


def _by_number(name: str) -> tuple[tuple[int, int | str], ...]:
    """`frame_10` comes after `frame_9`."""
    return tuple((index % 2, int(part) if index % 2 else part) for index, part in enumerate(_NUMBER.split(name)))
