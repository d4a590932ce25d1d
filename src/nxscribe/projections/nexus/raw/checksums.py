"""Checksums of raw files that can only be listed, because no link to their pixels would show a change."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nxscribe.projections.nexus._opening import open_to_read
from nxscribe.projections.nexus.raw.entry_paths import EntryPaths

ALGORITHM: Final = "sha256"
_BLOCK: Final = 1 << 22
"""Bytes that are read at once."""


def checksum_of(path: Path | str, until: float = math.inf) -> str:
    """A file's SHA-256, in hexadecimal digits; empty where it was not made `until` then, on the monotonic clock.

    Raises OSError.
    """
    digest = hashlib.new(ALGORITHM)
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            if time.monotonic() > until:
                return ""
            digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _State:
    """What tells that a file was written."""

    size: int
    modified_s: float
    """UNIX time."""


def _state(path: str) -> _State | None:
    """None where it is not there."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return _State(status.st_size, status.st_mtime)


class Checksums:
    """Those of one scan's files, as far as they can be made in a given time: the next attempt goes on from there."""

    def __init__(self, names: EntryPaths, most_s: float) -> None:
        """`most_s` is how long the files of all detectors together may take, in s. The last that is begun by then may
        take as long again: one that takes longer stays without.
        """
        self._names = names
        self._until = time.monotonic() + most_s
        self._at_most = self._until + most_s

    def of(self, group: str, paths: Sequence[str], spoiled: AbstractSet[str] = frozenset()) -> list[str]:
        """For each file its checksum, empty where it was not made or cannot be. Those of `spoiled` are not whole, and
        get none.

        What the entry that is there says of a file stands, unless the file was written since: so a file that was
        damaged later does not get a checksum that fits.
        """
        known, known_at = self._known(group)
        before = {path: _state(path) for path in paths}
        made: dict[str, str] = {}
        for path, state in before.items():
            said = known.get(self._names.from_master(path), "")
            if said and state and state.modified_s <= known_at:
                made[path] = said
            elif state and path not in spoiled:
                made[path] = self._make(path)
        # One that was still being written is hashed when it is whole: what was made of a part of it would stand.
        return [made.get(path, "") if _state(path) == before[path] else "" for path in paths]

    def _make(self, path: str) -> str:
        try:
            return checksum_of(path, self._at_most) if time.monotonic() < self._until else ""
        except OSError:
            return ""

    def _known(self, group: str) -> tuple[Mapping[str, str], float]:
        """What the entry says, by the files' names in it, and when it was written (UNIX time)."""
        container = self._names.container
        try:
            with open_to_read(container) as file:
                note = file[self._names.entry][group]["data_file"]
                texts = (note[name].asstr()[()].tolist() for name in ("file_name", "checksum"))
                return dict(zip(*texts, strict=True)), container.stat().st_mtime
        except (OSError, KeyError, ValueError):
            return {}, 0.0
