"""Where frames really come from: the sources of virtual datasets, and files of external storage.

HDF5 itself says nothing: a virtual dataset reads as its fill value where a source is missing or short, and a truncated
file of external storage reads as zeros.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import h5py

from nxscribe.projections.nexus.nodes import FRAME_RANK
from nxscribe.projections.nexus.raw.hdf5_file import frames_written
from nxscribe.projections.nexus.raw.holes import holes_of, share_on_disk
from nxscribe.projections.nexus.validate.finding import Check, Finding
from nxscribe.projections.nexus.validate.place import Place, links, objects, resolve

_DEEPEST = 8
"""Virtual datasets of virtual datasets."""


def check_sources(place: Place) -> Iterator[Finding]:
    """What is wrong behind the datasets of an entry, through all files that they come from."""
    done: set[tuple[Path, str]] = set()
    for path, node in objects(place.group):
        if isinstance(node, h5py.Dataset):
            for what in problems_behind(node, place.file, done):
                yield place.find(Check.RAW, path, what, "", "bring the file back, or list what was lost")
    for path, link in links(place.group):
        if isinstance(link, h5py.ExternalLink):
            file = resolve(link.filename, place.file.parent)
            for what in _behind_link(file, link.path, done) if file else ():
                yield place.find(Check.RAW, path, what, "", "bring the file back, or list what was lost")


def _behind_link(file: Path, path: str, done: set[tuple[Path, str]]) -> Iterator[str]:
    try:
        with h5py.File(file, "r", locking=False) as opened:
            node = opened.get(path)
            if isinstance(node, h5py.Dataset):
                yield from problems_behind(node, file, done)
    except OSError:
        return  # a finding about the link itself


def problems_behind(dataset: h5py.Dataset, file: Path, done: set[tuple[Path, str]], depth: int = 0) -> Iterator[str]:
    """What is wrong with the bytes that a dataset is made of, in words."""
    key = (file, dataset.name)
    if key in done:
        return
    done.add(key)
    if depth > _DEEPEST:
        yield f"{dataset.name} of {file} is a virtual dataset of virtual datasets without end"
    elif dataset.is_virtual:
        yield from _virtual(dataset, file, done, depth)
    elif dataset.external:
        yield from _stored_outside(dataset, file)
    elif depth or dataset.ndim > 1:
        yield from _readable(dataset, file)
        yield from _unwritten(dataset, file)


def _virtual(dataset: h5py.Dataset, file: Path, done: set[tuple[Path, str]], depth: int) -> Iterator[str]:
    wanted: dict[tuple[str, str], list[tuple[int, ...]]] = defaultdict(list)
    for source in dataset.virtual_sources():
        space = source.src_space
        is_all = space.get_select_type() == h5py.h5s.SEL_ALL
        bounds = () if is_all else space.get_select_bounds()[1]
        wanted[source.file_name, source.dset_name].append(bounds)
    for (name, path), ends in wanted.items():
        found = file if name == "." else resolve(name, file.parent)
        if found is None:
            yield f"the source {name} is not there: its frames read as the fill value {dataset.fillvalue}"
            continue
        try:
            with h5py.File(found, "r", locking=False) as opened:
                node = opened.get(path)
                if not isinstance(node, h5py.Dataset):
                    yield f"the source {found} has no dataset {path}: it reads as the fill value {dataset.fillvalue}"
                    continue
                if any(len(end) != node.ndim or _exceeds(end, node.shape) for end in ends if end):
                    yield f"{path} of the source {found} is short ({node.shape}): what is left reads as fill values"
                if node.dtype != dataset.dtype:
                    yield f"{path} of the source {found} is of type {node.dtype}, and is shown as {dataset.dtype}"
                yield from problems_behind(node, found, done, depth + 1)
        except OSError as error:
            yield f"the source {found} cannot be opened as HDF5: {error}"


def _exceeds(end: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    return any(last >= length for last, length in zip(end, shape, strict=True))


def _stored_outside(dataset: h5py.Dataset, file: Path) -> Iterator[str]:
    for name, offset, size in dataset.external:
        found = resolve(name, file.parent)
        if found is None:
            yield f"the raw file {name} is not there"
            continue
        status = found.stat()
        if status.st_size < offset + size:
            what = f"{status.st_size} bytes of {offset + size}; the rest reads as zeros"
            yield f"the raw file {found} is truncated: {what}"
        elif share_on_disk(status) < 1 and holes_of(str(found)).ends(offset, size):
            yield f"the raw file {found} was not written to the end of the frame at byte {offset}: it reads as zeros"


def _unwritten(dataset: h5py.Dataset, file: Path) -> Iterator[str]:
    if dataset.ndim not in {FRAME_RANK, FRAME_RANK + 1} or not dataset.size:
        return
    count = len(dataset) if dataset.ndim > FRAME_RANK else 1
    if (there := frames_written(dataset)) < count:
        yield f"of {dataset.name} of {file}, {there} of {count} frames were written: the rest reads as zeros"


def _readable(dataset: h5py.Dataset, file: Path) -> Iterator[str]:
    """The first and the last frame: a filter that is not there, or damage, shows."""
    if not dataset.size:
        yield f"{dataset.name} of {file} holds no frames"
        return
    try:
        if dataset.ndim:
            _ = dataset[0], dataset[-1]
    except (OSError, RuntimeError, ValueError) as error:
        yield f"{dataset.name} of {file} cannot be read: {error}"
