"""A record becomes its entry in the master file."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from nxscribe.definitions import parse_definition
from nxscribe.errors import Problem, ProjectionError
from nxscribe.model import now
from nxscribe.projections.files import FileSettings, Layout, Written
from nxscribe.projections.nexus import atomic, master, writer
from nxscribe.projections.nexus.account import ACCOUNT, account
from nxscribe.projections.nexus.raw import link_raw
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

    Raises ProjectionError; the files are then as they were before.
    """
    path = settings.data_root / record.master
    container = path
    if settings.layout is Layout.LINKED:
        container = master.entries_folder(path) / f"{record.entry}.h5"
    with _explained(path, settings.data_root), atomic.locked(path.parent):
        master.check_owner(path, record.entry, record.id)
        if container != path:
            master.check_owner(container, record.entry, record.id)
        tree = _tree(record, Names(settings.data_root, path, container))
        _put(path, container, record, tree, now())
    return Written(
        master=path,
        entry_file=container,
        entry=record.entry,
        values=tree.values,
        missing=tree.missing,
        pending=tree.pending,
        warnings=tuple(tree.warnings),
        complete=not record.is_open,
    )


def _tree(record: Record, names: Names) -> Tree:
    definition = parse_definition(record.definition.name, record.definition.text)
    tree = build_tree(definition, record, link_raw(record.raw, record.detectors, names, record.entry))
    tree.entry.children[ACCOUNT] = account(record, tree.missing, tree.pending, tree.warnings)
    return tree


def _put(path: Path, container: Path, record: Record, tree: Tree, time: datetime) -> None:
    has_plot = "default" in tree.entry.attributes
    if container == path:
        master.put_entry(path, record.entry, tree.entry, has_plot=has_plot, time=time)
        return
    with atomic.replacing(container, read_only=not record.is_open) as temporary:
        atomic.write(temporary, writer.file_image(container.name, record.entry, tree.entry, time))
        verify_entry(temporary, record.entry, tree.entry)
    file = f"{container.parent.name}/{container.name}"
    master.link_entry(path, record.entry, file, has_plot=has_plot, time=time)


@contextlib.contextmanager
def _explained(path: Path, data_root: Path) -> Iterator[None]:
    """Errors of the operating system as problems with a remedy."""
    if not data_root.is_dir():
        raise ProjectionError(
            Problem(f"the data root {data_root} is not there", "not mounted, or not made", "mount it, or make it")
        )
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "look at the disk and the system's log; it is tried again")
        what = error.filename or path
        raise ProjectionError(
            Problem(f"{path} cannot be written", f"{what}: {error.strerror or error}", remedy)
        ) from error
