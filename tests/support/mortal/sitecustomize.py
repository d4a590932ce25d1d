"""Kills the process that it is imported into at a named point, once: the tests' way to crash daemon and writer.

Python imports it at start where this folder is on PYTHONPATH, which only tests do; the program knows nothing of it.
The file that NXSCRIBE_TEST_DEATH names holds `ROLE POINT N`: the process of that role kills itself when it comes to
that point for the N-th time since the file was last written. The file is removed first, so that a death is died once.
With the role `spinner`, the writer works there for ever instead.

Points are `STEP WHAT before|after`: `open|write|fsync|chmod|rename entry|master|folder`, of the writer, and `begin|
commit|create journal`, of both. `write … before` is in the middle of the write. `look raw before`,
of the writer, is where it has a raw HDF5 file open and looks for parts of it that were never written.
"""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import sys
from pathlib import Path

ORDER = os.environ.get("NXSCRIBE_TEST_DEATH", "")
ROLE = "writer" if "nxscribe.projections.writer" in sys.orig_argv else "daemon" if "run" in sys.orig_argv else ""
ROLES = {"writer", "spinner"} if ROLE == "writer" else {ROLE}
TEMPORARY = ".nxscribe-writing"

_stat, _unlink, _read = os.stat, os.unlink, Path.read_text
_seen: dict[tuple[int, str], int] = {}


def point(name: str) -> None:
    """The end, if this is where it was ordered."""
    try:
        order = _stat(ORDER).st_mtime_ns
        role, *ordered, number = _read(Path(ORDER)).split()
    except (OSError, ValueError):
        return
    if role in ROLES and " ".join(ordered) == name:
        _seen[order, name] = _seen.get((order, name), 0) + 1
        if _seen[order, name] >= int(number):
            _unlink(ORDER)
            while role == "spinner":
                pass
            os.kill(os.getpid(), signal.SIGKILL)


def what(path: object) -> str:
    if Path(str(path)).is_dir():
        return "folder"
    return "entry" if "_entries/" in str(path) else "master"


def around(function, name):
    def call(*arguments, **options):
        which = what(name(*arguments))
        point(f"{function.__name__} {which} before")
        result = function(*arguments, **options)
        point(f"{function.__name__} {which} after")
        return result

    return call


class Halting:
    """A file whose writes can stop in the middle."""

    def __init__(self, file, which: str) -> None:
        self._file, self._which = file, which

    def __enter__(self):
        self._file.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._file.__exit__(*error)

    def write(self, content: bytes) -> int:
        self._file.write(content[: len(content) // 2])
        self._file.flush()
        point(f"write {self._which} before")
        self._file.write(content[len(content) // 2 :])
        self._file.flush()
        point(f"write {self._which} after")
        return len(content)

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)


def looking(path, flags, *arguments, **options):
    # Nothing else asks for a file in this way.
    if flags == os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC:
        point("look raw before")
    return _look(path, flags, *arguments, **options)


def opening(path, mode="r", *arguments, **options):
    file = _open(path, mode, *arguments, **options)
    if str(path).endswith(TEMPORARY) and mode == "xb":
        point(f"open {what(path)} after")
        return Halting(file, what(path))
    return file


class Mortal(sqlite3.Connection):
    def execute(self, statement, *arguments):
        step = next((step for step in ("BEGIN IMMEDIATE", "COMMIT", "CREATE") if statement.startswith(step)), "")
        step = step.split(" ", maxsplit=1)[0].lower()
        if step:
            point(f"{step} journal before")
        result = super().execute(statement, *arguments)
        if step:
            point(f"{step} journal after")
        return result


def connecting(*arguments, **options):
    return _connect(*arguments, **{"factory": Mortal, **options})


if ORDER and ROLE:
    _open, _connect, _look = io.open, sqlite3.connect, os.open
    os.open = looking
    io.open, sqlite3.connect = opening, connecting
    os.fsync = around(os.fsync, lambda descriptor: Path(f"/proc/self/fd/{descriptor}").readlink())
    os.chmod = around(os.chmod, lambda path, *_: path)
    os.rename = around(os.rename, lambda _, path: path)
    os.replace = around(os.replace, lambda _, path: path)
