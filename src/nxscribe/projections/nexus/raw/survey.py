"""Which frames of a dataset exist, and why others do not: HDF5 gives fill values for them without an error.

In a virtual dataset a frame reads as fill where it has no mapping, where the source is not there, has no such dataset
or is shorter, and where the source itself holds nothing: a chunk that was never written, a virtual dataset with gaps.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import h5py
import numpy as np
import numpy.typing as npt

from nxscribe.projections.nexus._file_resolution import Finder, candidates, resolve, why_none
from nxscribe.projections.nexus.nodes import FRAME_RANK
from nxscribe.projections.nexus.raw._hdf5_file import Locks, frames_there, opened, whole
from nxscribe.projections.nexus.raw._holes import holes_of, share_on_disk
from nxscribe.projections.nexus.raw.contents import file_of
from nxscribe.projections.nexus.raw.frames import RawError
from nxscribe.projections.nexus.raw.mappings import Mapping, in_block, layers_of, mappings, series_in

Inspection: TypeAlias = Callable[[h5py.Dataset, Path], Iterable[str]]
"""Looks at one dataset of a file, and tells what is wrong with it."""

_MANY: Final = 500
"""From so many sources on, files of one size are taken for alike if their frames are not compressed."""
_TOLD: Final = 20
"""Different reasons that are told; the frames of all others are named too."""
_DEEPEST: Final = 8
"""Virtual datasets of virtual datasets."""


@dataclass
class Survey:
    """Which frames of a dataset exist."""

    count: int
    shape: tuple[int, ...] = ()
    is_stack: bool = True
    """Whether the first dimension is that of the frames."""
    absent: dict[int, str] = field(default_factory=dict)
    """The frames that read as fill values, wholly or in part, by index, with the reason."""
    remarks: dict[str, None] = field(default_factory=dict)
    """What else is odd, each once."""
    dtype: np.dtype[np.generic] | None = None
    files: int = 0
    """How many files the frames come from, besides the dataset's own."""
    is_plain: bool = False
    """Whether the frames lie in the file as they are in memory, so that its size tells whether all are there."""

    @functools.cached_property
    def is_absent(self) -> npt.NDArray[np.bool_]:
        """Whether each frame is, when all of it was looked at."""
        absent = np.zeros(self.count, np.bool_)
        absent[list(self.absent)] = True
        return absent

    @property
    def before_gap(self) -> int:
        """How many frames are there from the first on."""
        return min(self.absent, default=self.count)

    @property
    def has_gap(self) -> bool:
        """Whether frames are there after one that is not."""
        return len(self.absent) < self.count - self.before_gap

    @property
    def told(self) -> str:
        """The frames that are not there, with the reasons, in words."""
        frames: dict[str, list[int]] = {}
        for index in sorted(self.absent):
            frames.setdefault(self.absent[index], []).append(index)
        reasons = list(frames.items())
        told = [f"{_frames(indices)}: {reason}" for reason, indices in reasons[:_TOLD]]
        if more := reasons[_TOLD:]:
            told.append(f"{_frames(sorted(index for _, indices in more for index in indices))}: like reasons")
        return "; ".join(told)


def survey(dataset: h5py.Dataset, file: Path, rank: int = FRAME_RANK, inspect: Inspection | None = None) -> Survey:
    """Look at all frames of a dataset, through all files that they come from.

    Args:
        dataset: Frames, or one frame.
        file: The file that it is in, by the name that it was opened by.
        rank: Dimensions of one frame.
        inspect: What is to be done with each dataset that holds frames itself; what it finds goes into the remarks.
    """
    many = inspect is None and dataset.is_virtual and dataset.id.get_create_plist().get_virtual_count() > _MANY
    trusting = _Surveyor(rank, inspect, trust_size=many)
    found = trusting.look(dataset, file, ())
    return found if trusting.is_sure() else _Surveyor(rank, inspect, trust_size=False).look(dataset, file, ())


class _Above(NamedTuple):
    """A virtual dataset that is being looked at."""

    path: str
    """Of its real file."""
    dataset: str
    file: h5py.File


