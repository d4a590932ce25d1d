"""Why a server cannot use the folder for the UNIX sockets of omniORB, the library with which Tango communicates."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Final

from nxscribe.errors import Problem

_VARIABLE: Final = "ORBunixTransportDirectory"
_DEFAULT: Final = "/tmp/omni-%u"  # noqa: S108 - omniORB's own
_LONGEST_PATH: Final = 107
"""Bytes of a UNIX socket's path (sun_path of unix(7)). omniORB 4.3 cuts a longer one, or aborts."""
_LONGEST_NAME: Final = len("/0000012345-1795865001")
"""Of a socket of omniORB's: the numbers of the process and of the time."""


def socket_folder_problem() -> Problem | None:
    """Why omniORB cannot make its sockets, independent of its own error; None if no reason is found."""
    folder = Path(os.environ.get(_VARIABLE, _DEFAULT).replace("%u", _user()))
    remedy = f"give it to this user, or name another folder in the environment variable {_VARIABLE}"
    if len(os.fsencode(folder)) + _LONGEST_NAME > _LONGEST_PATH:
        why = f"its name is too long: with that of a socket it has more than {_LONGEST_PATH} bytes"
        return _problem(folder, why, f"name a shorter one in the environment variable {_VARIABLE}")
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
        return _problem(folder, f"{_user()} may not write there", remedy)
    if folder.exists() and not folder.is_dir():
        return _problem(folder, "it is not a folder", f"remove it, or {remedy.partition(', or ')[2]}")
    if not folder.exists() and not _may_make(folder):
        return _problem(folder, f"{_user()} cannot make it", remedy)
    return None


def _may_make(folder: Path) -> bool:
    return folder.parent.is_dir() and os.access(folder.parent, os.W_OK | os.X_OK)


def _problem(folder: Path, why: str, remedy: str) -> Problem:
    return Problem(f"omniORB, which Tango communicates by, cannot use {folder} for its sockets", why, remedy)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
