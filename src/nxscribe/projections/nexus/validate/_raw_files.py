"""Checks the lists of raw files: each file must exist, must not be empty, and must have the stored checksum."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import h5py

from nxscribe.errors import Severity
from nxscribe.projections.nexus._copies import is_copy
from nxscribe.projections.nexus._file_resolution import is_shut, is_there, resolve
from nxscribe.projections.nexus._opening import open_to_read
from nxscribe.projections.nexus._provenance import ACCOUNT, PACKED_FROM
from nxscribe.projections.nexus.raw import FILES
from nxscribe.projections.nexus.raw.checksums import ALGORITHM, checksum_of
from nxscribe.projections.nexus.raw.stamps import MODIFIED, SAMPLE, SIZE, Stamp
from nxscribe.projections.nexus.validate._definition_checks import expected_to_lack
from nxscribe.projections.nexus.validate._entry_context import (
    EntryContext,
    Object,
    is_list,
    nx_class,
    objects,
    text,
    texts,
)
from nxscribe.projections.nexus.validate._finding import Check, Finding

_MOST_NAMED = 5


def check_raw_files(place: EntryContext) -> Iterator[Finding]:
    """Listed files that do not exist, are empty, or have changed since their checksums were computed."""
    expected, copied = expected_to_lack(place), _copied(place)
    is_archive = PACKED_FROM in place.group.file.attrs and _holds_frames(place)
    for path, node in objects(place.group):
        # An archive lists the files that it was made of, and holds their frames itself.
        if isinstance(node, h5py.Dataset) and is_list(path, node, place) and not is_archive:
            stamps = _stamps(node)
            may_lack = path.removeprefix(f"{place.group.name}/").startswith(expected)
            yield from _listed(place, path, node, frozenset(stamps), copied, may_lack=may_lack)
            yield from _told(place, path, _changed(node, place), "not what they were")
            if not _may_change(place):
                yield from _rewritten(place, path, stamps)
    if isinstance(place.group.get(ACCOUNT), h5py.Group):
        yield from _unlisted(place)


def _unlisted(place: EntryContext) -> Iterator[Finding]:
    """Lists of raw files that nxscribe writes beside all frames that lie in other files, and that are not there."""
    detectors = [(path, node) for path, node in objects(place.group) if nx_class(node) == "NXdetector"]
    lists = [f"{path}/data_file" for path, node in detectors if _lies_elsewhere(node) and "data_file" not in node]
    if FILES not in place.group and any("data_file" in node for _, node in detectors):
        lists.append(f"{place.group.name}/{FILES}")
    for path in lists:
        yield place.find(
            Check.RAW, path, "it is missing, and nxscribe lists the raw files there",
            "it was removed since the entry was made", "make the entry again: nxscribe regenerate",
        )  # fmt: skip


def _lies_elsewhere(detector: Object) -> bool:
    """Whether a detector's frames are read from other files."""
    link = detector.get("data", getlink=True) if isinstance(detector, h5py.Group) else None
    if isinstance(link, h5py.HardLink):
        frames = detector["data"]
        if not isinstance(frames, h5py.Dataset):
            return False
        # Frames chosen of another dataset of the same file have that dataset's list.
        from_files = frames.is_virtual and any(source.file_name != "." for source in frames.virtual_sources())
        return from_files or bool(frames.external)
    return isinstance(link, h5py.ExternalLink)


def _listed(
    place: EntryContext,
    path: str,
    listing: h5py.Dataset,
    were_there: frozenset[str],
    copied: frozenset[str],
    *,
    may_lack: bool,
) -> Iterator[Finding]:
    """The files of one list that are not there now, or of no use. Some were there when the entry was made."""
    missing: list[str] = []
    lost: list[str] = []
    kept: list[str] = []
    empty: list[str] = []
    shut: list[str] = []
    for name in texts(listing):
        file = place.listed(name)
        if is_shut(file):
            shut.append(name)
        elif not is_there(file):
            (kept if name in copied else lost if name in were_there else missing).append(name)
        elif not file.stat().st_size:
            empty.append(name)
    yield from _told(place, path, missing, "not there", may_lack=may_lack)
    yield from _told(place, path, empty, "empty", may_lack=may_lack)
    yield from _told(place, path, lost, "not there any more")
    if kept:
        yield Finding(
            Check.RAW, str(place.file), path,
            f"{len(kept)} of the raw files it lists are not there any more: {_shown(kept)}",
            "they were moved or deleted; their frames were copied when the entry was made, and are whole",
            "bring them back if the headers of the files are needed", Severity.WARNING,
        )  # fmt: skip
    if shut:
        yield place.find(
            Check.RAW, path,
            f"{len(shut)} of the raw files it lists may not be read by this user: {_shown(shut)}",
            "their permissions, or those of their folders", "give the right to read them, or run as who has it",
        )  # fmt: skip


