"""The SQLite file under the journal: its settings, its transactions, and that what is committed stays."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from enum import Enum, auto
from pathlib import Path

from nxscribe.records.failures import explained, failure
from nxscribe.records.schema import VERSION, check_version, migrate

_BUSY_TIMEOUT_S = 2.0
"""How long to wait for another process's transaction; each takes about a millisecond."""
_CHECKPOINT_BYTES = 4 << 20
"""From this size on the WAL is copied into the database, beside the triggers."""
_CHECKPOINT_PAGES_AT_LATEST = 16 << 10
"""From this size on SQLite does it inside a commit, should nothing else have done it (4 KiB a page)."""


class Access(Enum):
    """What a process may do with the file."""

    READ = auto()
    SHARE = auto()
    """Write beside the process that owns it."""
    OWN = auto()
    """Create it, migrate it, write to it."""


class Database:
    """One connection to write and one to read, each under a lock, shared by all threads.

    Two, so that a look at the queue does not wait for a disk that takes its time over a commit.

    A commit is on the disk when `writing` returns: in WAL mode with synchronous=FULL, SQLite calls fsync on the
    WAL at each commit, and on its folder when it made the WAL; the database file itself is made durable here,
    before its first use.
    """

    def __init__(self, path: Path, access: Access) -> None:
        self.path = path
        self._read_lock, self._write_lock, self._checkpoint_lock = (threading.Lock() for _ in range(3))
        if access is not Access.OWN and not path.exists():
            raise failure(path, "open", "there is no such file", "check the path; a daemon's first start makes it")
        with explained(path, "open"), ExitStack() as opened:
            self._writer: sqlite3.Connection | None = None
            if access is not Access.READ:
                self._writer = opened.enter_context(closing(_open_to_write(path, access)))
            # Closed first: the last to close takes the WAL into the database, and a reader may not.
            self._reader = opened.enter_context(closing(_open_to_read(path)))
            self._file = path.stat()
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Ends all use. What was committed is in the file by then."""
        with self._checkpoint_lock, self._write_lock, self._read_lock:
            self._opened.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view. Take the rows out; decode them outside."""
        with self._read_lock, explained(self.path, "read"), _transaction(self._reader, "BEGIN"):
            yield self._reader

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, durable when this returns. On any error nothing of it remains."""
        if not self._writer:
            raise failure(self.path, "write to", "it was opened to be read", "open it as a Journal")
        with self._write_lock, explained(self.path, "write to"):
            with _transaction(self._writer, "BEGIN IMMEDIATE"):
                yield self._writer
            self._check_in_place()

    def checkpoint(self) -> None:
        """Copies a grown WAL into the database. To be called off the critical path: commits go on meanwhile."""
        with self._checkpoint_lock, suppress(sqlite3.Error, OSError):
            # Nothing is lost when it fails: the WAL stays as it is, and the next call tries again.
            if _wal(self.path).stat().st_size > _CHECKPOINT_BYTES:
                with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def vacuum(self) -> None:
        """Rewrites the file without what is unused. A crash meanwhile leaves it as it was."""
        with self._checkpoint_lock, self._write_lock, explained(self.path, "vacuum"):
            if self._writer:
                self._writer.execute("VACUUM")
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _check_in_place(self) -> None:
        """SQLite writes happily into a deleted file. What would vanish must not be acknowledged."""
        try:
            in_place = os.path.samestat(self.path.stat(), self._file) and _wal(self.path).exists()
        except OSError:
            in_place = False
        if not in_place:
            raise failure(
                self.path,
                "write to",
                "the file was deleted or replaced while it was in use",
                "put it back (it is still open, see /proc/PID/fd), or restart the daemon on a new one",
            )


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Some errors have rolled back already; the first error is the one to tell.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        # A page that the disk gave wrongly must not be remembered: the disk may have come to itself.
        with suppress(sqlite3.Error):
            connection.execute("PRAGMA shrink_memory")
        raise


def _open_to_write(path: Path, access: Access) -> sqlite3.Connection:
    may_create = access is Access.OWN
    is_new = may_create and not path.exists()
    connection = _connect(path, "rwc" if may_create else "rw")
    try:
        # Before the first write, so that a foreign database is left as it was.
        check_version(connection, path, at_least=0 if may_create else VERSION)
        _use_wal(connection, path)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cell_size_check = ON")
        # Once taken over, the WAL shrinks: its size is what says when to do it again.
        connection.execute("PRAGMA journal_size_limit = 0")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES_AT_LATEST}")
        migrate(connection, path)
        if is_new:
            _sync_folder(path.parent)
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, path: Path) -> None:
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise failure(
            path, "open", f"its file system does not allow SQLite's WAL mode ({mode})", "put it on a local disk"
        )


def _open_to_read(path: Path) -> sqlite3.Connection:
    try:
        return _checked(_connect(path, "ro"), path)
    except sqlite3.OperationalError:
        # A reader of a WAL database writes beside it. Where it may not, and no WAL holds newer content,
        # the file can be taken as it is.
        wal = _wal(path)
        if wal.exists() and wal.stat().st_size:
            raise
        return _checked(_connect(path, "ro&immutable=1"), path)


def _checked(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    try:
        check_version(connection, path, at_least=VERSION)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # As a URI, for its modes; autocommit, since transactions are begun by name.
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    # A damaged name must not keep its record from being read: the payloads have checksums, the names are copies.
    connection.text_factory = lambda data: data.decode(errors="replace")
    return connection


def _wal(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def make_folder(path: Path) -> None:
    """Makes the folder of `path`, durably. Raises JournalError."""
    missing = [folder for folder in path.absolute().parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in missing:
            _sync_folder(folder.parent)
    except OSError as error:
        raise failure(path, "create", str(error), "create its folder, writable for the daemon's user") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
