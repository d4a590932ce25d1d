"""The master file: it has one entry for each scan of an experiment, and is replaced as a whole at each change."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

import h5py

from nxscribe.errors import EntryTakenError, Problem, ProjectionError
from nxscribe.model import iso
from nxscribe.projections import atomic
from nxscribe.projections.files import AS_IT_COMES, Ownership, entries_folder
from nxscribe.projections.nexus import _hdf5_writer as hdf5_writer
from nxscribe.projections.nexus._opening import open_to_read
from nxscribe.projections.nexus._provenance import RECORD_ID
from nxscribe.projections.nexus._verify import verify_entry
from nxscribe.projections.nexus.nodes import ExternalLinkNode, GroupNode
from nxscribe.records.record import entry_name, entry_number

CREATOR: Final = "nxscribe"


def check_owner(path: Path, entry: str, record_id: str, *, master: Path) -> None:
    """Check that nxscribe made a file, and that an entry of that name in it belongs to the record.

    A link to an entry whose file does not exist belongs to no record. Raises EntryTakenError if the entry belongs to
    another record, and ProjectionError if another program made the file, or it cannot be opened.
    """
    if not path.exists():
        return
    with opened(path) as file:
        creator = file.attrs.get("creator", "another program")
        if creator != CREATOR:
            raise ProjectionError(
                Problem(
                    f"{path} was made by {creator}",
                    "a file of that name was there before, or the config's pattern names another program's file",
                    "move it away, or change `files.master` in the config",
                )
            )
        group = file.get(entry)
        if group is None:
            return
        found = group.get(RECORD_ID)
        owner = "" if found is None else found.asstr()[()]
    if not owner:
        raise ProjectionError(
            Problem(
                f"{path} has an {entry} already, of unknown origin",
                "someone put it there, or a later version of nxscribe did",
                "move it away, or change `files.master` in the config",
            )
        )
    if owner != record_id:
        raise EntryTakenError(
            Problem(
                f"{path} has an {entry} already, of the record {owner}, and not of {record_id}",
                "two daemons, or two journals, number the scans of one experiment",
                "a daemon takes the next free number by itself",
            ),
            free_from=_highest_number(master) + 1,
        )


def link_entry(
    master: Path, entry: str, file: str, *, has_plot: bool, time: datetime, ownership: Ownership = AS_IT_COMES
) -> None:
    """Write the entry of the master as a link to `file`. It becomes the default if it is the newest with a plot.

    A new master links to every file in its folder of entries. Therefore a master that was deleted, or was replaced by
    an older copy, becomes complete again.
    """
    links = {entry: file}
    if master.exists():
        with opened(master) as current:
            default = _default(current, entry, has_plot=has_plot)
            if _leads_to(current, entry, file) and default == current.attrs.get("default", ""):
                return
            if _is_behind(master, current, entry):
                links = {name: there for name, there in _in_folder(master).items() if name not in current} | links
    else:
        links = _in_folder(master) | links
        with_plot = {
            name for name, there in links.items() if name != entry and _file_has_plot(master.parent / there, name)
        }
        default = _newest([*with_plot, *([entry] if has_plot else [])])
    with atomic.replacing(master, ownership) as temporary:
        atomic.write(temporary, _linked(master, links, default, time))


def _in_folder(master: Path) -> dict[str, str]:
    """What the master can link to, by entry."""
    folder = entries_folder(master)
    return {path.stem: f"{folder.name}/{path.name}" for path in folder.glob("entry_*.h5")}


def _is_behind(master: Path, file: h5py.File, entry: str) -> bool:
    """Whether the master does not show the entry before this one, whose file is there: as in an older copy of it."""
    before = entry_name(entry_number(entry) - 1)
    return before not in file and (entries_folder(master) / f"{before}.h5").exists()


def entries_in(path: Path) -> int:
    """How many entries a master shows."""
    with opened(path) as file:
        return len(file)


def put_entry(
    master: Path, name: str, entry: GroupNode, *, has_plot: bool, time: datetime, ownership: Ownership = AS_IT_COMES
) -> None:
    """Write an entry into the master itself, for the layout `single`.

    HDF5 uses most of the space of an entry that is written again for the new one.
    """
    with atomic.replacing(master, ownership) as temporary:
        is_new = not master.exists()
        if not is_new:
            shutil.copyfile(master, temporary)
        with h5py.File(temporary, "x" if is_new else "r+") as file:
            if is_new:
                hdf5_writer.write_attributes(file.id, hdf5_writer.root_attributes(master.name, time))
            _remove(file, name)
            hdf5_writer.write_node(file.id, name, entry)
            _update_root(file, _default(file, name, has_plot=has_plot), time)
        verify_entry(temporary, name, entry)


def opened(path: Path) -> h5py.File:
    """A file open for reading, without a lock. Raises ProjectionError when it is not an HDF5 file or cannot be read."""
    try:
        return open_to_read(path)
    except OSError as error:
        raise ProjectionError(
            Problem(
                f"{path} cannot be opened: {error}",
                "it is damaged, no HDF5 file, or not readable for the user that nxscribe runs as",
                "correct its permissions, or move it away: nxscribe then makes it again from its records",
            )
        ) from error


def _highest_number(master: Path) -> int:
    """The highest number that an entry has in the folder of entries, or that the master shows."""
    names = [path.stem for path in entries_folder(master).glob("entry_*.h5")]
    if master.exists():
        with opened(master) as file:
            names += file
    return max(map(entry_number, names), default=0)


def _linked(master: Path, links: dict[str, str], default: str, time: datetime) -> bytes:
    """The bytes of the master, changed in memory: a full disk is then an error of Python's, not a fault of HDF5's.

    It is read as bytes: HDF5 would open a file that it changes for writing, which a read-only master does not allow.
    """
    before = master.read_bytes() if master.exists() else b""
    with h5py.File.in_memory(before) as file:
        if not before:
            hdf5_writer.write_attributes(file.id, hdf5_writer.root_attributes(master.name, time))
        for entry, target in sorted(links.items()):
            if not _leads_to(file, entry, target):
                _remove(file, entry)
                hdf5_writer.write_node(file.id, entry, ExternalLinkNode(target, f"/{entry}"))
        _update_root(file, default, time)
        return hdf5_writer.image(file.id)


def _update_root(file: h5py.File, default: str, time: datetime) -> None:
    hdf5_writer.set_text(file.id, "file_update_time", iso(time))
    if default:
        hdf5_writer.set_text(file.id, "default", default)
    elif "default" in file.attrs:
        del file.attrs["default"]


def _leads_to(file: h5py.File, entry: str, target: str) -> bool:
    link = file.get(entry, getlink=True)
    return isinstance(link, h5py.ExternalLink) and (link.filename, link.path) == (target, f"/{entry}")


def _remove(file: h5py.File, name: str) -> None:
    if file.get(name, getlink=True) is not None:
        del file[name]


def _default(file: h5py.File, entry: str, *, has_plot: bool) -> str:
    """The newest entry that has a plot, when `entry` is written anew."""
    named = str(file.attrs.get("default", ""))
    current = named if named != entry and _has_plot(file, named) else ""
    if has_plot:
        return _newest([entry, current])
    if current or not named:
        return current
    # What was the default has lost its plot. Only then every entry is looked at, thousands it may be.
    return _newest(name for name in file if name != entry and _has_plot(file, name))


def _newest(names: Iterable[str]) -> str:
    """The entry with the highest number; entry_10000 is newer than entry_9999. Empty where there is none."""
    return max(names, key=lambda name: (len(name), name), default="")


def _has_plot(file: h5py.File, entry: str) -> bool:
    group = file.get(entry) if entry else None
    return group is not None and "default" in group.attrs


def _file_has_plot(path: Path, entry: str) -> bool:
    try:
        with open_to_read(path) as file:
            return _has_plot(file, entry)
    except OSError:
        return False
