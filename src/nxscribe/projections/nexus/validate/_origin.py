"""Checks whether a reader of this file gets the frames of its own folder, or those of the folder that was copied.

A copy has the same names of files as the original. If they are absolute and the original still exists, HDF5 reads the
frames of the original through the copy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import h5py

from nxscribe.errors import Severity
from nxscribe.projections.nexus._file_resolution import candidates, is_there, resolve
from nxscribe.projections.nexus._opening import open_to_read
from nxscribe.projections.nexus.raw.contents import file_of
from nxscribe.projections.nexus.raw.mappings import names_in
from nxscribe.projections.nexus.validate._entry_context import EntryContext, links, listed_names, objects
from nxscribe.projections.nexus.validate._finding import Check, Finding

_DEEPEST = 4
"""Virtual datasets of virtual datasets. Of one's sources the first is looked into: one program named them all."""


def check_origin(place: EntryContext) -> Iterator[Finding]:
    """Frames that are read from another folder than that of the entry, or only with an environment variable."""
    own: dict[str, list[Path]] = defaultdict(list)
    for name in listed_names(place):
        if is_there(path := place.listed(name)):
            own[path.name].append(path)
    for where, dataset, file in _datasets(place):
        foreign: dict[Path, Path] = {
            found: mine for name, found, at in _behind(dataset, file) if (mine := _instead_of(name, found, at, own))
        }
        for found, mine in list(foreign.items())[:1]:
            more = f", and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            yield place.find(
                Check.RAW, where, f"a reader of this file gets the frames of {found}{more}, and not those of {mine}",
                "the folder was copied, and the names in it are absolute", "make the entry again: nxscribe regenerate",
            )  # fmt: skip
        if dataset.external and not all(Path(name).is_absolute() for name, _, _ in dataset.external):
            yield Finding(
                Check.RAW, str(place.file), where, "its frames are read only where HDF5_EXTFILE_PREFIX is ${ORIGIN}",
                "they are more than files.copy_frames_mb, and so were not copied", "set the variable, or pack the file",
                Severity.WARNING,
            )  # fmt: skip


def _datasets(place: EntryContext) -> Iterator[tuple[str, h5py.Dataset, Path]]:
    """What may have its bytes elsewhere: with its path in the entry, and the file that it is in."""
    for path, node in objects(place.group):
        if isinstance(node, h5py.Dataset) and (node.is_virtual or node.external):
            yield path, node, place.file
    for path, link in links(place.group):
        if isinstance(link, h5py.ExternalLink) and (file := resolve(link.filename, place.file)):
            try:
                with open_to_read(file) as opened:
                    if isinstance(node := opened.get(link.path), h5py.Dataset):
                        yield path, node, file
            except (OSError, KeyError, RuntimeError):
                continue  # a finding about the link


def _behind(dataset: h5py.Dataset, file: Path, depth: int = 0) -> Iterator[tuple[str, Path, Path]]:
    """The files that a dataset's bytes come from: the name, what HDF5 finds by it, and the file that names it."""
    for name, _, _ in dataset.external or ():
        if found := resolve(name, file):
            yield name, found, file
    if not dataset.is_virtual or depth > _DEEPEST:
        return
    sources = dict.fromkeys(names_in(dataset))
    for number, (name, path) in enumerate(sources):
        if (found := file if name == "." else resolve(name, file)) is None:
            continue
        if name != ".":
            yield name, found, file
        if number == 0:
            try:
                with open_to_read(found) as opened:
                    if isinstance(node := opened.get(path), h5py.Dataset):
                        # A link on the way may lead to another file.
                        yield from _behind(node, Path(file_of(node)), depth + 1)
            except (OSError, KeyError, RuntimeError):
                continue  # a finding about the source


def _instead_of(name: str, found: Path, at: Path, own: dict[str, list[Path]]) -> Path | None:
    """The entry's own file that is not read, where another one of its name is."""
    mine = own.get(found.name, [])
    if any(path.samefile(found) for path in mine):
        return None
    beside = [path for path in candidates(name, at)[1:] if is_there(path)] if Path(name).is_absolute() else []
    return next((path for path in [*mine, *beside] if not path.samefile(found)), None)
