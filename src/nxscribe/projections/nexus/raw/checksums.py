"""Checksums of raw files that are only listed: no link to their pixels would show that they changed."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import h5py

from nxscribe.projections.nexus.raw.names import Names

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


class Checksums:
    """Those of one scan's files, as far as they can be made in a given time: the next attempt goes on from there."""

    def __init__(self, names: Names, most_s: float) -> None:
        """`most_s` is how long the files of all detectors together may take, in s. The last that is begun by then may
        take as long again: one that takes longer stays without.
        """
        self._names = names
        self._until = time.monotonic() + most_s
        self._at_most = self._until + most_s

    def of(self, group: str, paths: Sequence[str]) -> list[str]:
        """For each file its checksum, empty where it was not made or cannot be.

        What the entry that is there says of a file stands, unless the file was written since: so a file that was
        damaged later does not get a checksum that fits.
        """
        known, known_at = self._known(group)
        return [self._one(path, known.get(self._names.from_master(path), ""), known_at) for path in paths]

    def _one(self, path: str, known: str, known_at: float) -> str:
        try:
            if known and Path(path).stat().st_mtime <= known_at:
                return known
            return checksum_of(path, self._at_most) if time.monotonic() < self._until else ""
        except OSError:
            return ""

    def _known(self, group: str) -> tuple[Mapping[str, str], float]:
        """What the entry says, by the files' names in it, and when it was written (UNIX time)."""
        container = self._names.container
        try:
            with h5py.File(container, "r", locking=False) as file:
                note = file[self._names.entry][group]["data_file"]
                texts = (note[name].asstr()[()].tolist() for name in ("file_name", "checksum"))
                return dict(zip(*texts, strict=True)), container.stat().st_mtime
        except (OSError, KeyError, ValueError):
            return {}, 0.0
