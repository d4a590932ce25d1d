"""The number that a scan gets: above the entries that are on disk already, whoever made them.

The journal numbers the scans of each master file; a journal that is new or was restored from an old copy does not know
what others wrote before, and no journal knows what another daemon writes meanwhile. So the disk is looked at: the
folder of entries once for each master in the life of a daemon, and from then on whether the next entry's place is free,
which costs the same however large the experiment is. It is never looked at for long: a trigger must not wait for a file
system that hangs. Should two scans get one number all the same, the writer finds it, and the second is renumbered.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

import structlog

from nxscribe.projections import Layout
from nxscribe.projections.files import entries_folder
from nxscribe.records import Journal
from nxscribe.records.record import entry_name, entry_number
from nxscribe.service.layout import Files

log = structlog.get_logger()

_PATIENCE_S: Final = 0.5
_PATIENCE_WITH_HDF5_S: Final = 5.0
"""For the single layout, once for each experiment that the journal does not know: HDF5 has to be started."""
_AFTER_FAILURE_S: Final = 60.0
"""How long the disk is not asked again when it did not answer."""


class Numbering:
    """What is known of the numbers on disk."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[Path, int] = {}
        self._not_before = 0.0
        self._look: _Look | None = None

    def at_least(self, files: Files, master: str) -> int:
        """The least number that the next scan of a master may get. 1 where the disk does not answer."""
        path = files.data_root / master
        highest = self._journal.highest_number(master)
        first = max(self._known.get(path, 0), highest + 1)
        if path in self._known and files.layout is Layout.SINGLE:
            return first
        if time.monotonic() < self._not_before or (self._look and self._look.is_alive()):
            return first
        self._look = _Look(path, first, is_known=path in self._known, may_ask_hdf5=not highest)
        free = self._look.result()
        if free is None:
            self._not_before = time.monotonic() + _AFTER_FAILURE_S
            log.warning("the numbers of entries on disk are not known: it does not answer", master=str(path))
            return first
        self._known[path] = free
        return free


class _Look:
    """One look at the disk, in a thread that may hang."""

    def __init__(self, master: Path, first: int, *, is_known: bool, may_ask_hdf5: bool) -> None:
        self._master, self._first, self._is_known, self._may_ask_hdf5 = master, first, is_known, may_ask_hdf5
        self._asks_hdf5 = threading.Event()
        self._free: int | None = None
        self._thread = threading.Thread(target=self._run, name="look at the entries on disk", daemon=True)

    def is_alive(self) -> bool:
        """Whether it hangs still."""
        return self._thread.is_alive()

    def result(self) -> int | None:
        """The least number from `first` on that is above all entries on disk; None where it is not known in time."""
        self._thread.start()
        self._thread.join(_PATIENCE_S)
        if self._asks_hdf5.is_set():
            self._thread.join(_PATIENCE_WITH_HDF5_S)
        return self._free

    def _run(self) -> None:
        try:
            self._free = self._least_free()
        except (OSError, subprocess.SubprocessError) as error:
            log.warning("the numbers of entries on disk cannot be read", master=str(self._master), reason=str(error))

    def _least_free(self) -> int:
        folder = entries_folder(self._master)
        if self._is_known and not (folder / f"{entry_name(self._first)}.h5").exists():
            return self._first
        return max(self._first, self._highest(folder) + 1)

    def _highest(self, folder: Path) -> int:
        linked = (
            max((entry_number(path.stem) for path in folder.glob("entry_*.h5")), default=0) if folder.is_dir() else 0
        )
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
        return max(map(entry_number, said.split()), default=0)
