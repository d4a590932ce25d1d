"""Access to the files of a config and its definitions: from the disk, or from the contents of an earlier reading."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from errno import ENOENT
from pathlib import Path
from typing import Final, Protocol

from nxscribe.definitions.text import read_bounded


class FileAccess(Protocol):
    """Reads files by their paths."""

    def read(self, path: Path) -> bytes:
        """The content of a file, from `read_bounded`. Raises OSError."""
        ...

    def real(self, path: Path) -> str:
        """The path without symbolic links, which is the same for every path of the same file."""
        ...


@dataclass(frozen=True, slots=True)
class FileRead:
    """The content of one file, as it was read."""

    real: str
    """The path without symbolic links."""
    content: bytes | None
    """The content; None if the file was not read, for example because it was read by another path."""


class _Disk:
    """The files themselves."""

    def read(self, path: Path) -> bytes:
        """See `FileAccess`."""
        return read_bounded(path)

    def real(self, path: Path) -> str:
        """See `FileAccess`."""
        return os.path.realpath(path)


DISK: Final[FileAccess] = _Disk()


class RecordingFiles:
    """Reads files from the disk and records what it read."""

    def __init__(self) -> None:
        self.seen: dict[str, FileRead] = {}
        """The files that were read, by their paths."""

    def read(self, path: Path) -> bytes:
        """See `FileAccess`."""
        content = DISK.read(path)
        self.seen[str(path)] = FileRead(DISK.real(path), content)
        return content

    def real(self, path: Path) -> str:
        """See `FileAccess`."""
        real = DISK.real(path)
        self.seen.setdefault(str(path), FileRead(real, None))
        return real


class ReplayedFiles:
    """Gives files as they were read before, although they may have changed on the disk."""

    def __init__(self, seen: Mapping[str, FileRead]) -> None:
        """`seen` has the files by their paths."""
        self._seen = seen

    def read(self, path: Path) -> bytes:
        """See `FileAccess`."""
        file = self._seen.get(str(path))
        if file is None or file.content is None:
            raise FileNotFoundError(ENOENT, "it was not read before", str(path))
        return file.content

    def real(self, path: Path) -> str:
        """See `FileAccess`."""
        file = self._seen.get(str(path))
        return file.real if file else str(path)
