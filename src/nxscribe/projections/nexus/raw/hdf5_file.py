"""One raw HDF5 file: where its frames are, and whether its detector is done with it."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from nxscribe.projections.nexus.nodes import FRAME_RANK
from nxscribe.projections.nexus.raw.frames import NotYetError, RawError, status_of
from nxscribe.projections.nexus.raw.holes import Holes, holes_of

_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_USER_BLOCKS: Final = (0, 512, 1024, 2048, 4096)
"""Where the superblock may begin (HDF5 file format, II.A); larger user blocks are not looked for."""
_END_OF_FILE: Final = {0: 40, 1: 44, 2: 28, 3: 28}
"""The place of the end-of-file address in each version of the superblock, for addresses of 8 bytes."""
_MASTER: Final = "master"
"""In the name of a file among many, tells that it may lead to others."""
_DATA_LINK: Final = re.compile(r"data_\d+")
_DATA_GROUPS: Final = ("entry/data", "entry")
"""Where the Eiger's masters have the links to their data files, in the newer and the older firmware."""


@dataclass(frozen=True, slots=True)
class Source:
    """Frames of an HDF5 file."""

    path: str
    dataset: str
    """Empty: found by looking."""


def sources(paths: Sequence[str], dataset: str) -> tuple[Source, ...]:
    """The files with the frames: those that a master such as the Eiger's leads to take its place."""
    found: dict[str, Source] = {}
    led_to: set[str] = set()
    for path in paths:
        below = _led_to(path) if not dataset and (len(paths) == 1 or _MASTER in path.rpartition("/")[2]) else ()
        led_to.update(source.path for source in below)
        for source in below or (Source(path, dataset),):
            if below or path not in led_to:
                found[source.path] = source
    return tuple(found.values())


def _led_to(path: str) -> tuple[Source, ...]:
    """The data files of a master, by its external links, in their order; empty for all other files."""
    with contextlib.suppress(RawError), opened(path) as file:
        for place in _DATA_GROUPS:
            group = file.get(place)
            if not isinstance(group, h5py.Group):
                continue
            links = [group.get(name, getlink=True) for name in sorted(group) if _DATA_LINK.fullmatch(name)]
            folder = os.path.dirname(path)  # noqa: PTH120 - texts throughout
            if links and all(isinstance(link, h5py.ExternalLink) for link in links):
                return tuple(
                    Source(os.path.normpath(os.path.join(folder, link.filename)), link.path)  # noqa: PTH118
                    for link in links
                )
    return ()


class Locks:
    """Which files programs on this computer have open to write them, with the lock that HDF5 takes.

    Looked up, and not tried: a lock of ours, however short, could refuse the file to its detector.
    """

    def __init__(self) -> None:
        """As of now."""
        try:
            lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
        except OSError:
            lines = []
        self._held = frozenset(line.split()[-3] for line in lines if " WRITE " in line)

    def has(self, path: str) -> bool:
        """Whether the file is being written. Not known for those of other computers."""
        if not self._held:
            return False
        try:
            status = os.stat(path)  # noqa: PTH116 - texts throughout
        except OSError:
            return False
        return f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}" in self._held


def whole(path: str, locks: Locks | None = None) -> str:
    """See that a file is not being written. Gives why it may still grow, though all that it says is there.

    HDF5 sets a file's length when it closes it, to what the superblock says. Raises NotYetError for one that is longer
    or shorter; and for one whose writer marked it as open HDF5 itself has an error.
    """
    size = status_of(path).st_size
    if not size:
        raise NotYetError(f"{path} is empty")
    end = _end_of_file(path)
    if end is not None and size not in end:
        raise NotYetError(f"{path} has {size} bytes, where it says {end[0]}: truncated, or open in its detector")
    return f"{path} is still open in the program that writes it" if (locks or Locks()).has(path) else ""


def _end_of_file(path: str) -> tuple[int, int] | None:
    """The length that the superblock says, without and with the user block before it.

    None where there is no superblock, or one of a form that is not known.
    """
    try:
        with Path(path).open("rb") as file:
            for start in _USER_BLOCKS:
                file.seek(start)
                block = file.read(64)
                if block.startswith(_SIGNATURE):
                    place = _END_OF_FILE.get(block[8])
                    if place is None or block[13 if block[8] < 2 else 9] != 8 or len(block) < place + 8:  # noqa: PLR2004
                        return None
                    (end,) = struct.unpack_from("<Q", block, place)
                    return end, end + start
    except OSError as error:
        raise RawError(f"{path} cannot be read: {error.strerror}") from error
    return None