class _Surveyor:
    def __init__(self, rank: int, inspect: Inspection | None, *, trust_size: bool) -> None:
        self._rank, self._inspect, self._trust_size = rank, inspect, trust_size
        self._locks = Locks()
        self._finders: dict[Path, Finder] = {}
        self._sources: dict[tuple[str, str], Survey | str] = {}
        """By file and dataset: what was seen, or why nothing could be."""
        self._alike: dict[tuple[int, str], Survey] = {}
        """The first source of each size, by size and dataset."""
        self._trusted: tuple[Path, str, Survey, tuple[_Above, ...]] | None = None
        """The last one that was not opened."""

    def look(self, dataset: h5py.Dataset, file: Path, above: tuple[_Above, ...]) -> Survey:
        """`above` are the virtual datasets that it is the source of."""
        is_stack = dataset.ndim > self._rank
        count = dataset.shape[0] if is_stack else 1
        seen = Survey(count, dataset.shape, is_stack, dtype=dataset.dtype)
        if dataset.is_virtual:
            own = _Above(os.path.realpath(file), dataset.name, dataset.file)
            if any(own[:2] == one[:2] for one in above) or len(above) > _DEEPEST:
                seen.absent = dict.fromkeys(range(count), f"shown of {dataset.name} of {file}, which is its own source")
            else:
                self._look_behind(dataset, file, seen, (*above, own))
        elif dataset.external:
            seen.absent = _absent_outside(dataset, file, count)
        else:
            there = frames_there(dataset, self._rank)
            seen.absent = dict.fromkeys(np.flatnonzero(~there).tolist(), f"never written in {file}")
            seen.remarks = dict.fromkeys(self._inspect(dataset, file) if self._inspect else ())
            seen.is_plain = not dataset.id.get_create_plist().get_nfilters()
        return seen

    def is_sure(self) -> bool:
        """Whether the last source that was taken for like others is so."""
        if self._trusted is None:
            return True
        file, path, alike, above = self._trusted
        seen = self._open(file, path, above)
        return isinstance(seen, Survey) and (seen.shape, seen.absent) == (alike.shape, alike.absent)

    def _look_behind(self, dataset: h5py.Dataset, file: Path, seen: Survey, above: tuple[_Above, ...]) -> None:
        mapped = np.zeros(seen.count, np.int64)
        for mapping in mappings(dataset):
            frames = mapping.there.indices if seen.is_stack else np.zeros_like(mapping.there.indices)
            np.add.at(mapped, frames, mapping.there.sizes)
            source = self._source(file, mapping, above)
            if isinstance(source, str):
                seen.absent |= dict.fromkeys(frames.tolist(), source)
            else:
                name = f"{mapping.dataset} of {mapping.file}"
                if source.dtype != dataset.dtype:
                    seen.remarks[f"{name} is of type {source.dtype}, and is shown as {dataset.dtype}"] = None
                seen.remarks |= source.remarks
                for layer, reason in _lacking(mapping, name, source):
                    seen.absent.setdefault(int(frames[layer]), reason)
        # Gaps between a detector's modules are in all frames: a frame lacks something where others have more.
        for index in np.flatnonzero(mapped < max(int(mapped.max(initial=0)), 1)).tolist():
            what = "a source for a part of the pixels only" if mapped[index] else "no source"
            seen.absent.setdefault(index, what)
        seen.files = len({name for name, _ in self._sources})
        seen.remarks |= dict.fromkeys(_hidden(dataset, file))

    def _source(self, file: Path, mapping: Mapping, above: tuple[_Above, ...]) -> Survey | str:
        """What the source of a mapping in `file` has, or why it has nothing, as the end of a sentence."""
        key = (f"{file.parent}/{mapping.file}" if mapping.file != "." else str(file), mapping.dataset)
        if key not in self._sources:
            if file not in self._finders:
                self._finders[file] = Finder(file)
            found = file if mapping.file == "." else self._finders[file].resolve(mapping.file)
            self._sources[key] = (
                self._look_into(found, mapping.dataset, above)
                if found
                else f"shown of {mapping.file}, {why_none(mapping.file, file)}"
            )
        return self._sources[key]

    def _look_into(self, file: Path, path: str, above: tuple[_Above, ...]) -> Survey | str:
        status = file.stat()
        key = (status.st_size, path)
        if self._trust_size and key in self._alike and share_on_disk(status) >= 1:
            alike = self._alike[key]
            self._trusted = (file, path, alike, above)
            return alike
        seen = self._open(file, path, above)
        if isinstance(seen, Survey) and seen.is_plain and not seen.absent:
            self._alike.setdefault(key, seen)
        return seen

    def _open(self, file: Path, path: str, above: tuple[_Above, ...]) -> Survey | str:
        real = os.path.realpath(file)
        if known := next((one.file for one in above if one.path == real), None):
            return self._at(known, file, path, above)
        try:
            whole(str(file), self._locks)
            with opened(str(file), above[-1].file) as source:
                return self._at(source, file, path, above)
        except RawError as error:
            return f"shown of {file}: {error}"

    def _at(self, source: h5py.File, file: Path, path: str, above: tuple[_Above, ...]) -> Survey | str:
        node = source.get(path)
        if not isinstance(node, h5py.Dataset):
            return f"shown of {path} of {file}, which does not have this dataset"
        # An external link on the way leads to another file.
        return self.look(
            node, file if h5py.h5f.get_name(node.id) == h5py.h5f.get_name(source.id) else Path(file_of(node)), above
        )


