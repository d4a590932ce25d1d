"""The number that a scan gets: above the entries that are on disk already, whoever made them.

The journal numbers the scans of each master file; a journal that is new or was restored from an old copy does not know
what others wrote before, and no journal knows what another daemon writes meanwhile. So the disk is looked at: the
folder of entries once for each master in the life of a daemon, and from then on whether the next entry's place is free,
which costs the same however large the experiment is. It is never looked at for long: a trigger must not wait for a file
system that hangs. Should two scans get one number all the same, the writer finds it, and the second is renumbered.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from pathlib import Path
from typing import Final

from nxscribe.projections import Layout
from nxscribe.projections.files import entries_folder
from nxscribe.records import Journal
from nxscribe.records.record import entry_name, entry_number
from nxscribe.runtime import SYSTEM_CLOCK, Clock, PythonProcess, SupervisedThread
from nxscribe.runtime.logger import get_logger
from nxscribe.service.config.layout import Files

log = get_logger()

_PATIENCE_S: Final = 0.5
_PATIENCE_WITH_HDF5_S: Final = 5.0
"""For the single layout, once for each experiment that the journal does not know: HDF5 has to be started."""
_AFTER_FAILURE_S: Final = 60.0
"""How long the disk is not asked again when it did not answer."""
_STUCK_S: Final = 60.0
"""A look that lasts longer is reported as a trouble."""
_IDLE_S: Final = 1.0


class EntryNumberAllocator:
    """What is known of the numbers on disk."""

    def __init__(self, journal: Journal, clock: Clock = SYSTEM_CLOCK) -> None:
        self._journal = journal
        self._clock = clock
        self._known: dict[Path, int] = {}
        self._not_before = 0.0
        self._last: FolderProbe | None = None
        self._due: queue.SimpleQueue[FolderProbe] = queue.SimpleQueue()
        self.thread = SupervisedThread(
            "look at the entries on disk",
            self._look_next,
            daemon=True,
            longest_turn_s=lambda: _STUCK_S,
            waits_for_disk=True,
            clock=clock,
        )
        self._is_started = False

    def look(self, files: Files, master: str) -> FolderProbe:
        """Begin to look for the number of a master's next scan; a capture may go on meanwhile."""
        path = files.data_root / master
        highest = self._journal.highest_number(master)
        is_known = path in self._known
        first = max(self._known.get(path, 0), highest + 1)
        look = FolderProbe(path, first, is_known=is_known, may_ask_hdf5=not highest, clock=self._clock)
        hangs = self._last is not None and not self._last.done.is_set()
        if not (hangs or self._clock.monotonic() < self._not_before or (is_known and files.layout is Layout.SINGLE)):
            self._last = look
            self._due.put(look)
            if not self._is_started:
                self._is_started = True
                self.thread.start()
        return look

    def at_least(self, look: FolderProbe) -> int:
        """The least number that the scan may get; what the journal alone says where the disk does not answer."""
        if look is self._last:
            if why := look.wait():
                self._not_before = self._clock.monotonic() + _AFTER_FAILURE_S
                log.warning("the numbers of entries on disk are not known", master=str(look.master), reason=why)
            else:
                self._known[look.master] = look.free
        return look.free

    def _look_next(self) -> None:
        with contextlib.suppress(queue.Empty):
            self._due.get(timeout=_IDLE_S).run()


class FolderProbe:
    """One look at the disk, which may hang."""

    def __init__(
        self, master: Path, first: int, *, is_known: bool, may_ask_hdf5: bool, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self.master = master
        self.free = first
        """The least number from the first that may be given on that is above all entries on disk, once it is known."""
        self.done = threading.Event()
        self._is_known, self._may_ask_hdf5 = is_known, may_ask_hdf5
        self._asks_hdf5 = threading.Event()
        self._clock = clock
        self._begun = clock.monotonic()
        self._failure = ""

    def wait(self) -> str:
        """Wait, for as long as a trigger may be held up; say why nothing was seen, or nothing."""
        left_s = max(0.0, self._begun + _PATIENCE_S - self._clock.monotonic())
        is_done = self._clock.wait(self.done, left_s) or (
            self._asks_hdf5.is_set() and self._clock.wait(self.done, _PATIENCE_WITH_HDF5_S)
        )
        return self._failure if is_done else "the disk does not answer"

    def run(self) -> None:
        """Look at the disk. Any thread may call it."""
        try:
            self.free = self._least_free()
        except OSError as error:
            self._failure = str(error)
        except Exception as error:
            log.exception("the entries on disk could not be looked at, for an unforeseen reason")
            self._failure = repr(error)
        finally:
            self.done.set()

    def _least_free(self) -> int:
        folder = entries_folder(self.master)
        if self._is_known and not (folder / f"{entry_name(self.free)}.h5").exists():
            return self.free
        return max(self.free, self._highest(folder) + 1)

    def _highest(self, folder: Path) -> int:
        linked = (
            max((entry_number(path.stem) for path in folder.glob("entry_*.h5")), default=0) if folder.is_dir() else 0
        )
        if linked or not self._may_ask_hdf5 or not self.master.exists():
            return linked
        # The single layout: only HDF5 can tell, and HDF5 is not let into this process.
        self._asks_hdf5.set()
        code = f"import h5py; print(*h5py.File({str(self.master)!r}, 'r', locking=False))"
        with PythonProcess(["-P", "-c", code]) as process:
            if not process.wait(_PATIENCE_WITH_HDF5_S):
                raise TimeoutError(f"the entries of {self.master} were not known after {_PATIENCE_WITH_HDF5_S:g} s")
            # A file that is not HDF5, or that the writer is replacing, has no numbers to tell.
            entries = process.printed.split() if process.exit_code == 0 else []
        return max(map(entry_number, entries), default=0)
