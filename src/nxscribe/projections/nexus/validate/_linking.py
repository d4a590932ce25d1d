"""Checks that every soft, hard and external link has a target, and that it says where it comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import h5py

from nxscribe.errors import Severity
from nxscribe.projections.nexus._file_resolution import resolve, why_none
from nxscribe.projections.nexus._opening import open_to_read
from nxscribe.projections.nexus._provenance import PACKED_FROM
from nxscribe.projections.nexus.raw import LINKS
from nxscribe.projections.nexus.validate._entry_context import EntryContext, links, objects, text
from nxscribe.projections.nexus.validate._finding import Check, Finding


def check_links(place: EntryContext) -> Iterator[Finding]:
    """Errors in the links of an entry."""
    for path, link in links(place.group):
        if isinstance(link, h5py.SoftLink):
            yield from _soft(place, path, link)
        elif isinstance(link, h5py.ExternalLink):
            yield from _external(place, path, link)
    yield from _targets(place)


def _soft(place: EntryContext, path: str, link: h5py.SoftLink) -> Iterator[Finding]:
    try:
        found = path in place.group.file
        node = place.group.file[path] if found else None
    except (OSError, KeyError, RuntimeError) as error:
        # A ring of links, or one that leads over an external link that is broken.
        yield place.find(Check.LINKS, path, f"the link to {link.path} leads nowhere", str(error))
        return
    if not found:
        yield place.find(Check.LINKS, path, f"the link leads to {link.path}, which is not there")
    elif node is not None and node.file == place.group.file and "target" not in node.attrs:
        yield place.find(
            Check.LINKS, f"{link.path}@target", f"it is missing, and {path} is a link to here",
            "NeXus tells by it which of several places is the original", "make the entry again: nxscribe regenerate",
        )  # fmt: skip


def _external(place: EntryContext, path: str, link: h5py.ExternalLink) -> Iterator[Finding]:
    file = resolve(link.filename, place.file)
    if file is None:
        is_apart = PACKED_FROM in place.group.file.attrs and path.startswith(f"{place.group.name}/{LINKS}/")
        yield Finding(
            Check.LINKS, str(place.file), path,
            f"the link leads to the file {link.filename}, {why_none(link.filename, place.file)}",
            "it was moved or deleted, or its file system is not mounted", "bring it back, or make the entry again",
            # An archive holds all but the control system's own file.
            Severity.WARNING if is_apart else Severity.ERROR,
        )  # fmt: skip
        return
    try:
        with open_to_read(file) as opened:
            if link.path not in opened:
                yield place.find(Check.LINKS, path, f"the link leads to {link.path} in {file}, which is not there")
    except OSError as error:
        yield place.find(
            Check.LINKS, path, f"the link leads to {file}, which cannot be opened as HDF5", str(error),
            "let this user read it" if isinstance(error, PermissionError)
            else "it is truncated or damaged: bring back a good copy",
        )  # fmt: skip
    if Path(link.filename).is_absolute() and _is_under(file, place.master.parent):
        yield Finding(
            Check.LINKS, str(place.file), path, f"the link has the absolute name {link.filename}",
            "it breaks when the folder is moved", "link to it by a relative name", Severity.WARNING,
        )  # fmt: skip


def _targets(place: EntryContext) -> Iterator[Finding]:
    """NeXus's `target` on what links lead to: the absolute path of the original in its file."""
    for path, node in objects(place.group):
        if "target" not in node.attrs:
            continue
        target = text(node.attrs["target"])
        if target is None or target not in place.group.file or place.group.file[target] != node:
            yield place.find(
                Check.LINKS, f"{path}@target", f"it says {target!r}, which is not where the object is",
                "it was copied or renamed", "make the entry again",
            )  # fmt: skip


def _is_under(path: Path, folder: Path) -> bool:
    return not os.path.relpath(path.resolve(), folder.resolve()).startswith("..")
