"""How HDF5 finds a file that another one names, in an external link or in a virtual dataset.

The variables HDF5_EXT_PREFIX and HDF5_VDS_PREFIX, and the working directory, are left aside: what a file shows must not
depend on who reads it. `ignore_prefixes` has HDF5 itself do so too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_PREFIXES: Final = ("HDF5_EXT_PREFIX", "HDF5_VDS_PREFIX")


def ignore_prefixes() -> None:
    """Have HDF5 look for named files in this process as `candidates` says, whatever its environment was."""
    for variable in _PREFIXES:
        os.environ.pop(variable, None)


class Finder:
    """Finds the files that one file names: thousands of them cost one look at its own folder."""

    def __init__(self, file: Path) -> None:
        """`file` is the one that names others, by the name that it was opened by."""
        # `Path.resolve` raises on rings of links.
        self._folders = tuple(dict.fromkeys((file.parent, Path(os.path.realpath(file)).parent)))

    def candidates(self, name: str) -> list[Path]:
        """Where HDF5 looks for the file that is named so, in order.

        As it stands, or from the folder of the file that names it; a name that is absolute also by its last part in
        that folder. Where that file is a symbolic link, then the same in the folder of the real file.
        (H5Pset_elink_prefix, H5Pset_virtual)
        """
        if os.path.isabs(name):  # noqa: PTH117 - a text
            return [Path(name), *(folder / os.path.basename(name) for folder in self._folders)]  # noqa: PTH119 - the same
        return [_plain(folder / name) for folder in self._folders]

    def resolve(self, name: str) -> Path | None:
        """The first of the candidates that is there. One in a folder that may not be entered is not, as for HDF5."""
        return next((path for path in self.candidates(name) if is_there(path)), None)


def candidates(name: str, file: Path) -> list[Path]:
    """The same for one name in `file`."""
    return Finder(file).candidates(name)


def resolve(name: str, file: Path) -> Path | None:
    """The same for one name in `file`."""
    return Finder(file).resolve(name)


def is_there(path: Path) -> bool:
    """Whether there is a file, as far as this process may look: `Path.is_file` raises PermissionError."""
    return os.path.isfile(path)  # noqa: PTH113 - it raises nothing


def is_shut(path: Path) -> bool:
    """Whether this user may not read a file, or may not even see whether it is there."""
    try:
        path.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return not os.access(path, os.R_OK)


def why_none(name: str, file: Path) -> str:
    """Why none of the candidates is there, as the end of a sentence."""
    shut = any(is_shut(path) for path in candidates(name, file))
    return "which this user may not see" if shut else "which is not there"


def _plain(path: Path) -> Path:
    """Without `..`, if that leads to the same place: across a symbolic link it may not."""
    if ".." not in path.parts:
        return path
    plain = Path(os.path.normpath(path))
    try:
        return plain if plain.samefile(path) else path
    except OSError:
        return plain
