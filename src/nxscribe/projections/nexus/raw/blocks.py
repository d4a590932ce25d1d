"""Frames of formats that store them as they are: what the file of every such format has in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from nxscribe.model import Value
from nxscribe.projections.nexus.raw import outside
from nxscribe.projections.nexus.raw.folder import Sizes
from nxscribe.projections.nexus.raw.frames import Frames, NotYetError, RawError
from nxscribe.projections.nexus.raw.names import Names
from nxscribe.projections.nexus.raw.outside import Block, Stack


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the frames lie in a file, and what they are."""

    offsets: tuple[int, ...]
    shape: tuple[int, ...]
    """Of one frame."""
    dtype: str
    """In numpy's form, byte order included: `>u2`."""


class Format(Protocol):
    """A format whose frames lie in the file as they are in memory, or in the other byte order."""

    def look(self, path: str, size: int) -> Layout:
        """The layout of a file of `size` bytes, by its headers. Raises RawError, NotYetError for what is not whole."""

    def frames(self, path: str, indices: Sequence[int]) -> list[Value]:
        """Frames of a file, by index, as the format's own library reads them. Raises RawError."""


def link(file_format: Format, detector: str, paths: Sequence[str], names: Names) -> Frames:
    """The frames of all files up to the first that is not whole. Raises RawError where that is the first of all."""
    sizes = Sizes(paths)
    whole, spoiled = _layouts(file_format, paths, sizes, trust_size=True)
    if not whole:
        raise spoiled or RawError("no files")
    last = paths[len(whole) - 1]
    if len(whole) > 1 and file_format.look(last, sizes.of(last)) != whole[-1]:
        whole, spoiled = _layouts(file_format, paths, sizes, trust_size=False)
        last = paths[len(whole) - 1]
    blocks = [Block(path, offset) for path, layout in zip(paths, whole, strict=False) for offset in layout.offsets]
    ends = [0, len(whole[-1].offsets) - 1]
    one, other = (
        file_format.frames(last, ends)
        if len(whole) == 1
        else (*file_format.frames(paths[0], ends[:1]), *file_format.frames(last, ends[1:]))
    )
    stack = Stack(blocks, whole[0].shape, whole[0].dtype, {0: one, len(blocks) - 1: other})
    return outside.store(detector, stack, names, [len(layout.offsets) for layout in whole], spoiled)


def _layouts(
    file_format: Format, paths: Sequence[str], sizes: Sizes, *, trust_size: bool
) -> tuple[list[Layout], RawError | None]:
    """The layouts of the files up to the first that is not whole, and what is wrong with that.

    Files of one size share their layout, if that is to be trusted: a header that was longer, or frames that were
    larger, would show in the size. So of 10,000 files few are opened.
    """
    known: dict[int, Layout] = {}
    whole: list[Layout] = []
    for path in paths:
        try:
            size = sizes.of(path)
            layout = known.get(size) if trust_size else None
            if layout is None:
                if not size:
                    raise NotYetError(f"{path} is empty")
                layout = known[size] = file_format.look(path, size)
                _check_same(path, layout, (whole or [layout])[0])
        except RawError as error:
            return whole, error
        whole.append(layout)
    return whole, None


def _check_same(path: str, layout: Layout, first: Layout) -> None:
    if (layout.shape, layout.dtype) != (first.shape, first.dtype):
        kinds = [f"{one.dtype} frames of {one.shape}" for one in (layout, first)]
        raise RawError(f"{path} holds {kinds[0]}, where the first file holds {kinds[1]}")
