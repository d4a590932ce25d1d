"""Raw files folder by folder, their sizes and links: ten thousand cost one listing, not ten thousand questions."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from nxscribe.projections.nexus.raw._holes import share_on_disk
from nxscribe.projections.nexus.raw.frames import NotYetError, checked, status_of, unreadable

_MANY: Final = 50
"""From so many files of one folder on it is listed. It may hold those of other scans, so for few it is not."""
_VARIES: Final = 0.8
"""Where a file system compresses, one frame may take up so much less of the disk than another, and be there."""


def identities(paths: Sequence[str]) -> list[str]:
    """For each path what all paths of the same file have in common: its name in the folder that it really lies in.

    Two names of one file that are not symbolic links (hard links) count as two files.
    """
    listed = {folder: _links(folder) for folder in _large_folders(paths)}
    real: dict[str, str] = {}
    found = []
    for path in paths:
        folder, _, name = path.rpartition("/")
        links = listed.get(folder)
        is_link = name in links if links is not None else os.path.islink(path)  # noqa: PTH114 - texts throughout
        if folder not in real:
            real[folder] = os.path.realpath(folder or "/")
        found.append(os.path.realpath(path) if is_link else f"{real[folder]}/{name}")
    return found


def once(paths: Sequence[str]) -> list[str]:
    """Each file once, by the name that comes first."""
    by_folder = {path.rpartition("/")[0] for path in paths}
    if len(by_folder) == 1 and len(paths) >= _MANY and _links(*by_folder) == frozenset():
        return list(dict.fromkeys(paths))
    found: dict[str, str] = {}
    for path, identity in zip(paths, identities(paths), strict=True):
        found.setdefault(identity, path)
    return list(found.values())


class Sizes:
    """How large raw files are, as of when it was made."""

    def __init__(self, paths: Sequence[str]) -> None:
        """`paths` are those that will be asked for."""
        self._share = 1.0
        self._folders = {folder: _listing(folder) for folder in _large_folders(paths)}

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
            return checked(path, entry.stat())
        except FileNotFoundError:
            raise NotYetError(f"{path} is not there") from None
        except OSError as error:
            raise unreadable(path, error) from error


def _large_folders(paths: Sequence[str]) -> list[str]:
    counts = Counter(path.rpartition("/")[0] for path in paths)
    return [folder for folder, count in counts.items() if count >= _MANY]


def absent(paths: Sequence[str]) -> frozenset[str]:
    """Those of the paths of which the listing of their folder says that they are not there; the others may be."""
    listed = {folder: _names(folder) for folder in _large_folders(paths)}
    if not any(names is not None for names in listed.values()):
        return frozenset()
    split = ((path, *path.rpartition("/")[::2]) for path in paths)
    return frozenset(
        path for path, folder, name in split if (names := listed.get(folder)) is not None and name not in names
    )


def _names(folder: str) -> frozenset[str] | None:
    """The names in a folder; None where it cannot be listed."""
    try:
        return frozenset(os.listdir(folder or "/"))  # noqa: PTH208 - texts throughout
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError:
        return None


def _links(folder: str) -> frozenset[str] | None:
    """The symbolic links in a folder; None where it cannot be listed."""
    if not os.path.lexists(folder or "/"):
        return frozenset()
    listing = _listing(folder)
    return None if listing is None else frozenset(name for name, entry in listing.items() if entry.is_symlink())


def _listing(folder: str) -> Mapping[str, os.DirEntry[str]] | None:
    """None where the folder cannot be listed: each file then tells why."""
    try:
        with os.scandir(folder or "/") as entries:
            return {entry.name: entry for entry in entries}
    except OSError:
        return None
