"""One file out of many: a master with all that its links lead to, read-only, for the archive.

What the links of an experiment show is copied: entries, and, frame by frame, raw data in other HDF5 files, in virtual
datasets and in external storage. Soft links stay, as they lead to the same places in the new file. nxscribe's own
lists of where frames lie outside are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from nxscribe.errors import Problem, ProjectionError
from nxscribe.model import Value, iso, now
from nxscribe.projections.nexus import atomic, master, writer
from nxscribe.projections.nexus.account import ACCOUNT
from nxscribe.projections.nexus.raw.frames import RawError, status_of

_TOLD: Final = 5
"""Of files that are not there; the others are counted."""
_OURS: Final = frozenset({f"{ACCOUNT}/frames", f"{ACCOUNT}/stored"})
_FRAME: Final = 2
"""Dimensions of one frame."""
_TEMPORARY: Final = ".nxscribe-packing"
"""Not the name that the daemon writes to: the archive may be in an experiment's folder."""
PACKED_FROM: Final = "packed_from"


@dataclass(slots=True)
class Packed:
    """What came of it."""

    file: Path
    entries: int = 0
    incomplete: tuple[str, ...] = ()
    """Entries of scans that had not ended."""
    frames: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    """Raw frames that are not in the file, by path, with the reason."""


def pack(source: Path, target: Path, *, frames: bool = True) -> Packed:
    """Copy a master and all that its links lead to into one new read-only file.

    Args:
        source: The master, in whatever layout.
        target: The new file. It must not exist.
        frames: Copy raw frames too. Without them the file says where they were, in `measurement/files`.

    Raises:
        ProjectionError: When an entry cannot be read, or a raw file is not there or not whole: HDF5 would give fill
            values for it, and the archive would hold them for good. No file is left behind.
    """
    if target.exists():
        raise ProjectionError(Problem(f"{target} exists", "nothing is overwritten", "name a new file"))
    if not source.exists():
        raise ProjectionError(Problem(f"{source} is not there", remedy="give the path of a master file"))
    packed = Packed(target)
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


class _Packing:
    def __init__(self, source: Path, packed: Packed, *, frames: bool) -> None:
        self._source, self._packed, self._frames = source, packed, frames
        self._copied: dict[tuple[str, str], str] = {}
        """What links to other files led to, by file and path, and where it is now: several may lead to one dataset."""

    def run(self, temporary: Path) -> None:
        with master.opened(self._source) as old, h5py.File(temporary, "x") as new:
            incomplete = []
            for name, value in old.attrs.items():
                new.attrs[name] = value
            for name, text in {"file_name": self._packed.file.name, "file_time": iso(now())}.items():
                writer.set_text(new.id, name, text)
            writer.set_text(new.id, PACKED_FROM, self._source.name)
            for name in old:
                entry = self._at(old, name)
                copy = new.create_group(name)
                self._group(entry, copy, "")
                self._packed.entries += 1
                if f"{ACCOUNT}/end_reason" not in entry:
                    incomplete.append(name)
            self._packed.incomplete = tuple(incomplete)
        with h5py.File(temporary, "r", locking=False) as new, master.opened(self._source) as old:
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
            link = old.get(name, getlink=True)
            if here in _OURS:
                continue
            if isinstance(link, h5py.SoftLink):
                new[name] = h5py.SoftLink(link.path)
                continue
            outside = isinstance(link, h5py.ExternalLink)
            if outside and not self._frames:
                self._packed.left_out[f"{new.name}/{name}"] = "raw frames were not asked for"
                continue
            if outside and (known := self._copied.get((link.filename, link.path))):
                # As within one file NeXus has it: a link, and its target on the original.
                new[name] = h5py.SoftLink(known)
                new.file[known].attrs["target"] = known
                continue
            child = self._at(old, name)
            if outside:
                self._copied[link.filename, link.path] = f"{new.name}/{name}"
            if isinstance(child, h5py.Group):
                self._group(child, new.create_group(name), here)
            elif outside or child.is_virtual or child.external:
                self._raw(child, new, name)
            else:
                h5py.h5o.copy(old.id, name.encode(), new.id, name.encode())

    def _raw(self, old: h5py.Dataset, new: h5py.Group, name: str) -> None:
        """A dataset whose bytes lie elsewhere, frame by frame, each frame a chunk."""
        if not self._frames:
            self._packed.left_out[f"{new.name}/{name}"] = "raw frames were not asked for"
            return
        if gone := list(_missing_sources(old)):
            raise self._unreadable(f"{new.name}/{name}", _few(gone))
        chunks = (1, *old.shape[1:]) if old.ndim > _FRAME and all(old.shape) else None
        copy = new.create_dataset(name, old.shape, old.dtype, chunks=chunks)
        for attribute, value in old.attrs.items():
            copy.attrs[attribute] = value
        for index in range(len(old)) if old.ndim > _FRAME else [...]:
            copy[index] = old[index]
            self._packed.frames += 1

    def _verify(self, old: h5py.Group, new: h5py.Group, path: str) -> None:
        """What was copied reads as the original does; of raw frames the first and the last."""
        for name in new:
            link = new.get(name, getlink=True)
            if isinstance(link, h5py.SoftLink):
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
        return ProjectionError(
            Problem(
                f"{self._source}: {path} cannot be packed",
                why,
                "bring back what is missing (`nxscribe fsck` tells), or leave raw frames out (--without-frames)",
            )
        )


def _is_plot(group: h5py.Group, name: str) -> bool:
    """Whether it is an NXdata. It comes after what it shows: NeXus wants the link there, not at the detector."""
    is_here = isinstance(group.get(name, getlink=True), h5py.HardLink)
    return is_here and group[name].attrs.get("NX_class") == "NXdata"


def _missing_sources(dataset: h5py.Dataset) -> Iterator[str]:
    """The files below a dataset that are not there, or shorter than what it takes from them, in words.

    HDF5 itself gives fill values for such, without a word.
    """
    folder = Path(dataset.file.filename).parent
    needed: dict[Path, int] = {}
    for name, offset, size in dataset.external or ():
        path = folder / name
        needed[path] = max(needed.get(path, 0), offset + size)
    for path, size in needed.items():
        try:
            if status_of(path).st_size < size:
                yield f"{path} is shorter than the {size} bytes that are shown of it"
        except RawError as error:
            yield str(error)
    if dataset.is_virtual:
        for file, path in dict.fromkeys((one.file_name, one.dset_name) for one in dataset.virtual_sources()):
            yield from _missing_below(dataset.file if file == "." else _found(folder, file), path)


def _found(folder: Path, file: str) -> Path:
    """Where HDF5 finds a file: an absolute one that is not there is looked for beside the file that names it."""
    path = folder / file
    return path if path.exists() else folder / path.name


def _missing_below(file: h5py.File | Path, path: str) -> Iterator[str]:
    try:
        if isinstance(file, h5py.File):
            yield from _missing_sources(file[path])
        else:
            with h5py.File(file, "r", locking=False) as opened:
                yield from _missing_sources(opened[path])
    except (OSError, KeyError) as error:
        yield f"{path} of {file.filename if isinstance(file, h5py.File) else file} cannot be read: {error}"


def _few(texts: list[str]) -> str:
    more = len(texts) - _TOLD
    return "; ".join(texts[:_TOLD]) + (f"; and {more} more" if more > 0 else "")


def _value(dataset: h5py.Dataset) -> Value:
    return np.asarray(dataset[()])


def _nan(dataset: h5py.Dataset) -> bool:
    return bool(dataset.dtype.kind == "f")
