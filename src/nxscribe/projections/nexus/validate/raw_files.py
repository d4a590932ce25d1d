"""The lists of raw files: each file that an entry names is there, not empty, and has the checksum that it had."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import h5py

from nxscribe.projections.nexus.pack import PACKED_FROM
from nxscribe.projections.nexus.raw.checksums import ALGORITHM, checksum_of
from nxscribe.projections.nexus.validate.finding import Check, Finding
from nxscribe.projections.nexus.validate.place import Place, nx_class, objects, text, texts

_MOST_NAMED = 5


def check_raw_files(place: Place) -> Iterator[Finding]:
    """Which listed files are not there, are empty, or changed since their checksums were made."""
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
            changed = _changed(node, place)
            for names, what in ((missing, "not there"), (empty, "empty"), (changed, "not what they were")):
                if names:
                    yield place.find(
                        Check.RAW, path, f"{len(names)} of the raw files it lists are {what}: {_shown(names)}",
                        "moved, deleted, never written, or damaged since", "bring them back",
                    )  # fmt: skip


def _changed(listing: h5py.Dataset, place: Place) -> list[str]:
    """The files that do not have the checksum that stands beside their names any more."""
    sums = listing.parent.get("checksum")
    if not isinstance(sums, h5py.Dataset) or text(listing.parent.get("algorithm")) != ALGORITHM:
        return []
    changed = []
    for name, wanted in zip(texts(listing), texts(sums), strict=False):
        with contextlib.suppress(OSError):  # not there: said already
            if wanted and checksum_of(place.master.parent / name) != wanted:
                changed.append(name)
    return changed


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
