"""Checks the root of a file and the links of a master file to its entries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import h5py

from nxscribe.projections.files import entries_folder
from nxscribe.projections.nexus._master import CREATOR
from nxscribe.projections.nexus._provenance import ACCOUNT
from nxscribe.projections.nexus.validate._entry_context import nx_class, text
from nxscribe.projections.nexus.validate._finding import Check, Finding

_ROOT_ATTRIBUTES: Final = (
    "file_name",
    "file_time",
    "creator",
    "creator_version",
    "NeXus_release",
    "HDF5_Version",
    "h5py_version",
)
"""The attributes that nxscribe writes to the root of each file, as NXroot describes them."""
_AGAIN: Final = "bring back a good copy, or have it made again: nxscribe fsck --mend"


def check_root(file: h5py.File, name: str) -> Iterator[Finding]:
    """Errors in the attributes of the root: its class, and in files of nxscribe those that NXroot describes."""
    if nx_class(file) != "NXroot":
        where = "/@NX_class"
        yield Finding(Check.FILE, name, where, f"it is {nx_class(file) or 'missing'}, where a file has NXroot")
    if _is_ours(file):
        for attribute in _ROOT_ATTRIBUTES:
            if not text(file.attrs.get(attribute)):
                what = "it is missing, and nxscribe writes it to every file"
                yield Finding(Check.FILE, name, f"/@{attribute}", what, "the file was changed since", _AGAIN)


def _is_ours(file: h5py.File) -> bool:
    """Whether nxscribe wrote a file, also where its root does not say so any more: its entries have an account."""
    creator = text(file.attrs.get("creator"))
    if creator is not None:
        return creator == CREATOR
    return "creator_version" in file.attrs or any(_has_account(file, name) for name in file)


def _has_account(file: h5py.File, name: str) -> bool:
    try:
        return f"{name}/{ACCOUNT}" in file
    except (OSError, KeyError, RuntimeError):
        return False  # a finding about the link


def check_entry_links(file: h5py.File, master: Path) -> Iterator[Finding]:
    """Errors in the links of a master file: each must lead to the file of its entry, by a relative name."""
    # A symbolic link to a master may have another name.
    own_folders = {Path(entries_folder(path).name) for path in (master, master.resolve())}
    for name in file:
        link = file.get(name, getlink=True)
        if not isinstance(link, h5py.ExternalLink):
            continue
        if Path(link.filename).is_absolute():
            yield Finding(
                Check.LINKS, str(master), f"/{name}", f"the link to the entry has the absolute name {link.filename}",
                "a copy of the folder shows the entry of the original through it", _AGAIN,
            )  # fmt: skip
        elif _is_ours(file) and Path(link.filename).parent not in own_folders:
            yield Finding(
                Check.LINKS, str(master), f"/{name}",
                f"the link to the entry leads to {link.filename}, out of the folder of this master's entries",
                "it was changed since, and shows another experiment's scan", _AGAIN,
            )  # fmt: skip
        if link.path.strip("/") != name or (name.startswith("entry_") and Path(link.filename).stem != name):
            yield Finding(
                Check.LINKS, str(master), f"/{name}",
                f"the link leads to another entry, {link.path} of {link.filename}",
                "links were swapped, or files renamed", _AGAIN,
            )  # fmt: skip
    for path in sorted(entries_folder(master).glob("entry_*.h5")):
        if path.stem not in file:
            yield Finding(
                Check.FILE, str(master), f"/{path.stem}", f"the master does not show the entry of {path}",
                "an older copy of the master was put back, or the link was deleted", _AGAIN,
            )  # fmt: skip
