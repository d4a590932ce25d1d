"""Raw HDF5 files: an external link to one, a virtual dataset over several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from nxscribe.projections.nexus.nodes import ExternalLinkNode, FrameSource, VirtualNode
from nxscribe.projections.nexus.raw.frames import Frames, RawError
from nxscribe.projections.nexus.raw.names import Names

_MOST_SOURCES: Final = 500
"""Of a virtual dataset: each source file stays open while it is read, and past the open-file limit (1,024 by default)
HDF5 gives fill values without an error."""


def link(paths: Sequence[Path], dataset: str, names: Names) -> Frames:
    """The frames of HDF5 files that exist. Raises RawError."""
    found = [_look(path, dataset) for path in paths]
    if len(paths) == 1:
        path, shape, _ = found[0]
        return Frames(ExternalLinkNode(names.from_container(paths[0]), path, shape))
    if len(paths) > _MOST_SOURCES:
        raise RawError(f"{len(paths)} files are more than a virtual dataset can hold open ({_MOST_SOURCES})")
    kinds = {(shape[-2:], dtype) for _, shape, dtype in found}
    if len(kinds) > 1:
        raise RawError(f"the files differ in frame size or type: {', '.join(map(str, sorted(kinds, key=str)))}")
    frame, dtype = kinds.pop()
    sources = tuple(
        FrameSource(names.from_container(path), own, shape, index)
        for path, (own, shape, _) in zip(paths, found, strict=True)
        for index in range(shape[0] if len(shape) > 2 else 1)  # noqa: PLR2004 - frames, rows, columns
    )
    return Frames(VirtualNode((len(sources), *frame), dtype.str, sources, _fill(dtype)))


def _look(path: Path, dataset: str) -> tuple[str, tuple[int, ...], np.dtype[np.generic]]:
    """Path, shape and type of the frames in a file, whose first and last were read."""
    try:
        # A lock here could refuse the file to the detector that still writes it.
        with h5py.File(path, "r", locking=False) as file:
            frames = _find(file, dataset)
            shape = frames.shape
            if not frames.size:
                raise RawError(f"{path} holds no frames yet")
            _check_sources(path, frames)
            if len(shape) > 2:  # noqa: PLR2004 - frames, rows, columns
                frames[0], frames[-1]
            return frames.name, shape, frames.dtype
    except (OSError, KeyError) as error:
        raise RawError(f"{path} cannot be read: {error}") from error


def _find(file: h5py.File, dataset: str) -> h5py.Dataset:
    """The frames: what the config names, else the largest dataset of numbers with two dimensions or more."""
    if dataset:
        node = file.get(dataset)
        if not isinstance(node, h5py.Dataset):
            raise RawError(f"{file.filename} has no dataset {dataset}")
        return node
    best: list[h5py.Dataset] = []

    def look(_: str, node: object) -> None:
        if isinstance(node, h5py.Dataset) and node.ndim > 1 and node.dtype.kind in "iuf":
            if not best:
                best.append(node)
            elif node.size > best[0].size:
                best[0] = node

    file.visititems(look)
    if not best:
        raise RawError(f"{file.filename} holds no frames: no dataset of numbers with two dimensions or more")
    return best[0]


def _check_sources(path: Path, frames: h5py.Dataset) -> None:
    """A virtual dataset reads as fill values where its sources are not: look at each."""
    if not frames.is_virtual:
        return
    for name in {source.file_name for source in frames.virtual_sources()} - {"."}:
        if not (path.parent / name).is_file():
            raise RawError(f"{path} shows frames of {name}, which is not there")


def _fill(dtype: np.dtype[np.generic]) -> float:
    """What a frame reads as whose file is gone: a value that no detector counts to."""
    if dtype.kind == "f":
        return float("nan")
    bits = 8 * dtype.itemsize
    return 2.0**bits - 1 if dtype.kind == "u" else -(2.0 ** (bits - 1))
