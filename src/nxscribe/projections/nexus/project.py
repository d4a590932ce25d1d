"""A record becomes its entry in the master file."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Final

from nxscribe.definitions import parse_definition
from nxscribe.errors import InputError, Problem, ProjectionError
from nxscribe.model import Definition, now
from nxscribe.projections.files import FileSettings, Layout, Ownership, Written, entries_folder
from nxscribe.projections.nexus import atomic, master, writer
from nxscribe.projections.nexus.nodes import GroupNode
from nxscribe.projections.nexus.raw import files_aside, raw_of
from nxscribe.projections.nexus.raw.names import Names
from nxscribe.projections.nexus.tree import Tree, build_tree
from nxscribe.projections.nexus.verify import verify_entry
from nxscribe.records.record import Record

_REMEDIES: Final = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room, or ask for a larger quota",
    errno.EROFS: "mount the file system for writing",
    errno.EACCES: "give the user that nxscribe runs as the right to write there",
    errno.EPERM: "give the user that nxscribe runs as the right to write there",
    errno.ENOENT: "make the data root, or mount it",
    errno.ESTALE: "mount the file system again",
}


def write_nexus(record: Record, settings: FileSettings) -> Written:
    """Write a record's entry and see that the master shows it. Done again, it gives the same files.

    Raises EntryTakenError where another record's entry has the place, and ProjectionError; the files are then as they
    were before.
    """
    names = names_of(record, settings)
    path, container = names.master, names.container
    with _explained(path, settings.data_root), atomic.locked(path.parent, settings.ownership) as alone:
        for file in dict.fromkeys((path, container)):
            master.check_owner(file, record.entry, record.id, master=path)
        raw = raw_of(record, settings, names)
        tree = build_tree(_definition(record), record, raw.links)
        complete = not record.is_open and not raw.pending
        _put(names, record, tree, files_aside(raw.links, names), settings.ownership, complete=complete)
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
        shown=shown,
        alone=alone,
    )


def names_of(record: Record, settings: FileSettings) -> Names:
    """Where a record's files are."""
    _check_names(record)
    path = settings.data_root / record.master
    container = path
    if settings.layout is Layout.LINKED:
        container = entries_folder(path) / f"{record.entry}.h5"
    frames = entries_folder(path) / "frames" / f"{record.entry}.h5"
    in_place = frames.parent / "in_place" / record.id / frames.name
    experiment = _experiment(path, Path(record.directory), settings.data_root)
    return Names(experiment, path, container, frames, in_place, record.entry, record.id)


def _experiment(master: Path, scan: Path, data_root: Path) -> Path:
    """The folder that holds master and scan, where both are in the data root; else that of the master."""
    if not scan.is_relative_to(data_root):
        return master.parent
    return Path(os.path.commonpath((master.parent, os.path.normpath(scan))))


def _check_names(record: Record) -> None:
    """A record may come from elsewhere, by way of `records import`: its names must not lead out of the data root."""
    master = PurePosixPath(record.master)
    if master.is_absolute() or ".." in master.parts or not master.name or len(PurePosixPath(record.id).parts) != 1:
        raise ProjectionError(
            Problem(
                f"the record {record.id!r} has the master {record.master!r}, which leads out of the data root",
                "the record was not made by nxscribe, or was changed",
                "look where it came from",
            )
        )


def _definition(record: Record) -> Definition:
    try:
        return parse_definition(record.definition.name, record.definition.text)
    except InputError as error:
        raise ProjectionError(*error.problems) from error


def _put(
    names: Names, record: Record, tree: Tree, aside: dict[Path, GroupNode], ownership: Ownership, *, complete: bool
) -> None:
    time = now()
    # First, so that no link ever leads to what is not there yet.
    for path, entry in aside.items():
        master.check_owner(path, record.entry, record.id, master=names.master)
        _put_file(path, record, entry, time, ownership, complete=complete)
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
        atomic.write(temporary, writer.file_image(path.name, record.entry, entry, time))
        verify_entry(temporary, record.entry, entry)


@contextlib.contextmanager
def _explained(path: Path, data_root: Path) -> Iterator[None]:
    """Errors of the operating system as problems with a remedy."""
    try:
        if not data_root.is_dir():
            raise ProjectionError(
                Problem(f"the data root {data_root} is not there", "not mounted, or not made", "mount it, or make it")
            )
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "look at the disk and the system's log; it is tried again")
        what = error.filename or path
        raise ProjectionError(
            Problem(f"{path} cannot be written", f"{what}: {error.strerror or error}", remedy)
        ) from error
