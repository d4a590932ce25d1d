"""A record becomes its entry in the master file."""

from __future__ import annotations

import os
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from nxscribe.errors import JournalError, NxscribeError, Problem, ProjectionError
from nxscribe.model import Definition, now
from nxscribe.projections import atomic
from nxscribe.projections.files import FileSettings, Layout, Ownership, Written, entries_folder, master_path
from nxscribe.projections.nexus import _definition_file as definition_file
from nxscribe.projections.nexus import _master as master
from nxscribe.projections.nexus._copies import copy_frames, is_copied
from nxscribe.projections.nexus._file_image import FileImages
from nxscribe.projections.nexus._provenance import DEFINITION
from nxscribe.projections.nexus._verify import differences, verify_entry, verify_file
from nxscribe.projections.nexus.nodes import ExternalLinkNode, GroupNode, NodeError
from nxscribe.projections.nexus.raw import RawLink, ScanRaw, files_aside, raw_of
from nxscribe.projections.nexus.raw.entry_paths import EntryPaths
from nxscribe.projections.nexus.tree import Tree, build_tree
from nxscribe.records import recorded_definition
from nxscribe.records.record import DefinitionText, Record

_MOST_DEFINITIONS: Final = 16
"""How many are kept for the next record that was made with the same: one of each technique."""
_images = FileImages()
"""Of this process, which writes one file at a time."""


def write_nexus(record: Record, settings: FileSettings, without_frames: str = "") -> Written:
    """Write a record's entry and see that the master shows it. Done again, it gives the same files.

    Where `without_frames` gives a reason, no raw file is opened by HDF5: raw files are listed, and their frames are
    missing for this reason.

    Raises EntryTakenError where another record's entry has the place, and ProjectionError; the files are then as they
    were before.
    """
    names = names_of(record, settings)
    path, container = names.master, names.container
    atomic.check_places((path, container, names.frames, names.definition(record.definition.sha256)), settings)
    with atomic.explained(path, settings.data_root), atomic.locked(path.parent, settings.ownership) as alone:
        for file in dict.fromkeys((path, container)):
            master.check_owner(file, record.entry, record.id, master=path)
        raw = raw_of(record, settings, names, without_frames)
        tree = _put_what_can_be(names, record, _definition(record), raw, settings.ownership)
        complete = _is_complete(record, raw)
        shown = master.entries_in(path)
    return Written(
        master=path,
        entry_file=container,
        entry=record.entry,
        values=tree.values,
        missing=tree.missing,
        pending=tree.pending,
        warnings=tuple(tree.warnings),
        complete=complete,
        awaits_raw=raw.pending and not record.is_open,
        found=raw.found,
        unforeseen=tuple(text for link in raw.links for text in link.unforeseen),
        shown=shown,
        alone=alone,
    )


def names_of(record: Record, settings: FileSettings) -> EntryPaths:
    """Where a record's files are."""
    path = master_path(record, settings.data_root)
    container = path
    if settings.layout is Layout.LINKED:
        container = entries_folder(path) / f"{record.entry}.h5"
    frames = entries_folder(path) / "frames" / record.id / f"{record.entry}.h5"
    experiment = _experiment(path, Path(record.directory), settings.data_root)
    return EntryPaths(experiment, path, container, frames, record.entry, record.id, settings.copied_bytes)


def definition_link(names: EntryPaths, sha256: str) -> ExternalLinkNode:
    """The link from an entry to the text of its definition."""
    return ExternalLinkNode(names.from_container(names.definition(sha256)), f"/{DEFINITION}")


def _experiment(master: Path, scan: Path, data_root: Path) -> Path:
    """The folder that holds master and scan, where both are in the data root; else that of the master."""
    if not scan.is_relative_to(data_root):
        # It may be named through a symbolic link to the data root.
        if not scan.resolve().is_relative_to(data_root.resolve()):
            return master.parent
        scan = data_root / scan.resolve().relative_to(data_root.resolve())
    return Path(os.path.commonpath((master.parent, os.path.normpath(scan))))