def _hidden(dataset: h5py.Dataset, file: Path) -> Iterator[str]:
    """What HDF5 does not show of a series of files, as one before them is not there."""
    for pattern, shown in series_in(dataset):
        first = in_block(pattern, shown)
        if "%b" not in os.path.basename(pattern).replace("%%", "") or resolve(first, file):  # noqa: PTH119 - a text
            continue
        beside = candidates(first, file)[0].parent
        try:
            there = frozenset(path.name for path in beside.iterdir())
        except OSError:
            continue
        later = range(shown + 1, shown + 1 + len(there))
        names = [os.path.basename(in_block(pattern, block)) for block in later]  # noqa: PTH119 - as above
        if after := [name for name in names if name in there]:
            yield f"the series of {dataset.name} ends before {first}, which is not there, although {after[0]} is"


def _lacking(mapping: Mapping, path: str, source: Survey) -> Iterator[tuple[int, str]]:
    """The layers of a mapping that read as fill, by their place in it, with the reason."""
    there = mapping.there
    if not source.absent and _holds(mapping, source.shape):
        return
    if mapping.source.get_select_type() != h5py.h5s.SEL_ALL and len(mapping.source.shape) != len(source.shape):
        reason = f"shown of {path}, which has {len(source.shape)} dimensions instead of {len(mapping.source.shape)}"
        yield from ((layer, reason) for layer in range(len(there.indices)))
        return
    taken = layers_of(mapping.source, source.shape)
    if any(end > length for end, length in zip(taken.ends[1:], source.shape[1:], strict=True)):
        yield from (
            (layer, f"shown of {path}, which is smaller: {source.shape}") for layer in range(len(there.indices))
        )
        return
    absent = source.is_absent
    length = source.shape[0] if source.shape else 1
    short = taken.indices >= length
    lacking = short | (absent[np.where(short, 0, taken.indices)] if source.is_stack and source.count else absent.any())
    if not lacking.any() and there.sizes.sum() <= taken.sizes.sum():
        return
    # HDF5 goes through both selections element by element: a layer here may be several there, or a part of one.
    ends_here, ends_there = np.cumsum(there.sizes), np.cumsum(taken.sizes)
    firsts = np.searchsorted(ends_there, ends_here - there.sizes, "right")
    lasts = np.searchsorted(ends_there, ends_here - 1, "right")
    for layer, (first, last) in enumerate(zip(firsts.tolist(), lasts.tolist(), strict=True)):
        bad = np.flatnonzero(lacking[first : last + 1])
        if last >= len(taken.indices) or (len(bad) and short[first + bad[0]]):
            yield layer, f"shown of {path}, which is short: {source.shape}"
        elif len(bad):
            index = int(taken.indices[first + bad[0]]) if source.is_stack else 0
            yield layer, source.absent.get(index) or next(iter(source.absent.values()))


def _holds(mapping: Mapping, shape: tuple[int, ...]) -> bool:
    """Whether a source of this shape has all that is taken of it, where that is seen at once."""
    kind = mapping.source.get_select_type()
    needed = int(mapping.there.sizes.sum())
    if kind == h5py.h5s.SEL_ALL:
        return needed <= math.prod(shape)
    if kind != h5py.h5s.SEL_HYPERSLABS or not mapping.source.is_regular_hyperslab():
        return False
    axes = list(zip(*mapping.source.get_regular_hyperslab(), strict=True))
    ends = [start + stride * (count - 1) + block for start, stride, count, block in axes]
    return (
        len(axes) == len(shape)
        and all(end <= length for end, length in zip(ends, shape, strict=True))
        and needed <= math.prod(count * block for _, _, count, block in axes)
    )


def _absent_outside(dataset: h5py.Dataset, file: Path, count: int) -> dict[int, str]:
    """The frames of external storage whose bytes are not all there."""
    absent: dict[int, str] = {}
    size = dataset.dtype.itemsize * math.prod(dataset.shape) // max(count, 1)
    place = 0
    for name, offset, length in dataset.external:
        if reason := _lack_outside(name, offset, length, file):
            frames = range(place // max(size, 1), min(-(-(place + length) // max(size, 1)), count))
            absent |= {index: reason for index in frames if index not in absent}
        place += length
    return absent


def _lack_outside(name: str, offset: int, length: int, file: Path) -> str:
    found = resolve(name, file)
    if found is None:
        return f"shown of {name}, {why_none(name, file)}"
    if not os.access(found, os.R_OK):
        return f"shown of {found}, which this user may not read"
    status = found.stat()
    if status.st_size < offset + length:
        short = f"{status.st_size} bytes of {offset + length}"
        return f"shown of {found}, which is truncated, and is shorter than what is shown of it: {short}"
    if share_on_disk(status) < 1 and holes_of(str(found)).ends(offset, length):
        return f"shown of {found}, and not written to the end"
    return ""


def _frames(indices: Sequence[int]) -> str:
    """`frames 2 to 4 and 7`."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    told = [str(first) if first == last else f"{first} to {last}" for first, last in runs]
    many = "frames" if len(indices) > 1 else "frame"
    return f"{many} {', '.join(told[:-1])} and {told[-1]}" if told[1:] else f"{many} {told[0]}"