def _copied(place: EntryContext) -> frozenset[str]:
    """The raw files whose frames the entry holds itself, all of them: what became of the files does not touch these."""
    names: set[str] = set()
    for _, node in objects(place.group):
        if nx_class(node) == "NXdetector" and "data_file" in node and _are_copies(place, node):
            names.update(texts(node["data_file"].get("file_name")))
    return frozenset(names)


def _are_copies(place: EntryContext, detector: h5py.Group) -> bool:
    """Whether a detector's frames lie in the file of copies that nxscribe made for the entry."""
    link = detector.get("data", getlink=True)
    if not isinstance(link, h5py.ExternalLink) or f"{place.group.name}/" not in f"{link.path}/":
        return False
    file = resolve(link.filename, place.file)
    if file is None or file.parent.parent.name != "frames":
        return False
    try:
        with open_to_read(file) as opened:
            frames = opened.get(link.path)
            return isinstance(frames, h5py.Dataset) and is_copy(frames)
    except (OSError, KeyError, RuntimeError):
        return False  # a finding about the link


def _stamps(listing: h5py.Dataset) -> dict[str, Stamp]:
    """What the entry has noted of the files that were there when it was made, by their names."""
    note = listing.parent
    if listing.name.rpartition("/")[2] != "file_name" or SIZE not in note or MODIFIED not in note:
        return {}
    sizes, times = note[SIZE][()].tolist(), note[MODIFIED][()].tolist()
    samples = texts(note[SAMPLE]) if SAMPLE in note else [""] * len(sizes)
    stamps = map(Stamp, sizes, times, samples)
    return {name: stamp for name, stamp in zip(texts(listing), stamps, strict=False) if stamp.size >= 0}


def _may_change(place: EntryContext) -> bool:
    """Whether the scan still runs, or raw files are awaited."""
    account = place.group.get(ACCOUNT)
    return isinstance(account, h5py.Group) and ("end_reason" not in account or "pending" in account)


def _rewritten(place: EntryContext, path: str, stamps: dict[str, Stamp]) -> Iterator[Finding]:
    """The files that were written since the entry was made, by their sizes and contents, or by their times alone."""
    changed: dict[bool | None, list[str]] = {}
    for name, stamp in stamps.items():
        with contextlib.suppress(OSError):  # not there: said already
            changed.setdefault(stamp.differs(place.listed(name)), []).append(name)
    if names := changed.get(True):
        yield place.find(
            Check.RAW, path,
            f"{len(names)} of the raw files it lists are not those that the entry was made with: {_shown(names)}",
            "they were rewritten or replaced since: what the entry shows as pixels may be other bytes, or other frames",
            "bring the files of then back; if those of now are right, make the entry again: nxscribe regenerate",
        )  # fmt: skip
    if names := changed.get(None):
        yield Finding(
            Check.RAW, str(place.file), path,
            f"{len(names)} of the raw files it lists have the size, but not the time of then: {_shown(names)}",
            "they were copied without their times, or written since", "", Severity.WARNING,
        )  # fmt: skip


def _told(place: EntryContext, path: str, names: list[str], what: str, *, may_lack: bool = False) -> Iterator[Finding]:
    if names:
        yield Finding(
            Check.RAW, str(place.file), path, f"{len(names)} of the raw files it lists are {what}: {_shown(names)}",
            "the scan was cut short before they were written" if may_lack
            else "moved, deleted, never written, or damaged since",
            "" if may_lack else "bring them back",
            Severity.WARNING if may_lack else Severity.ERROR,
        )  # fmt: skip


def _changed(listing: h5py.Dataset, place: EntryContext) -> list[str]:
    """The files that do not have the checksum that stands beside their names any more."""
    sums = listing.parent.get("checksum")
    if not isinstance(sums, h5py.Dataset) or text(listing.parent.get("algorithm")) != ALGORITHM:
        return []
    changed = []
    for name, wanted in zip(texts(listing), texts(sums), strict=False):
        with contextlib.suppress(OSError):  # not there: said already
            if wanted and checksum_of(place.listed(name)) != wanted:
                changed.append(name)
    return changed


def _holds_frames(place: EntryContext) -> bool:
    """Whether every detector of the entry that has a list of raw files has their frames too."""
    detectors = [node for _, node in objects(place.group) if nx_class(node) == "NXdetector" and "data_file" in node]
    return all(isinstance(detector.get("data"), h5py.Dataset) for detector in detectors)


def _shown(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