def _definition(record: Record) -> Definition:
    if record.definition.is_lost:
        raise ProjectionError(
            Problem(
                f"the definition of {record.entry} is lost",
                "its text in the journal is damaged, or the record was saved out of a damaged journal without it",
                "start a scan with the same definition, which brings it back, or make the entry with the one of today:"
                " `nxscribe regenerate --definition current`",
            )
        )
    try:
        return _decoded(record.definition)
    except JournalError as error:
        raise ProjectionError(*error.problems) from error


@lru_cache(maxsize=_MOST_DEFINITIONS)
def _decoded(definition: DefinitionText) -> Definition:
    return recorded_definition(definition)


def _put_what_can_be(
    names: EntryPaths, record: Record, definition: Definition, raw: ScanRaw, ownership: Ownership
) -> Tree:
    """Write the files; what is wrong with one detector's frames costs these frames, and never the entry."""
    unfit: dict[str, str] = {}
    while True:
        try:
            tree = build_tree(definition, record, raw.links, unfit, definition_link(names, record.definition.sha256))
            complete = _is_complete(record, raw)
            _put(names, record, tree, files_aside(raw.links, names), ownership, complete=complete)
        except (OSError, NxscribeError):
            raise
        except Exception as error:
            if not _give_up(error, definition, record, raw, unfit):
                raise
        else:
            return tree


def _give_up(error: Exception, definition: Definition, record: Record, raw: ScanRaw, unfit: dict[str, str]) -> bool:
    """Take out what an entry could not be written with. Says whether there was anything: it ends some time."""
    if isinstance(error, NodeError):
        of_frames = [link for link in raw.links if any(map(link.holds, error.paths))]
        others = [path for path in error.paths if path not in unfit]
        if not of_frames:
            unfit.update(dict.fromkeys(others, str(error)))
            return bool(others)
    else:
        with_frames = [link for link in raw.links if link.frames]
        # What breaks only when it is written cannot be told to one detector: the values of the scan come first.
        of_frames = [link for link in with_frames if not _can_be_built(definition, record, link)] or with_frames
    for link in of_frames:
        link.fail(error)
    return bool(of_frames)


def _can_be_built(definition: Definition, record: Record, link: RawLink) -> bool:
    try:
        build_tree(definition, record, (link,))
    except Exception:  # noqa: BLE001 - that there is one is the answer
        return False
    return True


def _is_complete(record: Record, raw: ScanRaw) -> bool:
    return not record.is_open and not raw.pending


def _put(
    names: EntryPaths, record: Record, tree: Tree, aside: dict[Path, GroupNode], ownership: Ownership, *, complete: bool
) -> None:
    time = now()
    # First, so that no link ever leads to what is not there yet.
    for path, entry in aside.items():
        master.check_owner(path, record.entry, record.id, master=names.master)
        if is_copied(path, record.entry, entry) and not differences(path, record.entry, entry):
            atomic.settle(path, ownership, complete=complete)
        else:
            _put_file(path, record, entry, time, ownership, complete=complete)
    definition_file.keep(names.definition(record.definition.sha256), record.definition, time, ownership)
    has_plot = "default" in tree.entry.attributes
    if names.container == names.master:
        master.put_entry(names.master, record.entry, tree.entry, has_plot=has_plot, time=time, ownership=ownership)
        return
    _put_file(names.container, record, tree.entry, time, ownership, complete=complete)
    file = f"{names.container.parent.name}/{names.container.name}"
    master.link_entry(names.master, record.entry, file, has_plot=has_plot, time=time, ownership=ownership)


def _put_file(
    path: Path, record: Record, entry: GroupNode, time: datetime, ownership: Ownership, *, complete: bool
) -> None:
    with atomic.replacing(path, ownership, complete=complete) as temporary:
        image = _images.make(path.name, record.entry, entry, time)
        atomic.write(temporary, image.data)
        try:
            if copy_frames(temporary, record.entry, entry):
                verify_entry(temporary, record.entry, entry)
            else:
                verify_file(temporary, image, record.entry, entry)
        except Exception:
            _images.forget()
            raise
