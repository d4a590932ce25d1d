"""Packs an experiment for an archive: one read-only file with everything to which its master links.

The targets of all links are copied: entries, and, frame by frame, raw data in other HDF5 files, in virtual datasets and
in external storage. Soft links stay, because they lead to the same places in the new file. Links that the control
system asked for stay, too: its own file goes on growing. The lists in which nxscribe says where frames are outside of
the file are left out.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from nxscribe.errors import Problem, ProjectionError
from nxscribe.model import Value, iso, now
from nxscribe.projections import atomic
from nxscribe.projections.nexus import _hdf5_writer as hdf5_writer
from nxscribe.projections.nexus import _master as master
from nxscribe.projections.nexus._file_resolution import is_there
from nxscribe.projections.nexus._opening import open_to_read
from nxscribe.projections.nexus._provenance import ACCOUNT, DEFINITION, PACKED_FROM
from nxscribe.projections.nexus.raw import LINKS
from nxscribe.projections.nexus.validate import Check, validate

_TOLD: Final = 5
"""How many missing files a message names. The others are counted."""
_REMEDY: Final = "correct what is wrong (`nxscribe validate` lists it), or leave raw frames out (--without-frames)"
_OURS: Final = frozenset({f"{ACCOUNT}/frames", f"{ACCOUNT}/stored"})
_DEFINITION: Final = f"{ACCOUNT}/{DEFINITION}"
_FRAME: Final = 2
"""Dimensions of one frame."""
_TEMPORARY: Final = ".nxscribe-packing"
"""Not the name that the daemon writes to: the archive may be in an experiment's folder."""


@dataclass(slots=True)
class PackResult:
    """The result of packing."""

    file: Path
    entries: int = 0
    incomplete: tuple[str, ...] = ()
    """The entries of scans that had not ended."""
    frames: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    """The raw frames that are not in the file, by path, with the reason."""


def pack(source: Path, target: Path, *, frames: bool = True) -> PackResult:
    """Copy a master and everything to which it links into one new read-only file.

    Args:
        source: The path of the master, in either layout.
        target: The path of the new file. It must not exist.
        frames: Whether raw frames are copied, too. Without them, `measurement/files` says where they were.

    Raises:
        ProjectionError: An entry cannot be read, or a raw file is missing or incomplete: HDF5 would give fill values
            for it, and the archive would contain them. No file is left behind.
    """
    # `Path.exists` raises PermissionError below a folder that this user may not enter.
    if os.path.exists(target):  # noqa: PTH110 - as above
        raise ProjectionError(Problem(f"{target} exists", "nothing is overwritten", "name a new file"))
    if not is_there(source):
        raise ProjectionError(
            Problem(f"{source} is not there, or this user may not see it", remedy="give the path of a master file")
        )
    if frames:
        _check_frames(source)
    packed = PackResult(target)
    try:
        with atomic.locked_here(target.parent), atomic.replacing(target, complete=True, name=_TEMPORARY) as temporary:
            _Packing(source, packed, frames=frames).run(temporary)
    except OSError as error:
        raise ProjectionError(
            Problem(
                f"{source} cannot be packed into {target}", str(error), "see that all can be read, and room is left"
            )
        ) from error
    return packed


def _check_frames(source: Path) -> None:
    """Validate all frames, because HDF5 gives fill values or other bytes without an error.

    Raises ProjectionError with the findings.
    """
    wrong = [
        error
        for error in validate(source, with_others=False).errors
        if error.check in {Check.RAW, Check.LINKS} and not _is_named(error.path.strip("/").partition("/")[2])
    ]
    problems = [
        Problem(f"{one.file}: {one.path} cannot be packed", "; ".join(filter(None, (one.what, one.why))), _REMEDY)
        for one in wrong[:_TOLD]
    ]
    if len(wrong) > _TOLD:
        problems.append(Problem(f"{len(wrong) - _TOLD} more things are wrong with its frames", "", _REMEDY))
    if problems:
        raise ProjectionError(*problems)


