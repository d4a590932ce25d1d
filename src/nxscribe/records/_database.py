"""The SQLite file of the journal: its settings, its transactions, and the durability of commits."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path

from nxscribe.records._migrations import VERSION, check_version, migrate
from nxscribe.records._sqlite_errors import explained, failure
from nxscribe.records._wal import passed_over, wal_path

_BUSY_TIMEOUT_S = 2.0
"""How many seconds to wait for a transaction of another process. Each one takes about a millisecond."""
_CHECKPOINT_BYTES = 4 << 20
"""If the write-ahead log is larger, it is copied into the database, outside of triggers."""
_CHECKPOINT_PAGES_AT_LATEST = 16 << 10
"""If the log is larger (in pages of 4 KiB), SQLite copies it within a commit, if nothing has copied it before."""
_INCREMENTAL = 2
"""The value of `auto_vacuum` with which some pages at a time can be returned to the disk."""
_SMALL_BYTES = 64 << 20
"""A file up to this size is rewritten in less than a second."""
_WORTH_A_REWRITE = 0.25
"""If this share of a larger file is unused, the file is rewritten when the daemon starts."""
_LARGEST_REWRITE_BYTES = 1 << 30
"""A larger content is never rewritten, because the start of the daemon would take too long."""


class Access(Enum):
    """What a process is allowed to do with the file."""

    READ = auto()
    SHARE = auto()
    """Write, while another process owns it."""
    OWN = auto()
    """Create it, migrate it, write to it."""


class Database:
    """One connection to write and one to read, each under a lock, shared by all threads.

    There are two, so that a reader of the queue does not wait for a slow commit.

    A commit is on the disk when `writing` returns: in WAL mode with synchronous=FULL, SQLite calls fsync on the
    WAL at each commit, and on its folder when it made the WAL; the database file itself is made durable here,
    before its first use.
    """

    def __init__(self, path: Path, access: Access, *, is_damaged: bool = False) -> None:
        """Open the file. With `is_damaged` everything that can be read is read, also from a truncated file."""
        self.path = path
        self._read_lock, self._write_lock, self._checkpoint_lock = (threading.Lock() for _ in range(3))
        if access is not Access.OWN and not path.exists():
            raise failure(path, "open", "the file does not exist", "check the path; a daemon's first start makes it")
        self.commits_passed_over = commits_passed_over(path)
        """How many commits of the log could not be taken over, because the log is damaged before them."""
        self.kept_copy = _keep_copy(path) if access is Access.OWN and self.commits_passed_over else None
        """The journal as it was found: the next commit is written over what lies behind the damaged place."""
        with explained(path, "open"), ExitStack() as opened:
            self._writer: sqlite3.Connection | None = None
            if access is not Access.READ:
                self._writer = opened.enter_context(closing(_open_to_write(path, access)))
                if access is Access.OWN and not self.commits_passed_over:
                    _have_it_shrink(self._writer)
            # Closed first: the last to close takes the WAL into the database, and a reader may not.
            self._reader = opened.enter_context(closing(_open_to_read(path)))
            if is_damaged:
                # Without it SQLite refuses a file that is shorter than its header says.
                self._reader.execute("PRAGMA writable_schema = ON")
            self._file = path.stat()
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Close the connections. Then everything that was committed is in the file itself."""
        with self._checkpoint_lock, self._write_lock, self._read_lock:
            self._opened.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view of the database. Only fetch rows inside, and decode them afterwards."""
        with self._read_lock, explained(self.path, "read"), _transaction(self._reader, "BEGIN"):
            yield self._reader

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction. It is on the disk when the context ends. After an error nothing of it remains."""
        if not self._writer:
            raise failure(self.path, "write to", "it was opened to be read", "open it as a Journal")
        with self._write_lock, explained(self.path, "write to"):
            with _transaction(self._writer, "BEGIN IMMEDIATE"):
                yield self._writer
            self._check_in_place()

    def checkpoint(self) -> None:
        """Copy a large write-ahead log into the database. Call this outside of triggers; commits continue meanwhile."""
        with self._checkpoint_lock, suppress(sqlite3.Error, OSError):
            # Nothing is lost when it fails: the WAL stays as it is, and the next call tries again.
            if wal_path(self.path).stat().st_size > _CHECKPOINT_BYTES:
                with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def unused(self) -> tuple[int, int]:
        """How many pages of the file are unused, and how many there are in total."""
        with self.reading() as connection:
            return _unused(connection)

    @property
    def can_shrink(self) -> bool:
        """Whether unused pages can be returned to the disk a few at a time."""
        with self.reading() as connection:
            return _is_incremental(connection)

    def shrink(self, pages: int) -> None:
        """Return at most this number of unused pages to the disk, in one transaction."""
        with self.writing() as connection:
            for _ in range(min(pages, _unused(connection)[0])):
                # Python's sqlite3 lets this statement do only the first of its steps, which is one page.
                connection.execute("PRAGMA incremental_vacuum(1)")
        self.checkpoint()

    def _check_in_place(self) -> None:
        """SQLite also writes into a file that was deleted. Such a commit would be lost and must not be acknowledged."""
        try:
            in_place = os.path.samestat(self.path.stat(), self._file) and wal_path(self.path).exists()
        except OSError:
            in_place = False
        if not in_place:
            raise failure(
                self.path,
                "write to",
                "the file was deleted or replaced while it was in use",
                "put it back (it is still open, see /proc/PID/fd), or restart the daemon on a new one",
            )


def commits_passed_over(path: Path) -> int:
    """The number of commits in the log that SQLite ignores; 0 if there is no error, or no log."""
    log = wal_path(path)
    if not path.exists() or not log.exists() or not log.stat().st_size:
        return 0
    try:
        with closing(_connect(path, "ro")) as connection:
            # The first read is what takes the log in.
            connection.execute("PRAGMA user_version").fetchone()
            return passed_over(path, connection.execute("PRAGMA page_size").fetchone()[0])
    except sqlite3.Error:
        # What is wrong is told when the journal is opened.
        return 0


def _keep_copy(path: Path) -> Path | None:
    """A copy of the journal and its log in a folder beside it; None where there is no room for it."""
    folder = path.with_name(f"damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    try:
        folder.mkdir()
        for source in (path, wal_path(path)):
            shutil.copyfile(source, folder / source.name)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return folder / path.name


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
        if not path.stat().st_size:
            # Before anything is written: later it takes effect with the next VACUUM only, and wants room on the disk.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
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


def _have_it_shrink(connection: sqlite3.Connection) -> None:
    """Rewrites a file that cannot give single pages back, made by an earlier version, so that it can from then on.

    Only where that is quick or worth its time, and only what is sound: salvage wants all pages of a damaged file. A
    crash meanwhile leaves the file as it was, and so does a disk that is too full for a second copy.
    """
    if _is_incremental(connection):
        return
    free, pages = _unused(connection)
    page_bytes = connection.execute("PRAGMA page_size").fetchone()[0]
    is_worth_it = free >= _WORTH_A_REWRITE * pages and (pages - free) * page_bytes <= _LARGEST_REWRITE_BYTES
    if not (is_worth_it or pages * page_bytes <= _SMALL_BYTES):
        return
    with suppress(sqlite3.Error):
        if connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok":
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _is_incremental(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA auto_vacuum").fetchone()[0] == _INCREMENTAL)


def _unused(connection: sqlite3.Connection) -> tuple[int, int]:
    free, pages = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
    return free, pages


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
        wal = wal_path(path)
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


def make_folder(path: Path) -> None:
    """Create the folder of `path`, and synchronise it to the disk. Raises JournalError."""
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
