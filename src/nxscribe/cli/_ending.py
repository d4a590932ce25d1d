"""The end of every command: errors become messages and exit statuses here.

| exit status | means |
| --- | --- |
| 0 | done |
| 1 | not done, or something is wrong with what was looked at; a message says what, why, and what to do |
| 2 | the command was typed wrongly; `check`: the config cannot be read at all |
| 70 | an error in nxscribe itself (EX_SOFTWARE of sysexits.h); its trace back is stored in a file |
| 130 | ended by Ctrl-C |
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

from nxscribe.errors import NxscribeError, Problem

FAILED: Final = 1
FAULT: Final = 70
INTERRUPTED: Final = 130
DEBUG: Final = "NXSCRIBE_DEBUG"
"""If this variable is set, the trace back of every error is printed."""

_ANOTHER_USER: Final = "run it as a user who may, or have the permissions changed"
_REMEDIES: Final = {
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path: a part of it is not a folder",
    errno.EISDIR: "name a file, not a folder",
    errno.EEXIST: "name another one, or move it away",
    errno.ENAMETOOLONG: "take a shorter name",
    errno.ELOOP: "correct the symbolic links",
    errno.EACCES: _ANOTHER_USER,
    errno.EPERM: _ANOTHER_USER,
    errno.EROFS: "name a place that can be written",
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room, or have the quota raised",
}


def ended(command: Callable[[], object], *, as_daemon: bool = False) -> int:
    """Run a command, and turn every exception into a message and an exit status.

    Args:
        command: What to run. It may leave by SystemExit, as click does.
        as_daemon: Whether standard error is a log, so that a trace back is written to it and not to a file.

    Returns:
        The exit status.
    """
    try:
        status = _status_of(command)
        sys.stdout.flush()  # a full disk behind it shows here at the latest
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _drop_output()
        return FAILED
    except NxscribeError as error:
        return _told(*error.problems)
    except OSError as error:
        _drop_output()
        return _told(_problem(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, its user gets a message
        _told(_fault(error, as_daemon=as_daemon))
        return FAULT
    return status


def leave(status: int) -> NoReturn:
    """End the process at once, without waiting for its threads. The output is flushed before."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def _status_of(command: Callable[[], object]) -> int:
    try:
        command()
    except SystemExit as end:
        if isinstance(end.code, str):
            return _told(Problem(end.code))
        return end.code or 0
    return 0


def _told(*problems: Problem) -> int:
    from nxscribe.cli._problem_view import print_problems

    if os.environ.get(DEBUG):
        import traceback

        traceback.print_exc()
    with suppress(OSError):  # who closed standard error wants to hear nothing
        print_problems(problems)
        sys.stderr.flush()
    return FAILED


def _drop_output() -> None:
    """Discard what is still to be printed. Python would try to print it again at its end, and report the failure."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _problem(error: OSError) -> Problem:
    """An error of the operating system as a problem."""
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    where = f"cannot use {' or '.join(names)}" if names else "cannot read or write"
    remedy = _REMEDIES.get(error.errno or 0, "see the system log")
    return Problem(where, error.strerror or str(error) or type(error).__name__, remedy)


def _fault(error: Exception, *, as_daemon: bool) -> Problem:
    """A fault of nxscribe itself; its trace back is written to a file for the report."""
    import tempfile
    import traceback

    what = f"nxscribe has failed in a way that was not foreseen: {type(error).__name__}: {error}"
    trace = "".join(traceback.format_exception(error))
    if not as_daemon:
        with suppress(OSError):
            with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", errors="backslashreplace", prefix="nxscribe-fault-", suffix=".txt", delete=False
            ) as file:
                file.write(f"{sys.argv}\n{trace}")
            return Problem(what, f"the trace back is in {file.name}", "please report it with that file")
    with suppress(OSError):
        sys.stderr.write(trace)
    return Problem(what, "the trace back is above", "please report it with this text")
