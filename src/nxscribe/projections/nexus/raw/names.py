"""How a file names another: relative where both lie in the experiment's folder, so that links move with it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Names:
    """The names that raw files get in one entry."""

    experiment: Path
    """The folder that moves as a whole: it holds the master and the scan's own folder."""
    master: Path
    container: Path
    """The file that holds the entry."""
    frames: Path
    """The file through which raw files that are no HDF5 files are read."""
    in_place: Path
    """The file for what holds only as long as the folder is not moved. Its last part is that of `frames`."""
    entry: str
    record_id: str
    _known: dict[tuple[str, Path], str] = field(default_factory=dict, compare=False)
    """Folders as others name them: a scan's thousands of files lie in few."""

    def from_container(self, path: Path | str) -> str:
        """The name of `path` in links of the entry's file: HDF5 takes them from that file's folder."""
        return self._named(str(path), self.container)

    def from_frames(self, path: Path | str) -> str:
        """The name of `path` in the file `frames`."""
        return self._named(str(path), self.frames)

    def from_master(self, path: Path | str) -> str:
        """The name of `path` for people and programs that start at the master file."""
        return self._named(str(path), self.master)

    def _named(self, path: str, start: Path) -> str:
        """By texts: this is done ten thousand times a scan."""
        folder, _, name = path.rpartition("/")
        key = (folder, start)
        if key not in self._known:
            self._known[key] = self._folder(Path(folder or "/"), start.parent)
        return f"{self._known[key]}/{name}"

    def _folder(self, folder: Path, start: Path) -> str:
        for root in (self.experiment, self.experiment.resolve()):
            if folder.is_relative_to(root):
                # A `..` that crosses a symbolic link leads elsewhere: the way up must be real. The way down may hold
                # links.
                return os.path.relpath(self.experiment.resolve() / folder.relative_to(root), start.resolve())
        return str(folder)
