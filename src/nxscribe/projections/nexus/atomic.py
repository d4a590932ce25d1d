"""Files that are there whole or not at all: written under another name, read back, synced, renamed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nxscribe.errors import Problem, ProjectionError
from nxscribe.projections.files import AS_IT_COMES, Ownership

LOCK: Final = ".nxscribe.lock"
"""Held by whoever changes files of a folder. It stays: to delete it would let two hold it."""
TEMPORARY: Final = ".nxscribe-writing"
"""The one temporary name of a folder. Whoever holds the folder's lock may write it, so that one found there is what a
crash left."""


@contextlib.contextmanager
def locked(folder: Path, ownership: Ownership = AS_IT_COMES) -> Iterator[bool]:
    """Keep other processes of nxscribe out of a folder, those on other machines too. Made where it is not there.

    Gives whether the file system takes locks; where it does not, nobody is kept out. Raises OSError.
    """
    make_folder(folder, ownership)
    with _held(_lock_file(folder / LOCK, ownership)) as is_held:
        yield is_held


@contextlib.contextmanager
def locked_here(folder: Path) -> Iterator[None]:
    """The same against processes of this computer alone, and without a file for it: for an archive's folder."""
    make_folder(folder)
    with _held(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)):
        yield


@contextlib.contextmanager
def _held(descriptor: int) -> Iterator[bool]:
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            is_held = True
        except OSError:
            # A file system that has no locks has nothing to wait for.
            is_held = False
        yield is_held
    finally:
        os.close(descriptor)


def _lock_file(path: Path, ownership: Ownership) -> int:
    """A descriptor of it. A file, and open for writing: NFS takes no other lock than on such."""
    with contextlib.suppress(FileExistsError):
        path.touch(exist_ok=False)
        _hand_over(path, ownership.group, ownership.growing)
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except PermissionError:
        # Another user's, and the config gives it to no group: good on one machine.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


@contextlib.contextmanager
def replacing(
    path: Path, ownership: Ownership = AS_IT_COMES, *, complete: bool = False, name: str = TEMPORARY
) -> Iterator[Path]:
    """A temporary name to write to; when the block ends well, what is there takes the place of `path`.

    Readers that have `path` open keep the old content, whole. Raises OSError.
    """
    make_folder(path.parent, ownership)
    temporary = path.with_name(name)
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        _hand_over(temporary, ownership.group, ownership.complete if complete else ownership.growing)
        sync(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def make_folder(folder: Path, ownership: Ownership = AS_IT_COMES) -> None:
    """Make a folder, and those above it, so that a power cut does not take them away again. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent, ownership)
    folder.mkdir(exist_ok=True)
    _hand_over(folder, ownership.group, ownership.folder)
    sync(folder.parent)


def _hand_over(path: Path, group: str | None, mode: int | None) -> None:
    """The group first: a change of it takes the set-group-id bit away."""
    if group is not None:
        try:
            shutil.chown(path, group=int(group) if group.isdigit() else group)
        except LookupError as error:
            raise ProjectionError(
                Problem(
                    f"there is no group {group}", "the config's files.group names it", "make it, or name another group"
                )
            ) from error
    if mode is not None:
        path.chmod(mode)


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
