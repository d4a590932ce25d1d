"""One raw HDF5 file: whether its detector is done with it, and which of its frames are written."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import h5py
import numpy as np
import numpy.typing as npt

from nxscribe.projections.nexus.nodes import FRAME_RANK
from nxscribe.projections.nexus.raw._holes import Holes, holes_of
from nxscribe.projections.nexus.raw.frames import NotYetError, RawError, status_of, unreadable

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
USER_BLOCKS: Final = (0, 512, 1024, 2048, 4096)
"""Where HDF5's superblock may begin (HDF5 file format, II.A); larger user blocks are not looked for."""
_END_OF_FILE: Final = {0: 40, 1: 44, 2: 28, 3: 28}
"""The place of the end-of-file address in each version of the superblock, for addresses of 8 bytes."""


class Locks:
    """Which files programs on this computer have open to write them, with the lock that HDF5 takes.

    Looked up, and not tried: a lock of ours, however short, could refuse the file to its detector.
    """

    @functools.cached_property
    def _held(self) -> frozenset[str]:
        """As of when it is first asked for: most files need no look at all."""
        try:
            lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
        except OSError:
            lines = []
        return frozenset(line.split()[-3] for line in lines if " WRITE " in line)

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
            for start in USER_BLOCKS:
                file.seek(start)
                block = file.read(64)
                if block.startswith(SIGNATURE):
                    place = _END_OF_FILE.get(block[8])
                    if place is None or block[13 if block[8] < 2 else 9] != 8 or len(block) < place + 8:  # noqa: PLR2004
                        return None
                    (end,) = struct.unpack_from("<Q", block, place)
                    return end, end + start
    except OSError as error:
        raise unreadable(path, error) from error
    return None


@contextlib.contextmanager
def opened(path: str, source_of: h5py.File | None = None) -> Iterator[h5py.File]:
    """A raw file, to read. Raises RawError, also for what goes wrong inside.

    One that is the `source_of` another, which is open, is opened just as HDF5 itself may have it open for that.
    """
    status_of(path)
    try:
        # A lock here could refuse the file to the detector that still writes it. By low-level calls, as a scan may have
        # ten thousand files.
        file = h5py.h5f.open(
            os.fsencode(path), h5py.h5f.ACC_RDONLY, fapl=_access_behind(source_of) if source_of else _access()
        )
        view = h5py.File(file)
        try:
            yield view
        finally:
            # `view` has an identifier of its own, which an error's trace back would keep open.
            view.id.close()
            file.close()
    except KeyError as error:
        raise NotYetError(f"{path} cannot be read: {error.args[0]}") from error
    except OSError as error:
        if "filter" in str(error):
            hint = "hdf5plugin does not have its compression: name the folder of its plugin in HDF5_PLUGIN_PATH"
            raise RawError(f"{path} cannot be read: {error} ({hint})") from error
        raise NotYetError(f"{path} cannot be read: {error}") from error


def _access_behind(file: h5py.File) -> h5py.h5p.PropFAID:
    """How HDF5 opens the sources of a file: one file cannot be open in two ways at once."""
    access = file.id.get_access_plist()
    access.set_fclose_degree(h5py.h5f.CLOSE_WEAK)
    return access


@functools.cache
def _access() -> h5py.h5p.PropFAID:
    """How raw files are opened: without a lock, and so that closing one closes all that was opened in it."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    access.set_file_locking(False, True)
    return access


def frames_there(frames: h5py.Dataset, rank: int = FRAME_RANK) -> npt.NDArray[np.bool_]:
    """Which frames of a dataset that lies in its file were written: others read as zeros without an error.

    HDF5 knows which chunks it ever gave a place, the file system which of those places it ever gave data. `rank` is how
    many dimensions a frame has.
    """
    is_stack = frames.ndim > rank
    count = int(frames.shape[0]) if is_stack else 1
    has_place = frames.id.get_space_status() == h5py.h5d.SPACE_STATUS_ALLOCATED
    holes = holes_of(os.fsdecode(h5py.h5f.get_name(frames.id)))
    if has_place and not holes:
        return np.ones(count, np.bool_)
    if frames.chunks is not None:
        return _in_whole_layers(frames, holes, is_stack=is_stack)[:count]
    start = frames.id.get_offset()
    if not has_place or start is None:
        return np.full(count, has_place)
    size = frames.dtype.itemsize * math.prod(frames.shape[1:] if is_stack else frames.shape)
    return np.asarray([not holes.ends(start + index * size, size) for index in range(count)], np.bool_)


def _in_whole_layers(frames: h5py.Dataset, holes: Holes, *, is_stack: bool) -> npt.NDArray[np.bool_]:
    """Which frames have all their chunks, by whole layers of chunks."""
    deep = frames.chunks[0] if is_stack else 1
    chunks = [-(-length // chunk) for length, chunk in zip(frames.shape, frames.chunks, strict=True)]
    there = np.zeros(chunks[0] if is_stack else 1, np.int64)

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        if not holes.ends(chunk.byte_offset, chunk.size):
            there[chunk.chunk_offset[0] // deep if is_stack else 0] += 1

    frames.id.chunk_iter(note)
    return np.repeat(there == math.prod(chunks[1:] if is_stack else chunks), deep)
