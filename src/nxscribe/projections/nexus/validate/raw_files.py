"""The lists of raw files: each file that an entry names is there and not empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py

from nxscribe.projections.nexus.pack import PACKED_FROM
from nxscribe.projections.nexus.validate.finding import Check, Finding
from nxscribe.projections.nexus.validate.place import Place, nx_class, objects, texts

_MOST_NAMED = 5


def check_raw_files(place: Place) -> Iterator[Finding]:
    """Which listed files are not there, or are empty."""
    for path, node in objects(place.group):
        if isinstance(node, h5py.Dataset) and _is_list(path, node, place):
            missing, empty = [], []
            for name in texts(node):
                file = place.master.parent / name
                if not file.is_file():
                    missing.append(name)
                elif not file.stat().st_size:
                    empty.append(name)
            if PACKED_FROM in place.group.file.attrs and _holds_frames(place):
                continue  # an archive lists the files that it was made of, and holds their frames itself
            for names, what in ((missing, "not there"), (empty, "empty")):
                if names:
                    yield place.find(
                        Check.RAW, path, f"{len(names)} of the raw files it lists are {what}: {_shown(names)}",
                        "moved, deleted, or never written", "bring them back",
                    )  # fmt: skip


def _holds_frames(place: Place) -> bool:
    """Whether every detector of the entry that has a list of raw files has their frames too."""
    detectors = [node for _, node in objects(place.group) if nx_class(node) == "NXdetector" and "data_file" in node]
    return all(isinstance(detector.get("data"), h5py.Dataset) for detector in detectors)


def _is_list(path: str, node: h5py.Dataset, place: Place) -> bool:
    """`measurement/files`, and `file_name` of a detector's NXnote."""
    if path == f"{place.group.name}/measurement/files":
        return True
    parent, _, name = path.rpartition("/")
    above = place.group.file[str(Path(parent).parent)]
    return name == "file_name" and nx_class(node.parent) == "NXnote" and nx_class(above) == "NXdetector"


def _shown(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
