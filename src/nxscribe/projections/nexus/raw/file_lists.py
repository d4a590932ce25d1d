"""The lists of raw files: `measurement/files` for all of a scan, `data_file` (NXnote) for those of a detector."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import numpy as np

from nxscribe.projections.nexus.nodes import FieldNode, GroupNode, Node

HDF5: Final = frozenset({".h5", ".hdf5", ".nxs", ".nx", ".cxi", ".hdf"})
EDF: Final = frozenset({".edf"})
TIFF: Final = frozenset({".tif", ".tiff"})
CBF: Final = frozenset({".cbf"})
"""The formats, by the endings of their files' names."""
_MEDIA_TYPES: Final = {
    **dict.fromkeys(HDF5, "application/x-hdf5"),
    **dict.fromkeys(TIFF, "image/tiff"),
    ".edf": "image/x-edf",
    ".cbf": "image/x-cbf",
    ".gz": "application/gzip",
}
FILES: Final = "measurement/files"


def file_list(files: Sequence[str]) -> FieldNode:
    """Names as a field."""
    attributes = {"description": np.asarray("Raw files of the scan; relative names start at the master file's folder")}
    return FieldNode(np.asarray(files), attributes)


def note(files: Sequence[str], kinds: AbstractSet[str]) -> GroupNode:
    """NeXus's place for a detector's files: NXdetector/data_file, an NXnote."""
    children: dict[str, Node] = {"file_name": file_list(files)}
    if media_type := _MEDIA_TYPES.get(min(kinds)):
        children["type"] = FieldNode(np.asarray(media_type))
    return GroupNode("NXnote", children)
