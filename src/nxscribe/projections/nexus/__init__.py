"""From a record to its NeXus entry: values and tree, raw links, the file, the master, verification by reopening.

Only here is h5py imported, so that the daemon's own process never loads HDF5.
"""

from nxscribe.projections.files import FileSettings, Layout, Written
from nxscribe.projections.nexus.project import write_nexus

__all__ = ["FileSettings", "Layout", "Written", "write_nexus"]
