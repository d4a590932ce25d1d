"""SQLite's write-ahead log as it is on the disk: whether it contains commits that SQLite ignores.

SQLite reads the log up to the first frame with a wrong checksum, and treats everything behind it as the rest of a write
that a crash interrupted. This is right for one unfinished commit. If several commits follow, they were acknowledged,
and the wrong frame was damaged later. SQLite's page "WAL-mode File Format" describes the format.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_MAGICS = (0x377F0682, 0x377F0683)
"""The first bytes of a log. The second one means that checksums are computed from big-endian words."""
_MAX_FRAME_AT = 16
"""Where the log's index (the file `-shm`) has the number of the last valid frame, in the machine's byte order."""


def wal_path(path: Path) -> Path:
    """The path of the log of a database."""
    return path.with_name(path.name + "-wal")


class _Frame(NamedTuple):
    page: int
    is_commit: bool
    salts: bytes
    offset: int


class WriteAheadLog:
    """The bytes of a write-ahead log."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self._data = data
        header = data[:_HEADER_BYTES]
        self.is_headed = len(header) == _HEADER_BYTES and _has_checksum(header)
        """Whether its header is sound. SQLite passes over the whole log where it is not."""
        self._salts = header[16:24]
        size = int.from_bytes(header[8:12])
        self._page_bytes = size if self.is_headed else 0

    def __len__(self) -> int:
        return len(self._data)

    def pages(self, page_bytes: int) -> Iterator[tuple[int, int]]:
        """Number and offset of each page image, oldest first, also behind a damaged frame."""
        for frame in self._frames(page_bytes):
            yield frame.page, frame.offset + _FRAME_HEADER_BYTES

    def image(self, offset: int, page_bytes: int) -> bytes:
        """The page image at this offset."""
        return self._data[offset : offset + page_bytes]

    def commits_after(self, frame: int, page_bytes: int) -> int:
        """The number of commits after this number of frames."""
        return sum(found.is_commit for found in list(self._frames(page_bytes))[frame:])

    def _frames(self, page_bytes: int) -> Iterator[_Frame]:
        size = _FRAME_HEADER_BYTES + (self._page_bytes or page_bytes)
        frames = []
        for offset in range(_HEADER_BYTES, len(self._data) - size + 1, size):
            page, pages, salts = struct.unpack(">II8s", self._data[offset : offset + 16])
            frames.append(_Frame(page, pages > 0, salts, offset))
        # Frames of an earlier log, which the present one has not reached yet, have other salts.
        salts = self._salts
        if not self.is_headed and frames:
            salts = Counter(frame.salts for frame in frames).most_common(1)[0][0]
        for frame in frames:
            if frame.salts == salts:
                yield frame


def passed_over(path: Path, page_bytes: int) -> int:
    """The number of commits in the log that SQLite ignores. Call this after SQLite has opened the database.

    It is 0 if the log is undamaged, or if only the last commit is truncated by a crash before its acknowledgement.
    """
    try:
        log = WriteAheadLog(wal_path(path).read_bytes())
    except OSError:
        # There is none, or the last process that used it has just taken it over.
        return 0
    # Asked after the log was read: what another process commits meanwhile counts as valid.
    valid = _last_valid_frame(path)
    if valid is None:
        return 0
    commits = log.commits_after(valid, page_bytes)
    return commits if commits > 1 or not log.is_headed else 0


def _last_valid_frame(path: Path) -> int | None:
    """What SQLite found when it read the log, by its own descriptor of the log's index; None where it has none.

    The index must not be opened here: to close any descriptor of it would drop all locks that SQLite holds on it.
    """
    index = str(path.resolve()) + "-shm"
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if str(descriptor.readlink()) == index:
                return int.from_bytes(os.pread(int(descriptor.name), 4, _MAX_FRAME_AT), sys.byteorder)
    return None


def _has_checksum(header: bytes) -> bool:
    magic = int.from_bytes(header[:4])
    if magic not in _MAGICS:
        return False
    order = ">" if magic == _MAGICS[1] else "<"
    words = struct.unpack(f"{order}6I", header[:24])
    first = second = 0
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return (first, second) == struct.unpack(">2I", header[24:32])
