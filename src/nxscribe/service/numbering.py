"""The number that a new experiment begins with: above the entries that are on disk already.

The journal numbers the scans of each master file; a journal that is new, or that was restored from an old copy, does
not know what others wrote before. The disk is looked at once for each master in the life of a daemon, and never for
long: a trigger must not wait for a file system that hangs.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

import structlog

from nxscribe.projections.files import entries_folder
from nxscribe.records import Journal
from nxscribe.service.layout import Files

log = structlog.get_logger()

_PATIENCE_S: Final = 0.5
_AFTER_FAILURE_S: Final = 60.0
"""How long the disk is not asked again when it did not answer."""
_ENTRY: Final = re.compile(r"entry_(\d+)")


class Numbering:
    """What is known of the numbers on disk."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[Path, int] = {}
        self._not_before = 0.0

    def at_least(self, files: Files, master: str) -> int:
        """The least number that the next scan of a master may get. 1 where the disk does not answer: the writer then
        finds a number that is taken, and says so.
        """
        path = files.data_root / master
        if path in self._known:
            return self._known[path]
        if time.monotonic() < self._not_before:
            return 1
        highest = _within(_PATIENCE_S, path)
        if highest is None:
            self._not_before = time.monotonic() + _AFTER_FAILURE_S
            log.warning("the numbers of entries on disk are not known: it does not answer", master=str(path))
            return 1
        self._known[path] = highest + 1
        return highest + 1


def highest_entry(master: Path) -> int:
    """The highest number among the entries of a master, 0 where there is none. Raises OSError."""
    folder = entries_folder(master)
    linked = max((_number(path.stem) for path in folder.glob("entry_*.h5")), default=0) if folder.is_dir() else 0
    if linked or not master.exists():
        return linked
    # The single layout: only HDF5 can tell, and HDF5 is not let into this process.
    code = f"import h5py, sys; print(*h5py.File({str(master)!r}, 'r', locking=False))"
    said = subprocess.run(  # noqa: S603 - our own interpreter, no shell
        [sys.executable, "-P", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=10, check=False
    ).stdout.decode()
    return max(map(_number, said.split()), default=0)


def _number(name: str) -> int:
    found = _ENTRY.fullmatch(name)
    return int(found[1]) if found else 0


def _within(patience_s: float, master: Path) -> int | None:
    """The highest number, or None where it was not known in time."""
    found: list[int] = []

    def look() -> None:
        try:
            found.append(highest_entry(master))
        except (OSError, subprocess.SubprocessError) as error:
            log.warning("the numbers of entries on disk cannot be read", master=str(master), reason=str(error))

    thread = threading.Thread(target=look, name="look at the entries on disk", daemon=True)
    thread.start()
    thread.join(patience_s)
    return found[0] if found else None
