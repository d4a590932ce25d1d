"""Raw HDF5 files: an external link to one, a virtual dataset over several."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus.nodes import FRAME_RANK, ExternalLinkNode, FrameSource, VirtualNode
from nxscribe.projections.nexus.raw.frames import Frames, RawError, size_of, unlike_counts
from nxscribe.projections.nexus.raw.names import Names

_MOST_SOURCES: Final = 500
"""Of a virtual dataset: each source file stays open while it is read, and past the open-file limit (1,024 by default)
HDF5 gives fill values without an error."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The frames of one file."""

    path: Path
    dataset: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    @property
    def kind(self) -> str:
        return f"{self.dtype} frames of {self.shape[-FRAME_RANK:]}"


def link(paths: Sequence[Path], dataset: str, names: Names) -> Frames:
    """The frames of HDF5 files, up to the first that is not whole. Raises RawError where that is the first of all."""
    if len(paths) == 1:
        part = _look(paths[0], dataset)
        _read(part, -1)
        return Frames(ExternalLinkNode(names.from_container(part.path), part.dataset, part.shape), 1)
    parts, spoiled = [_look(paths[0], dataset)], ""
    for path in paths[1:]:
        try:
            part = _look(path, dataset)
            if len(parts) == _MOST_SOURCES:
                raise RawError(f"a virtual dataset over more than {_MOST_SOURCES} files can read as fill values")
            if part.kind != parts[0].kind:
                raise RawError(f"{path} holds {part.kind}, where the first file holds {parts[0].kind}")
        except RawError as error:
            spoiled = str(error)
            break
        parts.append(part)
    sources = tuple(FrameSource(names.from_container(part.path), part.dataset, part.shape) for part in parts)
    dtype = parts[0].dtype
    node = VirtualNode(dtype.str, sources, unlike_counts(dtype))
    node.samples = {0: _read(parts[0], 0), node.shape[0] - 1: _read(parts[-1], -1)}
    return Frames(node, len(parts), spoiled=spoiled)


def _look(path: Path, dataset: str) -> _Part:
    """The frames of a file that is there and, as HDF5 checks at opening, not truncated. Raises RawError."""
    size_of(path)
    with _opened(path) as file:
        frames = _find(file, dataset)
        if not frames.size:
            raise RawError(f"{path} holds no frames yet")
        if frames.ndim not in {FRAME_RANK, FRAME_RANK + 1}:
            raise RawError(f"{path}: {frames.name} has {frames.ndim} dimensions, where frames have two or three")
        _check_sources(path, frames)
        return _Part(path, frames.name, frames.shape, frames.dtype)


def _read(part: _Part, index: int) -> Value:
    """One frame. Raises RawError where it cannot be decoded."""
    with _opened(part.path) as file:
        frames = file[part.dataset]
        return np.asarray(frames[index] if frames.ndim > FRAME_RANK else frames[()])


def _load_filters() -> None:
    """Let HDF5 read what Eiger and Lima compress. Without hdf5plugin such files are reported as unreadable."""
    with contextlib.suppress(ImportError):
        import hdf5plugin  # noqa: F401, PLC0415 - an extra; importing it is what registers the filters


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    _load_filters()
    try:
        # A lock here could refuse the file to the detector that still writes it.
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except (OSError, KeyError) as error:
        hint = " (install nxscribe[raw] for compressed frames)" if "filter" in str(error) else ""
        raise RawError(f"{path} cannot be read: {error}{hint}") from error


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
