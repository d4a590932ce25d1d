"""Parts of files that nobody ever wrote: a file can have its length long before its frames are there.

Programs that give a file its final length first leave holes: the file system has no data there, and zeros are read. It
tells where they are when asked (lseek(2), SEEK_HOLE and SEEK_DATA).
"""

from __future__ import annotations

import errno
import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_BLOCK: Final = 512
"""The unit in which stat(2) tells how much of a file is on the disk, whatever the file system."""
_PAGE: Final = 4096
"""The least that a file system gives data or leaves a hole, in bytes."""


def share_on_disk(status: os.stat_result) -> float:
    """How much of a file is on the disk, from 0 to 1: less than 1 with holes, and where a file system compresses."""
    return min(status.st_blocks * _BLOCK / status.st_size, 1.0) if status.st_size else 1.0


@dataclass(frozen=True, slots=True)
class Holes:
    """The holes of one file, as of when it was looked at."""

    ranges: tuple[tuple[int, int], ...] = ()
    """Where each begins, and where there is data again."""

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.ranges)

    def ends(self, start: int, size: int) -> bool:
        """Whether the end of a frame, which has `size` bytes from `start` on, was never written.

        Detectors write a frame from its beginning to its end: one whose end is there is there. (A copy that leaves
        zeros out, as `rsync --sparse` makes it, may have holes inside a frame.) The end's last bytes may share a page
        with what follows, so that the page is looked at which lies wholly in the frame.
        """
        end = start + size
        last = end - min(size, _PAGE)
        after = bisect_left(self.ranges, (end, end))
        return after > 0 and self.ranges[after - 1][1] > last

    def first_frame(self, starts: Iterable[int], size: int) -> int | None:
        """The first frame that was not written to its end, by where each begins; None where all were."""
        return next((index for index, start in enumerate(starts) if self.ends(start, size)), None) if self else None


def holes_of(path: str) -> Holes:
    """Where a file's holes are. None, where its file system does not tell."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return Holes()
    try:
        return Holes(tuple(_ranges(file, os.fstat(file).st_size)))
    except OSError:
        return Holes()
    finally:
        os.close(file)


def _ranges(file: int, size: int) -> Iterator[tuple[int, int]]:
    place = 0
    while (start := os.lseek(file, place, os.SEEK_HOLE)) < size:
        try:
            place = os.lseek(file, start, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            place = size  # no data from there to the end
        yield start, place
        if place >= size:
            return
