"""The sizes of raw files, folder by folder: ten thousand files cost one listing, not ten thousand questions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final

from nxscribe.projections.nexus.raw.frames import NotYetError, RawError, status_of
from nxscribe.projections.nexus.raw.holes import share_on_disk

_MANY: Final = 50
"""From so many files of one folder on it is listed. It may hold those of other scans, so for few it is not."""
_VARIES: Final = 0.8
"""Where a file system compresses, one frame may take up so much less of the disk than another, and be there."""


class Sizes:
    """How large raw files are, as of when it was made."""

    def __init__(self, paths: Sequence[str]) -> None:
        """`paths` are those that will be asked for."""
        self._share = 1.0
        counts: dict[str, int] = {}
        for path in paths:
            folder = path.rpartition("/")[0]
            counts[folder] = counts.get(folder, 0) + 1
        self._folders = {folder: _listing(folder) for folder, count in counts.items() if count >= _MANY}

    def of(self, path: str) -> int:
        """In bytes. Raises RawError."""
        return self._status(path).st_size

    def found_written(self, path: str) -> None:
        """Note that a file has no holes: others that take up as much of the disk as it does need no look."""
        share = share_on_disk(self._status(path))
        if share < 1:
            self._share = min(self._share, share * _VARIES)

    def may_have_holes(self, path: str) -> bool:
        """Whether a file may have parts that were never written. Raises RawError."""
        return share_on_disk(self._status(path)) < self._share

    def _status(self, path: str) -> os.stat_result:
        folder, _, name = path.rpartition("/")
        listed = self._folders.get(folder)
        if listed is None:
            return status_of(path)
        entry = listed.get(name)
        if entry is None:
            raise NotYetError(f"{path} is not there")
        try:
            return entry.stat()
        except OSError as error:
            raise RawError(f"{path} cannot be read: {error.strerror}") from error


def _listing(folder: str) -> Mapping[str, os.DirEntry[str]] | None:
    """None where the folder cannot be listed: each file then tells why."""
    try:
        with os.scandir(folder or "/") as entries:
            return {entry.name: entry for entry in entries}
    except OSError:
        return None
