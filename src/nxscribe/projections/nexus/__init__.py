"""NeXus files: from a record to its entry in the master file. Only this package imports h5py.

`write_nexus` makes the entry of one record, and is what the daemon's writer process calls. The other names are for
commands that look after files: they compare files with records, make them again, and pack them. The modules:

- `tree`: from a record and its definition to the tree of the entry
- `nodes`: the nodes of this tree, with every name, value and attribute
- `raw`: the package that links raw files
- `outline`: the contents of a file as a reader sees them
- `remake`: makes files again
- `pack`: makes one self-contained file
- `validate`: the package that judges a file
"""

# ruff: noqa: E402 - HDF5 reads the variables once, when it is loaded
from nxscribe.projections.nexus._file_resolution import ignore_prefixes

ignore_prefixes()

# Importing it makes known to HDF5 what Eiger and Lima compress frames by: Bitshuffle, LZ4, Zstandard and others. It
# stands here because whatever reads frames (the writer, `validate`, `pack`, `fsck`, `regenerate`) imports this package.
import hdf5plugin  # noqa: F401

from nxscribe.projections.files import FileSettings, Layout, Written
from nxscribe.projections.nexus._changes import Changes, compare
from nxscribe.projections.nexus._inspection import belongs_to_another, inspect_entry, unknown_entries, version_of
from nxscribe.projections.nexus._project import write_nexus
from nxscribe.projections.nexus.pack import PackResult, pack
from nxscribe.projections.nexus.remake import mend, remake

__all__ = [
    "Changes",
    "FileSettings",
    "Layout",
    "PackResult",
    "Written",
    "belongs_to_another",
    "compare",
    "inspect_entry",
    "mend",
    "pack",
    "remake",
    "unknown_entries",
    "version_of",
    "write_nexus",
]
