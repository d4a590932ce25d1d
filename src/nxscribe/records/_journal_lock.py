"""The lock of a journal. Only one daemon can use a journal: it locks a file beside it as long as it runs."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from nxscribe.records._sqlite_errors import failure


class JournalLock:
    """A lock that is held from its construction until `close`, or until the process ends in any way.

    It is a file of its own, because closing any descriptor of the database file would drop SQLite's own locks on it.
    """

    def __init__(self, journal: Path) -> None:
        path = journal.with_name(journal.name + ".lock")
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise failure(journal, "claim", str(error), "give the daemon's user write access to its folder") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.truncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            self.close()
            raise failure(
                journal,
                "claim",
                f"another daemon uses it (process {holder})",
                "end that one, or give this one a state folder of its own",
            ) from error
        except OSError:
            # A full disk keeps the process number from being noted; the lock holds all the same.
            return

    def close(self) -> None:
        """Unlock. The file stays, because after a deletion two processes could lock two files of the same name."""
        os.close(self._descriptor)
