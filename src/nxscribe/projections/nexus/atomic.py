"""Files that are there whole or not at all: written under another name, read back, synced, renamed."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TEMPORARY: Final = ".nxscribe-writing.h5"
"""The one temporary name of a folder. Whoever holds the folder's lock may write it, so that one found there is what a
crash left."""

READ_ONLY: Final = 0o444


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes of nxscribe out of a folder. Made where it is not there. Raises OSError."""
    make_folder(folder)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # A file system that has no locks has nothing to wait for.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def replacing(path: Path, *, read_only: bool = False) -> Iterator[Path]:
    """A temporary name to write to; when the block ends well, what is there takes the place of `path`.

    Readers that have `path` open keep the old content, whole. Raises OSError.
    """
    make_folder(path.parent)
    temporary = path.with_name(TEMPORARY)
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        if read_only:
            temporary.chmod(READ_ONLY)
        sync(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, so that a power cut does not take them away again. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync(folder.parent)


def write(path: Path, content: bytes) -> None:
    """A new file. Raises OSError, FileExistsError among them."""
    with path.open("xb") as file:
        file.write(content)


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
