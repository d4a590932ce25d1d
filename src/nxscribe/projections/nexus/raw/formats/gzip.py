"""Raw files that were compressed as a whole by gzip, whatever is in them: they can be listed only."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from nxscribe.projections.nexus.raw._raw_format import RawFormat
from nxscribe.projections.nexus.raw.frames import NotYetError, unreadable

_MAGIC: Final = b"\x1f\x8b"


class Gzip(RawFormat):
    """Any file in gzip's form (RFC 1952)."""

    name = "gzip"
    suffixes = (".gz",)
    media_type = "application/gzip"

    def recognises(self, start: bytes) -> bool:
        """By its magic number."""
        return start.startswith(_MAGIC)

    def check(self, path: str, size: int) -> None:  # noqa: ARG002 - the protocol has more than this format needs
        """See that its contents are what its name says; only unpacking it would show more."""
        try:
            with Path(path).open("rb") as file:
                start = file.read(len(_MAGIC))
        except OSError as error:
            raise unreadable(path, error) from error
        if not self.recognises(start):
            raise NotYetError(f"{path} is not a gzip file")


FORMAT: Final = Gzip()
