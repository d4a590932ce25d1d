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
_PATIENCE_WITH_HDF5_S: Final = 5.0
"""For the single layout, once for each experiment that the journal does not know: HDF5 has to be started."""
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
        highest = _Look(path, may_ask_hdf5=not self._journal.has_experiment(master)).result()
        if highest is None:
            self._not_before = time.monotonic() + _AFTER_FAILURE_S
            log.warning("the numbers of entries on disk are not known: it does not answer", master=str(path))
            return 1
        self._known[path] = highest + 1
        return highest + 1


class _Look:
    """One look at the disk, in a thread that may hang."""

    def __init__(self, master: Path, *, may_ask_hdf5: bool) -> None:
        self._master, self._may_ask_hdf5 = master, may_ask_hdf5
        self._asks_hdf5 = threading.Event()
        self._found: int | None = None
        self._thread = threading.Thread(target=self._run, name="look at the entries on disk", daemon=True)

    def result(self) -> int | None:
        """The highest number of a master's entries, 0 where there is none; None where it is not known in time."""
        self._thread.start()
        self._thread.join(_PATIENCE_S)
        if self._asks_hdf5.is_set():
            self._thread.join(_PATIENCE_WITH_HDF5_S)
        return self._found

    def _run(self) -> None:
        try:
            self._found = self._highest()
        except (OSError, subprocess.SubprocessError) as error:
            log.warning("the numbers of entries on disk cannot be read", master=str(self._master), reason=str(error))

    def _highest(self) -> int:
        folder = entries_folder(self._master)
        linked = max((_number(path.stem) for path in folder.glob("entry_*.h5")), default=0) if folder.is_dir() else 0
        if linked or not self._may_ask_hdf5 or not self._master.exists():
            return linked
        # The single layout: only HDF5 can tell, and HDF5 is not let into this process.
        self._asks_hdf5.set()
        code = f"import h5py; print(*h5py.File({str(self._master)!r}, 'r', locking=False))"
        said = subprocess.run(  # noqa: S603 - our own interpreter, no shell
            [sys.executable, "-P", "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_WITH_HDF5_S,
            check=False,
        ).stdout.decode()
        return max(map(_number, said.split()), default=0)


def _number(name: str) -> int:
    found = _ENTRY.fullmatch(name)
    return int(found[1]) if found else 0
