"""Converts errors of SQLite into errors that tell an operator what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nxscribe.errors import JournalError, Problem

SALVAGE = "stop the daemon, keep a copy, and save what is undamaged with `nxscribe records salvage`"
"""The remedy for damage."""

_REASONS = (
    # Name of the SQLite result code (a prefix covers its extended codes), why, remedy.
    ("SQLITE_FULL", "the disk is full", "make room on the journal's disk; nothing else is needed"),
    ("SQLITE_READONLY", "the file or its folder may not be written", "give the daemon's user write access, or remount"),
    ("SQLITE_NOTADB", "the file is not a journal of nxscribe", "name another file, or move this one away"),
    (
        "SQLITE_CORRUPT",
        "a part of the file is damaged",
        SALVAGE,
    ),
    (
        "SQLITE_CANTOPEN",
        "the file or its folder is missing or may not be read, or the process has too many files open",
        "check the path, its permissions, and the process's limit of open files",
    ),
    ("SQLITE_BUSY", "another process keeps it locked", "wait, or end that process"),
    ("SQLITE_IOERR", "the disk failed, or a quota or size limit was met", "check the disk, quotas and the system log"),
)


@contextmanager
def explained(path: Path, deed: str) -> Iterator[None]:
    """A context that converts errors of SQLite into JournalError. `deed` completes the sentence "cannot …"."""
    try:
        yield
    except (sqlite3.Error, UnicodeError) as error:
        # sqlite3 fails to decode its own message when that quotes a damaged schema.
        code = "SQLITE_CORRUPT" if isinstance(error, UnicodeDecodeError) else getattr(error, "sqlite_errorname", "")
        for prefix, reason, remedy in _REASONS:
            if code.startswith(prefix):
                raise failure(path, deed, f"{reason} ({error}, {code})", remedy) from error
        raise failure(path, deed, f"{error} {code}".strip(), "see the system log") from error


def failure(path: Path, deed: str, why: str, remedy: str) -> JournalError:
    """An error of the journal, in the form that all of them have."""
    return JournalError(Problem(f"cannot {deed} the journal {path}", why, remedy))
