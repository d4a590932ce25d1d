"""Where the files of a set are read from: the disk, or what was read from it before."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from errno import ENOENT
from pathlib import Path
from typing import Final, Protocol

from nxscribe.definitions.text import read_bounded


class Files(Protocol):
    """Files by their paths."""

    def read(self, path: Path) -> bytes:
        """What `read_bounded` gives. Raises OSError."""
        ...

    def real(self, path: Path) -> str:
        """The path without symbolic links: it is the same for the same file."""
        ...


@dataclass(frozen=True, slots=True)
class FileRead:
    """One file as it was read."""

    real: str
    content: bytes | None
    """None where it was another's path only, and not read again."""


class _Disk:
    """The files themselves."""

    def read(self, path: Path) -> bytes:
        """See `Files`."""
        return read_bounded(path)

    def real(self, path: Path) -> str:
        """See `Files`."""
        return os.path.realpath(path)


DISK: Final[Files] = _Disk()


class Remembering:
    """The files themselves; what is read of them is remembered."""

    def __init__(self) -> None:
        self.seen: dict[str, FileRead] = {}
        """By path."""

    def read(self, path: Path) -> bytes:
        """See `Files`."""
        content = DISK.read(path)
        self.seen[str(path)] = FileRead(DISK.real(path), content)
        return content

    def real(self, path: Path) -> str:
        """See `Files`."""
        real = DISK.real(path)
        self.seen.setdefault(str(path), FileRead(real, None))
        return real


class Remembered:
    """Files as they were read before, wherever they are now."""

    def __init__(self, seen: Mapping[str, FileRead]) -> None:
        """`seen` holds them by path."""
        self._seen = seen

    def read(self, path: Path) -> bytes:
        """See `Files`."""
        file = self._seen.get(str(path))
        if file is None or file.content is None:
            raise FileNotFoundError(ENOENT, "it was not read before", str(path))
        return file.content

    def real(self, path: Path) -> str:
        """See `Files`."""
        file = self._seen.get(str(path))
        return file.real if file else str(path)
