"""The lists of raw files: `measurement/files` for all of a scan, `data_file` (NXnote) for those of a detector."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import numpy as np

from nxscribe.model import texts
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode, Node
from nxscribe.projections.nexus.raw._raw_format import RawFormat

FILES: Final = "measurement/files"


def file_list(files: Sequence[str]) -> FieldNode:
    """Names as a field."""
    attributes = {"description": np.asarray("Raw files of the scan; relative names start at the master file's folder")}
    return FieldNode(texts(files), attributes, are_alike=True)


def note(files: Sequence[str], found: AbstractSet[RawFormat]) -> GroupNode:
    """NeXus's place for a detector's files: NXdetector/data_file, an NXnote."""
    children: dict[str, Node] = {"file_name": file_list(files)}
    first = min(found, key=lambda one: one.name, default=None)
    if first and first.media_type:
        children["type"] = FieldNode(np.asarray(first.media_type))
    return GroupNode("NXnote", children)
