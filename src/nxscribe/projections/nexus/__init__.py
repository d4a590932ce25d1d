"""From a record to its NeXus entry: values and tree, raw links, the file, the master, verification by reopening.

Only here is h5py imported, so that the daemon's own process never loads HDF5. `write_nexus` is the daemon's; the rest
is for those who look after files: held against their records, made again, packed for the archive.
"""

from nxscribe.projections.files import FileSettings, Layout, Written
from nxscribe.projections.nexus.changes import Changes, compare
from nxscribe.projections.nexus.inspection import belongs_to_another, inspect_entry, unknown_entries
from nxscribe.projections.nexus.pack import Packed, pack
from nxscribe.projections.nexus.project import write_nexus
from nxscribe.projections.nexus.remake import mend, remake

__all__ = [
    "Changes",
    "FileSettings",
    "Layout",
    "Packed",
    "Written",
    "belongs_to_another",
    "compare",
    "inspect_entry",
    "mend",
    "pack",
    "remake",
    "unknown_entries",
    "write_nexus",
]