@contextlib.contextmanager
def opened(path: str) -> Iterator[h5py.File]:
    """A raw file, to read. Raises RawError, also for what goes wrong inside."""
    try:
        # A lock here could refuse the file to the detector that still writes it. By low-level calls, as a scan may have
        # ten thousand files.
        file = h5py.h5f.open(os.fsencode(path), h5py.h5f.ACC_RDONLY, fapl=_access())
        try:
            yield h5py.File(file)
        finally:
            file.close()
    except KeyError as error:
        raise NotYetError(f"{path} cannot be read: {error.args[0]}") from error
    except OSError as error:
        if "filter" in str(error):
            hint = "install nxscribe[raw] for compressed frames"
            raise RawError(f"{path} cannot be read: {error} ({hint})") from error
        raise NotYetError(f"{path} cannot be read: {error}") from error


@functools.cache
def _access() -> h5py.h5p.PropFAID:
    """How raw files are opened: without a lock, and so that closing one closes all that was opened in it.

    With what Eiger and Lima compress by, too. Without hdf5plugin such files are reported as unreadable.
    """
    with contextlib.suppress(ImportError):
        import hdf5plugin  # noqa: F401, PLC0415 - an extra; importing it is what registers the filters
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    access.set_file_locking(False, True)
    return access


def find_frames(file: h5py.File, dataset: str, likely: str = "") -> h5py.Dataset:
    """The frames: what the config names, else the largest dataset of numbers with two dimensions or more.

    `likely` is where they are in another file of the same series.
    """
    if likely and isinstance(node := file.get(likely), h5py.Dataset):
        return node
    if dataset:
        node = file.get(dataset)
        if not isinstance(node, h5py.Dataset):
            raise NotYetError(f"{os.fsdecode(file.filename)} has no dataset {dataset}")
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
        raise NotYetError(
            f"{os.fsdecode(file.filename)} holds no frames: no dataset of numbers with two dimensions or more"
        )
    return best[0]


def frames_written(frames: h5py.Dataset) -> int:
    """How many frames are there, from the first on: what was never written reads as zeros without an error.

    HDF5 knows which chunks it ever gave a place, the file system which of those places it ever gave data.
    """
    count = int(frames.shape[0]) if frames.ndim > FRAME_RANK else 1
    if frames.is_virtual or frames.external:
        return count
    has_place = frames.id.get_space_status() == h5py.h5d.SPACE_STATUS_ALLOCATED
    holes = holes_of(os.fsdecode(frames.file.filename))
    if has_place and not holes:
        return count
    if frames.chunks is not None:
        return min(_whole_layers(frames, holes), count)
    start = frames.id.get_offset()
    if not has_place or start is None:
        return count if has_place else 0
    size = frames.dtype.itemsize * int(np.prod(frames.shape[-FRAME_RANK:]))
    first = holes.first_frame((start + index * size for index in range(count)), size)
    return count if first is None else first


def _whole_layers(frames: h5py.Dataset, holes: Holes) -> int:
    """How many frames have all their chunks, from the first on, by whole layers of chunks."""
    is_stack = frames.ndim > FRAME_RANK
    deep = frames.chunks[0] if is_stack else 1
    rest = [-(-length // chunk) for length, chunk in zip(frames.shape, frames.chunks, strict=True)][-FRAME_RANK:]
    there: dict[int, int] = {}

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        if not holes.ends(chunk.byte_offset, chunk.size):
            layer = chunk.chunk_offset[0] // deep if is_stack else 0
            there[layer] = there.get(layer, 0) + 1

    frames.id.chunk_iter(note)
    layer = 0
    while there.get(layer, 0) == rest[0] * rest[1]:
        layer += 1
    return int(layer * deep)


def check_sources(path: str, frames: h5py.Dataset) -> None:
    """A virtual dataset reads as fill values where its sources are not: look at each. Raises RawError."""
    if not frames.is_virtual:
        return
    folder = Path(path).parent
    for name in sorted({source.file_name for source in frames.virtual_sources()} - {"."}):
        if not (folder / name).is_file():
            raise NotYetError(f"{path} shows frames of {name}, which is not there")
        whole(str(folder / name))
