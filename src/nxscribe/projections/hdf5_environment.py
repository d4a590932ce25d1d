"""The environment variables with which all processes of nxscribe use HDF5, independent of the user's environment."""

from __future__ import annotations

import os


def prepare() -> None:
    """Set the variables that HDF5 reads when it starts. This must be called before h5py is imported.

    No file is locked: even a short lock could prevent a detector from opening its own raw file, and
    HDF5_USE_FILE_LOCKING has priority over the setting for each file. Relative names in external storage start at the
    folder of the file that contains them, and not at the working directory.
    """
    os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"
    os.environ["HDF5_EXTFILE_PREFIX"] = "${ORIGIN}"
