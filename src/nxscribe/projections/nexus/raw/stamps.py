"""Notices that a raw file was written after its entry was made, by its size, its time, and some of its bytes."""

from __future__ import annotations

import contextlib
import os
import stat
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from nxscribe.projections.nexus.nodes import FieldNode
from nxscribe.projections.nexus.raw._folder import absent

SIZE: Final = "file_size"
MODIFIED: Final = "file_modified"
SAMPLE: Final = "sample_crc32"
"""The fields beside a detector's list of files, one value for each name."""
_MOST_SAMPLED: Final = 100
"""If there are more files, this number of them is opened, evenly distributed."""
_BLOCK: Final = 4096
"""How many bytes are taken from the beginning, the middle and the end."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """The state of one file at one time."""

    size: int
    """The size in bytes; -1 if the file did not exist."""
    modified_ns: int
    """UNIX time in ns."""
    sample: str = ""
    """The CRC-32 of a few blocks, in hexadecimal digits; empty where it was not made."""

    def differs(self, path: Path) -> bool | None:
        """Whether a file is another one than it was; None where only its time is, so that it may be. Raises OSError.

        A copy has another time than its original where the tool that made it does not keep times, and is the same; what
        was put in a file's place may have been given its time. So its bytes decide, where they are known.
        """
        status = path.stat()
        if status.st_size != self.size or not stat.S_ISREG(status.st_mode):
            return True
        if self.sample:
            return sample_of(path) != self.sample
        return False if status.st_mtime_ns == self.modified_ns else None


_ABSENT: Final = Stamp(-1, 0)


def sample_of(path: Path | str) -> str:
    """The CRC-32 of a file's beginning, middle and end. Raises OSError."""
    with Path(path).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        crc = 0
        for place in (0, size // 2, max(size - _BLOCK, 0)):
            file.seek(place)
            crc = zlib.crc32(file.read(_BLOCK), crc)
    return f"{crc:08x}"


def stamp_fields(paths: Sequence[str]) -> dict[str, FieldNode]:
    """The stamps of files as fields."""
    step = -(-len(paths) // _MOST_SAMPLED)
    not_there = absent(paths)
    stamps = [
        _ABSENT if path in not_there else _stamp(path, with_sample=index % step == 0)
        for index, path in enumerate(paths)
    ]
    when = "when the entry was made"
    fields = {
        SIZE: FieldNode(np.asarray([stamp.size for stamp in stamps]), {"units": np.asarray("byte")}),
        MODIFIED: FieldNode(np.asarray([stamp.modified_ns for stamp in stamps]), {"units": np.asarray("ns")}),
    }
    fields[SIZE].attributes["description"] = np.asarray(f"Size {when}; -1 where the file was not there")
    fields[MODIFIED].attributes["description"] = np.asarray(f"UNIX time of the last change {when}")
    if any(stamp.sample for stamp in stamps):
        text = f"CRC-32 of the first, middle and last {_BLOCK} bytes {when}; empty where it was not made"
        fields[SAMPLE] = FieldNode(np.asarray([stamp.sample for stamp in stamps]), {"description": np.asarray(text)})
    return fields


def _stamp(path: str, *, with_sample: bool) -> Stamp:
    try:
        status = os.stat(path)  # noqa: PTH116 - texts throughout
    except OSError:
        return _ABSENT
    if not stat.S_ISREG(status.st_mode):
        return _ABSENT  # to open a named pipe would wait for its writer
    sample = ""
    if with_sample:
        with contextlib.suppress(OSError):  # it is there, and may not be read
            sample = sample_of(path)
    return Stamp(status.st_size, status.st_mtime_ns, sample)
