"""The folders that files must really lie in, if a control system names them: symbolic links may lead out."""

from __future__ import annotations

import os
from collections.abc import Iterable

from nxscribe.model import RawSeries, plain
from nxscribe.projections.nexus.raw.entry_paths import on_disk


class Confinement:
    """A set of folders, as they are on the disk now."""

    def __init__(self, roots: Iterable[str]) -> None:
        """`roots` are absolute paths, which may be symbolic links themselves. The root of the file system is none: it
        would hold everything.
        """
        folders = (os.path.realpath(root).rstrip("/") for root in roots)
        self._roots = tuple(f"{folder}/" for folder in folders if folder)

    def holds(self, path: str) -> bool:
        """Whether a path is really in one of the folders."""
        return f"{os.path.realpath(path)}/".startswith(self._roots)

    def leaves(self, series: RawSeries) -> str:
        """The first file of a series that is really outside; empty if none is."""
        directory = on_disk(plain(series.directory))
        paths = (on_disk(f"{directory}/{name}") for name in series)
        if not self.holds(directory):
            return next(paths)
        return next((path for path in paths if os.path.islink(path) and not self.holds(path)), "")  # noqa: PTH114 - a text
