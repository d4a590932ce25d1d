"""Raw files: finds them, checks them, and shows their frames in the entry.

`raw_of` looks at all raw files of a scan. A raw format is a class derived from `RawFormat` or `ContiguousFormat`
(docs/how-to/add-a-raw-format.md). The modules:

- `formats`: the package with one module for each format
- `frames`: what every format gives and raises
- `contents`: the datasets of an HDF5 file that can be frames
- `mappings`: the mappings of a virtual dataset
- `survey`: which frames of a dataset exist
- `stamps`: how nxscribe notices that a raw file changed
- `checksums`: checksums of files that cannot be linked
- `entry_paths`: how one file names another
"""

from nxscribe.projections.nexus.raw._contiguous_format import ContiguousFormat, FrameLayout
from nxscribe.projections.nexus.raw._file_lists import FILES
from nxscribe.projections.nexus.raw._named_objects_link import LINKS
from nxscribe.projections.nexus.raw._raw_format import DetectorSeries, RawFormat
from nxscribe.projections.nexus.raw._raw_link import RawLink, files_aside
from nxscribe.projections.nexus.raw._scan_raw_files import ScanRaw, is_awaited, raw_of
from nxscribe.projections.nexus.raw.entry_paths import EntryPaths
from nxscribe.projections.nexus.raw.frames import Frames, ListedOnlyError, NotYetError, RawError

__all__ = [
    "FILES",
    "LINKS",
    "ContiguousFormat",
    "DetectorSeries",
    "EntryPaths",
    "FrameLayout",
    "Frames",
    "ListedOnlyError",
    "NotYetError",
    "RawError",
    "RawFormat",
    "RawLink",
    "ScanRaw",
    "files_aside",
    "is_awaited",
    "raw_of",
]
