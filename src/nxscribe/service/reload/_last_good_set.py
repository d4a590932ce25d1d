"""The last valid set on the disk, so that a daemon can start even if the present files have errors.

The files are stored unchanged in a ZIP archive, which people can open, too. They are read from there as if they were at
their own paths. Therefore a newer nxscribe does not depend on what an older one made from them.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nxscribe
from nxscribe.definitions.file_access import FileRead, ReplayedFiles
from nxscribe.errors import InputError, Problem
from nxscribe.model import iso, now
from nxscribe.projections.atomic import sync
from nxscribe.service.beamline import Beamline, load_beamline
from nxscribe.service.config import load_config

KEPT: Final = "last-good-set.zip"
"""The name of the archive in the folder of the journal."""
_ACCOUNT: Final = "kept.json"
_FORMAT: Final = 1
_ANY_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The time of each member of the archive. The clock of a computer can be earlier than the earliest time of ZIP."""


@dataclass(frozen=True, slots=True)
class KeptSet:
    """The set that was stored."""

    beamline: Beamline
    read: Mapping[str, FileRead]
    since: str
    """When it came into force, in UTC (ISO 8601)."""


def keep(folder: Path, config: Path, read: Mapping[str, FileRead]) -> None:
    """Store the files of a set in `folder`, and sync them to the disk. `config` is one of them. Raises OSError."""
    account = {
        "format": _FORMAT,
        "nxscribe": nxscribe.__version__,
        "since": iso(now()),
        "config": str(config),
        "files": {path: file.real for path, file in read.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{KEPT}.new"
    with new.open("wb") as file:
        try:
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr(zipfile.ZipInfo(_ACCOUNT, _ANY_TIME), json.dumps(account, indent=2))
                for path, one in read.items():
                    if one.content is not None:
                        archive.writestr(zipfile.ZipInfo(_member(path), _ANY_TIME), one.content)
        except ValueError as error:
            # A file name that is not UTF-8, for instance.
            raise OSError(f"it does not fit into {KEPT}: {error}") from error
    sync(new)
    new.replace(folder / KEPT)
    sync(folder)


def recall(folder: Path, config: Path) -> KeptSet | None:
    """The set of the config at `config` that is stored in `folder`; None if there is none.

    Raises:
        InputError: The stored set cannot be used, with the reason.
    """
    try:
        with zipfile.ZipFile(folder / KEPT) as archive:
            account = json.loads(archive.read(_ACCOUNT))
            if account["format"] != _FORMAT:
                raise _useless(folder, f"nxscribe {account['nxscribe']} wrote it in another way")
            there = set(archive.namelist())
            read = {
                path: FileRead(real, archive.read(_member(path)) if _member(path) in there else None)
                for path, real in account["files"].items()
            }
    except FileNotFoundError:
        return None
    except InputError:
        raise
    except Exception as error:
        # A bit that flipped has zipfile and zlib raise all sorts: whichever it is, the archive is of no use.
        raise _useless(folder, f"it cannot be read: {error}") from error
    if account["config"] != str(config):
        raise _useless(folder, f"it is of another config, {account['config']}")
    files = ReplayedFiles(read)
    try:
        return KeptSet(load_beamline(load_config(config, files), files), read, str(account.get("since")))
    except InputError as error:
        raise _useless(folder, f"this version of nxscribe refuses it: {error.problems[0]}") from error


def _member(path: str) -> str:
    return f"files/{path.lstrip('/')}"


def _useless(folder: Path, why: str) -> InputError:
    return InputError(
        Problem(f"the last good set, kept in {folder / KEPT}, is of no use here", why, "correct the files themselves")
    )
