"""Raw files that HDF5 cannot show: they are listed, after a look whether they are there and whole."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from nxscribe.projections.nexus.raw import edf, tiff
from nxscribe.projections.nexus.raw.folder import Sizes
from nxscribe.projections.nexus.raw.frames import ListedOnlyError, NotYetError, RawError

_HEADER: Final = 16384
"""Bytes that are looked at; a CBF's header is far shorter."""
_CBF_SIZE: Final = re.compile(rb"X-Binary-Size:\s*(\d+)")
_CBF_START: Final = b"\x0c\x1a\x04\xd5"
"""What stands between the header and the binary part (imgCIF, CBF 1.5)."""
_GZIP: Final = b"\x1f\x8b"
_LOOKS: Final = {"edf": edf.look, "tif": tiff.look, "tiff": tiff.look}
"""For compressed ones: their headers say how long they must be."""


def spoiled(paths: Sequence[str]) -> dict[str, RawError]:
    """The files that are not there, empty, short, or not what their names say, with the reason."""
    sizes = Sizes(paths)
    found: dict[str, RawError] = {}
    for path in paths:
        try:
            size = sizes.of(path)
            if not size:
                raise NotYetError(f"{path} is empty")
            _check_header(path, size)
        except RawError as error:
            found[path] = error
    return found


def _check_header(path: str, size: int) -> None:
    kind = path.rpartition(".")[2].lower()
    if look := _LOOKS.get(kind):
        # That they can only be listed is known.
        with contextlib.suppress(ListedOnlyError):
            look(path, size)
    if kind not in {"cbf", "gz"}:
        return
    try:
        with Path(path).open("rb") as file:
            header = file.read(_HEADER if kind == "cbf" else len(_GZIP))
    except OSError as error:
        raise RawError(f"{path} cannot be read: {error.strerror}") from error
    if kind == "gz":
        if header != _GZIP:
            raise NotYetError(f"{path} is no gzip file")
        return
    length, start = _CBF_SIZE.search(header), header.find(_CBF_START)
    if length is None or start < 0:
        raise NotYetError(f"{path} has no CBF header")
    if (end := start + len(_CBF_START) + int(length[1])) > size:
        raise NotYetError(f"{path} is truncated: {size} bytes, where its header says {end}")
