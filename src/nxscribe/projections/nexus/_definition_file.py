"""The text of a definition, once for all entries of an experiment that were made with it.

It lies in a file of its own beside the entries, under its sha256, and each entry links to it: a definition has some
30 kB, and an experiment thousands of entries.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from nxscribe.projections import atomic
from nxscribe.projections.files import Ownership
from nxscribe.projections.nexus import _hdf5_writer as hdf5_writer
from nxscribe.projections.nexus._opening import open_to_read
from nxscribe.projections.nexus._provenance import DEFINITION, definition_text
from nxscribe.records.record import DefinitionText

_INLINE: Final = "definition"
"""Its name in entries of nxscribe 0.1.0, which held the text themselves."""

_seen: dict[Path, tuple[int, int, int]] = {}
"""Files that were read back in this process, as they were then."""


def keep(path: Path, definition: DefinitionText, time: datetime, ownership: Ownership) -> None:
    """Write the file unless it is there and holds the text. The caller has the lock of the experiment's folder.

    Args:
        path: The file.
        definition: The definition. The file holds its lines.
        time: When the file is made.
        ownership: Whose it is; it is complete at once.

    Raises:
        OSError: It cannot be written.
    """
    if _seen.get(path) == (stamp := _stamp(path)) and stamp:
        return
    if not _holds(path, definition):
        node = definition_text(definition)
        with atomic.replacing(path, ownership, complete=True) as temporary:
            with hdf5_writer.in_memory() as file:
                hdf5_writer.write_attributes(file, hdf5_writer.root_attributes(path.name, time))
                hdf5_writer.set_text(file, "definition_name", definition.name)
                hdf5_writer.write_node(file, DEFINITION, node)
                data = hdf5_writer.image(file)
            atomic.write(temporary, data)
    if stamp := _stamp(path):
        _seen[path] = stamp


def definition_in(account: h5py.Group) -> DefinitionText | None:
    """The definition that an entry was made with, by the entry's group `nxscribe`.

    None where it cannot be read, or is not what its sha256 says.
    """
    try:
        name, sha256 = (str(account[part].asstr()[()]) for part in ("definition_name", "definition_sha256"))
        lines = account[DEFINITION if DEFINITION in account else _INLINE].asstr()[()]
    except (OSError, KeyError, TypeError):
        return None
    text = "\n".join(map(str, np.atleast_1d(lines)))
    return DefinitionText(name, sha256, text) if _sha256(text) == sha256 else None


def has_definition(account: h5py.Group) -> bool:
    """Whether the entry has the text, or a link that should lead to it."""
    return any(account.get(name, getlink=True) is not None for name in (DEFINITION, _INLINE))


def _holds(path: Path, definition: DefinitionText) -> bool:
    try:
        with open_to_read(path) as file:
            return _sha256("\n".join(file[DEFINITION].asstr()[()])) == definition.sha256
    except (OSError, KeyError, TypeError):
        return False


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
