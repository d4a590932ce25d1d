"""Checks the sources of frames: the files of virtual datasets and of external storage.

HDF5 itself reports no error: where a source is missing or too short, a virtual dataset gives its fill value, and
external storage gives zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py

from nxscribe.projections.nexus._file_resolution import resolve
from nxscribe.projections.nexus._opening import open_to_read
from nxscribe.projections.nexus.nodes import FRAME_RANK
from nxscribe.projections.nexus.raw.survey import survey
from nxscribe.projections.nexus.validate._entry_context import EntryContext, links, objects, text
from nxscribe.projections.nexus.validate._finding import Check, Finding


def check_sources(place: EntryContext) -> Iterator[Finding]:
    """Errors in the sources of the datasets of an entry, through all files that they come from."""
    done: set[tuple[Path, str]] = set()
    for path, node in objects(place.group):
        if isinstance(node, h5py.Dataset):
            for what in problems_behind(node, place.file, done):
                yield place.find(Check.RAW, path, what, "", "bring the file back, or list what was lost")
    for path, link in links(place.group):
        if isinstance(link, h5py.ExternalLink):
            file = resolve(link.filename, place.file)
            for what in _behind_link(file, link.path, done) if file else ():
                yield place.find(Check.RAW, path, what, "", "bring the file back, or list what was lost")


def _behind_link(file: Path, path: str, done: set[tuple[Path, str]]) -> Iterator[str]:
    try:
        with open_to_read(file) as opened:
            node = opened.get(path)
            if isinstance(node, h5py.Dataset):
                yield from problems_behind(node, file, done)
    except OSError:
        return  # a finding about the link itself


def problems_behind(dataset: h5py.Dataset, file: Path, done: set[tuple[Path, str]]) -> Iterator[str]:
    """Descriptions of the errors in the sources of a dataset."""
    key = (file, dataset.name)
    if key in done:
        return
    done.add(key)
    if dataset.ndim < FRAME_RANK and not (dataset.is_virtual or dataset.external):
        return
    rank = 1 if text(dataset.attrs.get("interpretation")) == "spectrum" else FRAME_RANK
    seen = survey(dataset, file, rank, _readable)
    if seen.absent:
        yield f"of {dataset.name} of {file}, {seen.told}: zeros or the fill value {dataset.fillvalue} are read"
    yield from seen.remarks


def _readable(dataset: h5py.Dataset, file: Path) -> Iterator[str]:
    """The first and the last frame: a filter that is not there, or damage, shows."""
    if not dataset.size:
        yield f"{dataset.name} of {file} holds no frames"
        return
    try:
        if dataset.ndim:
            _ = dataset[0], dataset[-1]
    except (OSError, RuntimeError, ValueError) as error:
        yield f"{dataset.name} of {file} cannot be read: {error}"
