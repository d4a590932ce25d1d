"""How a file names another: relative where both lie under the data root, so that the links move with the folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Names:
    """The names that raw files get in one entry."""

    data_root: Path
    master: Path
    container: Path
    """The file that holds the entry."""

    def from_container(self, path: Path) -> str:
        """The name of `path` in links of the entry's file: HDF5 takes them from that file's folder."""
        return self._relative(path, self.container.parent)

    def from_master(self, path: Path) -> str:
        """The name of `path` for people and programs that start at the master file."""
        return self._relative(path, self.master.parent)

    def _relative(self, path: Path, folder: Path) -> str:
        inside = self._inside(path)
        if inside is None:
            return str(path)
        # A `..` that crosses a symbolic link leads elsewhere: the way up must be real. The way down may hold links.
        return os.path.relpath(self.data_root.resolve() / inside, folder.resolve())

    def _inside(self, path: Path) -> Path | None:
        for root in (self.data_root, self.data_root.resolve()):
            if path.is_relative_to(root):
                return path.relative_to(root)
        return None
