"""How files are opened to be read: without a lock, and only what is a file."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

import h5py


def open_to_read(path: Path) -> h5py.File:
    """An HDF5 file, without a lock. Raises OSError, also for a named pipe or a device, which HDF5 would wait for."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is a folder, a named pipe or a device, and no regular file", str(path))
    return h5py.File(path, "r", locking=False)
