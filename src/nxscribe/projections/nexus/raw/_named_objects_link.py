"""Links to objects of other HDF5 files that the control system named, such as the entry in its own file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nxscribe.projections.nexus._opening import open_to_read
from nxscribe.projections.nexus.nodes import ExternalLinkNode
from nxscribe.projections.nexus.raw._confinement import Confinement
from nxscribe.projections.nexus.raw._raw_link import RawLink
from nxscribe.projections.nexus.raw.entry_paths import EntryPaths, on_disk
from nxscribe.projections.nexus.raw.frames import NotYetError, RawError
from nxscribe.records.record import LINK_SEPARATOR, Record

LINKS: Final = "links"
"""The group of the entry for these links."""


def object_links(record: Record, names: EntryPaths, *, awaited: bool, without_frames: str = "") -> Iterator[RawLink]:
    """The links of a record. What is not there, or not within the record's roots, is reported, and not linked."""
    if not record.links:
        return
    confinement = Confinement(record.roots)
    for name, target in record.links.items():
        file, _, inside = target.rpartition(LINK_SEPARATOR)
        link = RawLink(awaited, classes={LINKS: "NXcollection"})
        with link.on_its_own():
            try:
                _check(on_disk(file), inside, confinement, without_frames)
            except RawError as error:
                link.lack(f"{LINKS}/{name}", error)
            else:
                called = names.from_container(on_disk(file))
                link.nodes[f"{LINKS}/{name}"] = ExternalLinkNode(called, inside, is_followed=False)
                if called.startswith("/"):
                    what = "its file is outside the experiment's folder and is named by its absolute path"
                    link.warn(f"{LINKS}/{name}", f"{what}: it does not move with it")
        yield link


def _check(path: str, inside: str, confinement: Confinement, without_frames: str) -> None:
    """Raises RawError for an object that cannot be linked to, NotYetError if it may still come."""
    if not confinement.holds(path):
        raise RawError(f"{path} leads out of the folders that the config allows, by itself or by a symbolic link")
    if without_frames:
        raise RawError(without_frames)
    try:
        with open_to_read(Path(path)) as file:
            is_there = inside in file
    except OSError as error:
        raise NotYetError(f"{path} cannot be opened: {error}") from error
    if not is_there:
        raise NotYetError(f"{path} has no {inside}")
