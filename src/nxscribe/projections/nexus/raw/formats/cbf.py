"""Raw CBF files (Pilatus): compressed by a scheme of their own, so that they can be listed only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from nxscribe.projections.nexus.raw._raw_format import RawFormat
from nxscribe.projections.nexus.raw.frames import NotYetError, unreadable

_HEADER: Final = 16384
"""Bytes that are looked at; a CBF's header is far shorter."""
_SIZE: Final = re.compile(rb"X-Binary-Size:\s*(\d+)")
_START: Final = b"\x0c\x1a\x04\xd5"
"""What stands between the header and the binary part (imgCIF, CBF 1.5)."""


class Cbf(RawFormat):
    """Crystallographic binary files."""

    name = "CBF"
    suffixes = (".cbf",)
    media_type = "image/x-cbf"
    one_frame_a_file = True

    def recognises(self, start: bytes) -> bool:
        """By the line that each begins with."""
        return start.startswith(b"###CBF")

    def check(self, path: str, size: int) -> None:
        """By the length that its header says."""
        try:
            with Path(path).open("rb") as file:
                header = file.read(_HEADER)
        except OSError as error:
            raise unreadable(path, error) from error
        length, start = _SIZE.search(header), header.find(_START)
        if length is None or start < 0:
            raise NotYetError(f"{path} has no CBF header")
        if (end := start + len(_START) + int(length[1])) > size:
            raise NotYetError(f"{path} is truncated: {size} bytes, where its header says {end}")


FORMAT: Final = Cbf()
