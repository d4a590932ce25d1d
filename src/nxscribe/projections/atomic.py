"""Files that exist completely or not at all: they are written under another name, read back, synced and renamed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from nxscribe.errors import Problem, ProjectionError
from nxscribe.projections.files import AS_IT_COMES, FileSettings, Ownership

LOCK: Final = ".nxscribe.lock"
"""The lock file of a folder. A process that changes files of the folder locks it. It is never deleted, because then two
processes could lock two files of the same name.
"""
TEMPORARY: Final = ".nxscribe-writing"
"""The only temporary name in a folder. Only the process with the lock writes this file, so that a file that
another process finds here was left by a crash.
"""


_DEFAULT_ACL: Final = "system.posix_acl_default"
_FOR_FILES: Final = 0o666
"""The bits of the mode of a folder that are also used for its files."""


@contextlib.contextmanager
def locked(folder: Path, ownership: Ownership = AS_IT_COMES) -> Iterator[bool]:
    """Lock a folder against other processes of nxscribe, also on other computers. The folder is made if necessary.

    Gives whether the file system supports locks. If it does not, no process is kept out. Raises OSError.
    """
    make_folder(folder, ownership)
    with _held(_lock_file(folder / LOCK, ownership)) as is_held:
        yield is_held


@contextlib.contextmanager
def locked_here(folder: Path) -> Iterator[None]:
    """Lock a folder against processes of this computer only, without a lock file: for the folder of an archive."""
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
        _take_after_the_folder(path)
        _hand_over(path, ownership.group, ownership.growing)
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except PermissionError:
        # Another user's, and the config gives it to no group: good on one machine.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)


@contextlib.contextmanager
def replacing(
    path: Path, ownership: Ownership = AS_IT_COMES, *, complete: bool = False, name: str = TEMPORARY
) -> Iterator[Path]:
    """Gives a temporary name for writing. If the block ends without an error, this file replaces `path`.

    Readers that have `path` open keep the complete old file. Raises OSError.
    """
    make_folder(path.parent, ownership)
    temporary = path.with_name(name)
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        _take_after(path, temporary)
        _hand_over(temporary, ownership.group, ownership.complete if complete else ownership.growing)
        sync(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def settle(path: Path, ownership: Ownership, *, complete: bool) -> None:
    """Give an unchanged file the mode and group that it would get if it were written now. Raises OSError."""
    _hand_over(path, ownership.group, ownership.complete if complete else ownership.growing)


def make_folder(folder: Path, ownership: Ownership = AS_IT_COMES) -> None:
    """Make a folder and its parent folders, and sync them, so that they survive a power failure. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent, ownership)
    folder.mkdir(exist_ok=True)
    _take_after_the_folder(folder)
    _hand_over(folder, ownership.group, ownership.folder)
    sync(folder.parent)


def _take_after(path: Path, successor: Path) -> None:
    """If root replaces a file of another user, give the new file to this user, with the same mode."""
    try:
        before = path.stat()
    except FileNotFoundError:
        before = None
    if before and before.st_uid and before.st_mode & stat.S_IWUSR:
        _become(successor, before, stat.S_IMODE(before.st_mode))
    else:
        _take_after_the_folder(successor)


def _take_after_the_folder(path: Path) -> None:
    """If root makes a file in the folder of another user, give it the owner, the group and the mode of the folder."""
    folder = path.parent.stat()
    if folder.st_uid:
        mode = stat.S_IMODE(folder.st_mode)
        # The access control list for what is made in a folder was applied when it was made.
        try:
            has_own_rule = _DEFAULT_ACL in os.listxattr(path.parent)
        except OSError:
            has_own_rule = False  # a file system without such lists
        _become(path, folder, None if has_own_rule else mode if path.is_dir() else mode & _FOR_FILES)


def _become(path: Path, model: os.stat_result, mode: int | None) -> None:
    """Give a file the owner, group and mode of another one, which only root can do.

    This uses a descriptor, so that nobody can replace the path by a link meanwhile.
    """
    if os.geteuid() != 0:
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(descriptor, model.st_uid, model.st_gid)
        if mode is not None:
            os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def _hand_over(path: Path, group: str | None, mode: int | None) -> None:
    """The group first: a change of it takes the set-group-id bit away."""
    if group is not None:
        try:
            shutil.chown(path, group=int(group) if group.isdigit() else group)
        except LookupError as error:
            raise ProjectionError(
                Problem(
                    f"the group {group} does not exist",
                    "the config's files.group names it",
                    "make it, or name another group",
                )
            ) from error
    if mode is not None:
        path.chmod(mode)


def write(path: Path, content: bytes) -> None:
    """Write a new file. Raises OSError, also FileExistsError."""
    with path.open("xb") as file:
        file.write(content)


def sync(path: Path) -> None:
    """Sync a file or folder: wait until it is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_REMEDIES: Final = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room, or ask for a larger quota",
    errno.EROFS: "mount the file system for writing",
    errno.EACCES: "give the user that nxscribe runs as the right to write there",
    errno.EPERM: "give the user that nxscribe runs as the right to write there",
    errno.ENOENT: "make the data root, or mount it",
    errno.EMFILE: "let the service have more files open (LimitNOFILE), and report it: a writer process needs a dozen",
    errno.ENFILE: "look at what has so many files open on this machine",
    errno.ESTALE: "mount the file system again",
}


def check_places(paths: Iterable[Path], settings: FileSettings) -> None:
    """Check that no symbolic link leads out of the data root, or of the further folders that the config allows.

    Raises ProjectionError for a path that is really outside, whether it exists or not.
    """
    allowed = (str(settings.data_root), *settings.roots)
    roots = tuple(f"{os.path.realpath(root).rstrip('/')}/" for root in allowed)
    for path in paths:
        real = os.path.realpath(path)
        if not f"{real}/".startswith(roots):
            raise ProjectionError(
                Problem(
                    f"{path} is {real}, outside the data root {settings.data_root}",
                    "a symbolic link in its folders leads there",
                    "remove the link, or allow its target in files.roots of the config",
                )
            )


@contextlib.contextmanager
def explained(path: Path, data_root: Path) -> Iterator[None]:
    """Convert errors of the operating system while `path` is written to ProjectionErrors with a remedy."""
    try:
        if not data_root.is_dir():
            raise ProjectionError(
                Problem(f"the data root {data_root} is not there", "not mounted, or not made", "mount it, or make it")
            )
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "look at the disk and the system's log; it is tried again")
        what = error.filename or path
        raise ProjectionError(
            Problem(f"{path} cannot be written", f"{what}: {error.strerror or error}", remedy)
        ) from error
