"""Checks that frames of several files are in the order in which the entry lists the files, and each of them once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import h5py

from nxscribe.projections.nexus._file_resolution import resolve
from nxscribe.projections.nexus.raw.mappings import mappings
from nxscribe.projections.nexus.validate._entry_context import EntryContext, nx_class, objects, texts
from nxscribe.projections.nexus.validate._finding import Check, Finding


class _Part(NamedTuple):
    """What of a file is shown, by its place: the dataset and the corners of what is selected of it, or the offset."""

    file: str
    place: tuple[object, ...]


def check_frame_order(place: EntryContext) -> Iterator[Finding]:
    """Detectors with frames that are shown twice, or in another order than the list of their files."""
    for path, node in objects(place.group):
        if nx_class(node) != "NXdetector" or "data_file" not in node:
            continue
        if isinstance(node.get("data", getlink=True), h5py.HardLink) and isinstance(node["data"], h5py.Dataset):
            parts = list(_parts(node["data"]))
            listed = [place.listed(name) for name in texts(node["data_file"].get("file_name"))]
            if what := _doubt(parts, listed, place.file):
                yield place.find(
                    Check.RAW, f"{path}/data", what, "it was changed since the entry was made",
                    "make the entry again: nxscribe regenerate",
                )  # fmt: skip


def _parts(frames: h5py.Dataset) -> Iterator[_Part]:
    """The parts of other files that a dataset shows, in the order of its frames."""
    if frames.is_virtual:
        for part in sorted(mappings(frames), key=lambda part: part.there.indices[:1].tolist()):
            # Of the whole of a source a file keeps no bounds.
            is_whole = part.source.get_select_type() == h5py.h5s.SEL_ALL
            yield _Part(part.file, (part.dataset, () if is_whole else part.source.get_select_bounds()))
    for name, offset, _ in frames.external or ():
        yield _Part(name, (offset,))


def _doubt(parts: list[_Part], listed: list[Path], entry: Path) -> str:
    if len(set(parts)) < len(parts):
        twice = next(part.file for number, part in enumerate(parts) if part in parts[:number])
        return f"frames of {twice} are shown twice"
    found = {name: resolve(name, entry) for name in dict.fromkeys(part.file for part in parts)}
    places = {path.resolve(): number for number, path in enumerate(listed)}
    order = [places[path.resolve()] for path in found.values() if path and path.resolve() in places]
    # Masters are listed beside the files that they show, and these in an order of their own.
    if len(order) == len(listed) and order != sorted(order):
        return "its frames are not in the order in which their files are listed"
    return ""
