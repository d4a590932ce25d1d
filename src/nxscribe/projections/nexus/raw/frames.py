"""What every raw format gives: a node that shows the frames, and the first file that is not complete."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nxscribe.model import Value
from nxscribe.projections.nexus.nodes import ExternalLinkNode, Node, VirtualNode

_NO_RIGHT: Final = frozenset({errno.EACCES, errno.EPERM})
FEW_PIXELS: Final = 16
"""A frame with fewer pixels can have one single value by chance."""
_KINDS: Final = {
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


class RawError(Exception):
    """A raw file cannot be linked. The text is the reason, and contains the name of the file."""


class ListedOnlyError(RawError):
    """HDF5 cannot show raw files of this form, although they are complete."""


class NotYetError(RawError):
    """A raw file does not exist or is not complete. The detector may still write it."""


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of a detector that can be shown, up to the first file that is not complete."""

    node: ExternalLinkNode | VirtualNode
    """The node for `data` in the group of the detector."""
    counts: Sequence[int]
    """The number of frames of each complete file, beginning with the first."""
    shown: int
    """How many frames are shown, including those of a last file that is not complete."""
    aside: dict[Path, dict[str, Node]] = field(default_factory=dict)
    """What has to be in files aside for it, by the path in their entry. The first is needed by the next."""
    spoiled: RawError | None = None
    """Why the following files are not shown."""
    doubt: str = ""
    """Why the shown frames may differ from those that the detector saw."""
    gaps: tuple[RawError, ...] = ()
    """Which of the shown frames a reader gets as fill values, and why."""
    short: str = ""
    """Why the last file should have more frames than are shown. It may still get them."""
    remarks: tuple[str, ...] = ()
    """Remarks about the interpretation of the files."""
    blocks: Mapping[str, VirtualNode] = field(default_factory=dict)
    """All frames in several datasets, by name, where one cannot show them; `node` is then the first."""

    @property
    def files(self) -> int:
        """How many files are shown completely."""
        return len(self.counts)

    @property
    def uneven(self) -> int | None:
        """The first file with another number of frames than the first file has. The last file is not considered."""
        return next((index for index, count in enumerate(self.counts[:-1]) if count != self.counts[0]), None)


def unreadable(path: Path | str, error: OSError) -> NotYetError:
    """What the operating system has against a raw file. It may pass: a right is given, a disk is mounted again."""
    remedy = " (give the user that nxscribe runs as the right to read it)" if error.errno in _NO_RIGHT else ""
    return NotYetError(f"{path} cannot be read: {error.strerror}{remedy}")


def misread(path: Path | str, error: Exception) -> NotYetError:
    """What the library of a format has against a raw file, in which it may not tell what the operating system has."""
    if not os.access(path, os.R_OK):
        return unreadable(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    if isinstance(error, OSError):
        return NotYetError(f"{path} cannot be read: {error}")
    return NotYetError(
        f"{path} cannot be understood: its header is damaged, not yet whole, or of another format "
        f"({type(error).__name__}: {error})"
    )


def status_of(path: Path | str) -> os.stat_result:
    """What stat(2) says of a raw file. Raises RawError."""
    try:
        return checked(path, Path(path).stat())
    except FileNotFoundError:
        raise NotYetError(f"{path} is not there") from None
    except OSError as error:
        raise unreadable(path, error) from error


def checked(path: Path | str, status: os.stat_result) -> os.stat_result:
    """The status of what is a file. Raises RawError for all else: to open a pipe would wait for its writer."""
    if not stat.S_ISREG(status.st_mode):
        raise RawError(f"{path} is a {_KINDS.get(stat.S_IFMT(status.st_mode), 'special file')}, and no file of frames")
    return status


def never_written(path: str, first: int) -> NotYetError:
    """The reason why a file's frames from `first` on are not shown."""
    return NotYetError(f"{path}: the frames from {first} on were not written, and would read as 0")


def doubt_about(path: str, last: Value) -> str:
    """What is odd about the last frame of all; empty when nothing is."""
    if last.size < FEW_PIXELS or last.min() != last.max():
        return ""
    return f"{path}: the last frame holds nothing but {last.flat[0]}, as where a detector stopped before it"


def unlike_counts(dtype: npt.DTypeLike) -> Value:
    """A fill value that no detector counts to: what a frame would read as whose source is gone.

    One element of the type itself: the largest number of 64 bits cannot be held by a float.
    """
    known = np.dtype(dtype)
    if known.kind in "fc":
        return np.full((), np.nan, known)
    if known.kind == "u":
        return np.full((), np.iinfo(known).max, known)
    if known.kind == "i":
        return np.full((), np.iinfo(known).min, known)
    return np.zeros((), known)
