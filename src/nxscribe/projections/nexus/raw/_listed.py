"""Raw files that HDF5 cannot show: they are listed, after a look whether they are there and whole."""

from __future__ import annotations

from collections.abc import Sequence

from nxscribe.projections.nexus.raw._folder import Sizes
from nxscribe.projections.nexus.raw._recognition import format_of_each
from nxscribe.projections.nexus.raw.frames import NotYetError, RawError


def spoiled(paths: Sequence[str]) -> dict[str, RawError]:
    """The files that are not there, empty, short, or not what their contents or names say, with the reason."""
    sizes, known = Sizes(paths), format_of_each(paths)
    found: dict[str, RawError] = {}
    for path in paths:
        try:
            size = sizes.of(path)
            if not size:
                raise NotYetError(f"{path} is empty")
            known[path].check(path, size)
        except RawError as error:
            found[path] = error
    return found