class _Packing:
    def __init__(self, source: Path, packed: PackResult, *, frames: bool) -> None:
        self._source, self._packed, self._frames = source, packed, frames
        self._definitions: dict[bytes, str] = {}
        """Where each definition's text is in the new file."""
        self._copied: dict[tuple[str, str], str] = {}
        """What links to other files led to, by file and path, and where it is now: several may lead to one dataset."""

    def run(self, temporary: Path) -> None:
        with master.opened(self._source) as old, h5py.File(temporary, "x") as new:
            incomplete = []
            for name, value in old.attrs.items():
                new.attrs[name] = value
            for name, text in {"file_name": self._packed.file.name, "file_time": iso(now())}.items():
                hdf5_writer.set_text(new.id, name, text)
            hdf5_writer.set_text(new.id, PACKED_FROM, self._source.name)
            for name in old:
                entry = self._at(old, name)
                copy = new.create_group(name)
                self._group(entry, copy, "")
                self._packed.entries += 1
                if f"{ACCOUNT}/end_reason" not in entry:
                    incomplete.append(name)
            self._packed.incomplete = tuple(incomplete)
        with open_to_read(temporary) as new, master.opened(self._source) as old:
            for name in old:
                self._verify(self._at(old, name), new[name], "")

    def _at(self, old: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
        try:
            return old[name]
        except (KeyError, OSError) as error:
            raise self._unreadable(f"{old.name}/{name}".replace("//", "/"), str(error)) from error

    def _group(self, old: h5py.Group, new: h5py.Group, path: str) -> None:
        for name, value in old.attrs.items():
            new.attrs[name] = value
        for name in sorted(old, key=lambda name: _is_plot(old, name)):
            here = f"{path}/{name}".strip("/")
            if here == _DEFINITION:
                self._definition(self._at(old, name), new, name)
            elif here not in _OURS:
                self._child(old, new, name, here)

    def _child(self, old: h5py.Group, new: h5py.Group, name: str, here: str) -> None:
        link = old.get(name, getlink=True)
        if isinstance(link, h5py.SoftLink):
            new[name] = h5py.SoftLink(link.path)
            return
        outside = isinstance(link, h5py.ExternalLink)
        if outside and _is_named(here):
            new[name] = h5py.ExternalLink(self._from_target(link.filename, old), link.path)
            return
        if outside and not self._frames:
            self._packed.left_out[f"{new.name}/{name}"] = "raw frames were not asked for"
            return
        if outside and (known := self._copied.get((link.filename, link.path))):
            # As within one file NeXus has it: a link, and its target on the original.
            new[name] = h5py.SoftLink(known)
            new.file[known].attrs["target"] = known
            return
        child = self._at(old, name)
        if outside:
            self._copied[link.filename, link.path] = f"{new.name}/{name}"
        if isinstance(child, h5py.Group):
            self._group(child, new.create_group(name), here)
        elif outside or child.is_virtual or child.external:
            self._raw(child, new, name)
        else:
            h5py.h5o.copy(old.id, name.encode(), new.id, name.encode())

    def _definition(self, old: h5py.Dataset, new: h5py.Group, name: str) -> None:
        """The definition's text, once for all entries that were made with the same one."""
        lines = b"\n".join(map(bytes, np.atleast_1d(old[()])))
        if first := self._definitions.get(lines):
            new[name] = new.file[first]
        else:
            h5py.h5o.copy(old.parent.id, old.name.rpartition("/")[2].encode(), new.id, name.encode())
            self._definitions[lines] = f"{new.name}/{name}"

    def _raw(self, old: h5py.Dataset, new: h5py.Group, name: str) -> None:
        """A dataset whose bytes lie elsewhere, frame by frame, each frame a chunk."""
        if not self._frames:
            self._packed.left_out[f"{new.name}/{name}"] = "raw frames were not asked for"
            return
        chunks = (1, *old.shape[1:]) if old.ndim > _FRAME and all(old.shape) else None
        copy = new.create_dataset(name, old.shape, old.dtype, chunks=chunks)
        for attribute, value in old.attrs.items():
            copy.attrs[attribute] = value
        for index in range(len(old)) if old.ndim > _FRAME else [...]:
            copy[index] = old[index]
            self._packed.frames += 1

    def _from_target(self, name: str, old: h5py.Group) -> str:
        """The name that a file has for the archive, if it is named relative to the file of `old`."""
        if os.path.isabs(name):  # noqa: PTH117 - a text
            return name
        folder = Path(os.path.realpath(old.file.filename)).parent
        return os.path.relpath(folder / name, os.path.realpath(self._packed.file.parent))

    def _verify(self, old: h5py.Group, new: h5py.Group, path: str) -> None:
        """What was copied reads as the original does; of raw frames the first and the last."""
        for name in new:
            link = new.get(name, getlink=True)
            if isinstance(link, h5py.SoftLink | h5py.ExternalLink):
                continue
            one, other = old[name], new[name]
            if isinstance(other, h5py.Group):
                self._verify(one, other, f"{path}/{name}")
            elif other.ndim > _FRAME and len(other):
                same = all(np.array_equal(one[index], other[index], equal_nan=_nan(one)) for index in (0, -1))
                if not same:
                    raise self._unreadable(f"{new.name}/{name}", "its frames read back otherwise than they were")
            elif not np.array_equal(_value(one), _value(other), equal_nan=_nan(one)):
                raise self._unreadable(f"{new.name}/{name}", "it reads back otherwise than it was")

    def _unreadable(self, path: str, why: str) -> ProjectionError:
        return ProjectionError(Problem(f"{self._source}: {path} cannot be packed", why, _REMEDY))


def _is_named(path: str) -> bool:
    """Whether a path from the entry is that of a link that the control system asked for."""
    return path.startswith(f"{LINKS}/")


def _is_plot(group: h5py.Group, name: str) -> bool:
    """Whether it is an NXdata. It comes after what it shows: NeXus wants the link there, not at the detector."""
    is_here = isinstance(group.get(name, getlink=True), h5py.HardLink)
    return is_here and group[name].attrs.get("NX_class") == "NXdata"


def _value(dataset: h5py.Dataset) -> Value:
    return np.asarray(dataset[()])


def _nan(dataset: h5py.Dataset) -> bool:
    return bool(dataset.dtype.kind == "f")
