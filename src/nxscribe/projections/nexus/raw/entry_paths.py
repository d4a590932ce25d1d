"""How one file names another: relative if both are in the folder of the experiment, so that it can be moved."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nxscribe.projections.files import entries_folder

_NO_TEXT: Final = re.compile("[\udc80-\udcff]")
"""What Python makes of the bytes of a file's name that are not UTF-8 (PEP 383)."""
_ESCAPED: Final = re.compile(r"\\x([89a-f][0-9a-f])")


def legible(text: str) -> str:
    r"""A file's name, or a text that holds one, as JSON and HDF5 can hold it: `\xe9` for a byte that is not UTF-8.

    Records, entries, messages have names in this form.
    """
    return _NO_TEXT.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)


def is_escaped(path: str) -> bool:
    """Whether a path may be the legible form of another one."""
    return _ESCAPED.search(path) is not None


def on_disk(path: str) -> str:
    """The path of a file by its legible form, as the operating system takes it."""
    if not is_escaped(path) or os.path.lexists(path):
        return path
    return _ESCAPED.sub(lambda found: chr(0xDC00 + int(found[1], 16)), path)


@dataclass(frozen=True, slots=True)
class EntryPaths:
    """The names that raw files get in one entry."""

    experiment: Path
    """The folder that moves as a whole: it holds the master and the scan's own folder."""
    master: Path
    container: Path
    """The file that holds the entry."""
    frames: Path
    """The file through which raw files that are not HDF5 files are read."""
    entry: str
    record_id: str
    copied_bytes: int = 0
    """Of one detector: frames of so many bytes are copied where HDF5 cannot link to them safely."""
    _known: dict[tuple[str, Path], str] = field(default_factory=dict, compare=False)
    """Folders as others name them: a scan's thousands of files lie in few."""

    def definition(self, sha256: str) -> Path:
        """The file with the text of a definition, for all entries of the experiment."""
        return entries_folder(self.master) / "definitions" / f"{sha256}.h5"

    def from_container(self, path: Path | str) -> str:
        """The name of `path` in links of the entry's file: HDF5 takes them from that file's folder."""
        return self._named(str(path), self.container)

    def from_frames(self, path: Path | str) -> str:
        """The name of `path` in the external storage of the file `frames`.

        It leads through that file's own folder, which no other scan has: HDF5 takes it from the working directory
        where HDF5_EXTFILE_PREFIX is not set, and it must not happen to lead to another scan's files there.
        """
        name = self._named(str(path), self.frames)
        return name if name.startswith("/") else f"../{self.frames.parent.name}/{name}"

    def from_master(self, path: Path | str) -> str:
        """The name of `path` for people and programs that start at the master file, in its legible form."""
        return legible(self._named(str(path), self.master))

    def all_from_master(self, paths: Sequence[str]) -> list[str]:
        """`from_master` of thousands of files, by texts alone."""
        folders: dict[str, str] = {}
        named = []
        for path in paths:
            folder, _, name = path.rpartition("/")
            if folder not in folders:
                folders[folder] = self._known_folder(folder, self.master)
            named.append(f"{folders[folder]}/{name}")
        return named if all(map(str.isascii, named)) else list(map(legible, named))

    def _named(self, path: str, start: Path) -> str:
        folder, _, name = path.rpartition("/")
        return f"{self._known_folder(folder, start)}/{name}"

    def _known_folder(self, folder: str, start: Path) -> str:
        key = (folder, start)
        if key not in self._known:
            self._known[key] = self._folder(Path(folder or "/"), start.parent)
        return self._known[key]

    def _folder(self, folder: Path, start: Path) -> str:
        for root in (self.experiment, self.experiment.resolve()):
            if folder.is_relative_to(root):
                # A `..` that crosses a symbolic link leads elsewhere: the way up must be real. The way down may hold
                # links.
                return os.path.relpath(self.experiment.resolve() / folder.relative_to(root), start.resolve())
        # One that leads into the experiment's folder by a symbolic link elsewhere, as a mount point's, is inside too.
        real = folder.resolve()
        if real.is_relative_to(self.experiment.resolve()):
            return os.path.relpath(real, start.resolve())
        return str(folder)
