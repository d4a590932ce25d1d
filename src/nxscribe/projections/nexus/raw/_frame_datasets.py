"""Which datasets in which files show a detector's frames, each frame once: masters lead to others, and show others.

- An Eiger's master has links to its data files, under whatever names: those are the sources.
- A virtual dataset shows the frames of other files in an order of its own (the Eiger's newer masters, Lima2's): where
  it is named beside them, they add nothing.
- Lima2 gives frames to its receivers in turn, each of which writes files of its own: without their master nobody knows
  the order.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import h5py

from nxscribe.projections.nexus._file_resolution import Finder
from nxscribe.projections.nexus.raw._candidate import DatasetLocation
from nxscribe.projections.nexus.raw._choice import Choice, Sought, choose
from nxscribe.projections.nexus.raw._folder import Sizes, identities
from nxscribe.projections.nexus.raw._hdf5_file import Locks, opened, whole
from nxscribe.projections.nexus.raw.contents import file_of, text_of
from nxscribe.projections.nexus.raw.frames import NotYetError, RawError
from nxscribe.projections.nexus.raw.mappings import names_in

_MANY: Final = 50
"""From so many files on those of one size are taken for alike."""
_RECEIVER: Final = re.compile(r"(.*)_(0|[1-9][0-9]*)_[0-9]{5}\.h5")
"""Lima2's names: prefix, number of the receiver, number of the file."""
_LIMA2: Final = re.compile("lima-?2", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FrameDataset:
    """Frames of an HDF5 file."""

    path: str
    dataset: str
    """Empty where it is not known, for the reason in `trouble`."""
    trouble: RawError | None = None
    """Why the file cannot be looked at."""


@dataclass(frozen=True, slots=True)
class FrameDatasets:
    """Of one detector, in the order of their frames."""

    all: tuple[FrameDataset, ...]
    remarks: tuple[str, ...] = ()
    """What else could have been meant."""
    trouble: RawError | None = None
    """Why their order cannot be known, whatever is there."""

    @property
    def files(self) -> list[str]:
        """Each file once."""
        return list(dict.fromkeys(source.path for source in self.all))


@dataclass(frozen=True, slots=True)
class _FileLook:
    """What one named file shows."""

    path: str
    places: tuple[DatasetLocation, ...]
    shows: frozenset[DatasetLocation] = frozenset()
    """What its virtual dataset has the frames of."""
    roots: frozenset[str] = frozenset()
    """The names in its root."""
    remark: str = ""
    trouble: RawError | None = None

    @property
    def elsewhere(self) -> tuple[DatasetLocation, ...]:
        """Where it leads to in other files."""
        return tuple(place for place in self.places if place.path != self.path)

    @property
    def is_plain(self) -> bool:
        """Whether it has frames of its own, and one dataset of them."""
        return [place.path for place in self.places] == [self.path] and not self.shows and not self.remark


def sources(paths: Sequence[str], sought: Sought) -> FrameDatasets:
    """Where the frames of the named files are, as far as they can be looked at."""
    looks = list(_looks(paths, sought, trust_size=len(paths) > _MANY))
    if len(paths) > _MANY and looks[-1].is_plain and list(_looks(paths[-1:], sought, trust_size=False)) != looks[-1:]:
        looks = list(_looks(paths, sought, trust_size=False))
    looks = _without_repeats(looks)
    real = _identities(place.path for look in looks for place in look.places)
    found: dict[tuple[str, str], FrameDataset] = {}
    for look in looks:
        if look.trouble:
            found[look.path, ""] = FrameDataset(look.path, "", look.trouble)
        for place in look.places:
            found.setdefault((real[place.path], place.dataset), FrameDataset(place.path, place.dataset))
    every = tuple(found.values())
    remarks = [look.remark for look in looks if look.remark][:1]
    trouble = _order_trouble(every)
    if trouble and sought.dataset:
        # Who names the dataset says that these files are what they want.
        return FrameDatasets(every, (*remarks, f"{trouble}; they are shown in the order in which they are listed"))
    if trouble:
        what = "if these are not files of Lima2, or their order is right, name `dataset` of the detector in the config"
        trouble = NotYetError(f"{trouble}; {what}")
    return FrameDatasets(every, tuple(remarks), trouble)


def _without_repeats(looks: Sequence[_FileLook]) -> list[_FileLook]:
    """The files but for those that others of them lead to, or show the frames of."""
    real = _identities(path for look in looks for path in (look.path, *_paths((*look.elsewhere, *look.shows))))
    led_to = {real[path] for look in looks for path in _paths(look.elsewhere)}
    shown = {real[path] for look in looks for path in _paths(look.shows) if real[path] != real[look.path]}
    left = [
        look for look in looks if real[look.path] not in shown and (look.elsewhere or real[look.path] not in led_to)
    ]
    if len(left) > 1:
        # Only now is it worth while to open what is shown: that may show the frames of other files in turn.
        for look in left:
            behind = identities(list(_behind((*look.elsewhere, *look.shows))))
            shown |= {path for path in behind if path != real[look.path]}
    return [look for look in left if real[look.path] not in shown]


def _identities(paths: Iterable[str]) -> dict[str, str]:
    """By the name of each file what all its names have in common."""
    every = list(dict.fromkeys(paths))
    return dict(zip(every, identities(every), strict=True))


def _paths(places: Iterable[DatasetLocation]) -> Iterator[str]:
    return (place.path for place in places)


def _behind(places: Iterable[DatasetLocation]) -> Iterator[str]:
    """The files whose frames are shown at places of other files, through virtual datasets of virtual datasets too."""
    done: set[DatasetLocation] = set()
    waiting: dict[str, set[str]] = {}
    more = set(places)
    while more or waiting:
        for place in more - done:
            waiting.setdefault(place.path, set()).add(place.dataset)
        done |= more
        more = set()
        if waiting:
            path, datasets = waiting.popitem()
            with contextlib.suppress(RawError), opened(path) as file:
                for dataset in datasets:
                    more |= set(_shown(file.get(dataset)))
            yield from _paths(more)


def _looks(paths: Sequence[str], sought: Sought, *, trust_size: bool) -> Iterator[_FileLook]:
    """What each file shows.

    With `trust_size` files of the size of one that has frames of its own are taken to have them at its place: so of ten
    thousand files few are opened here.
    """
    sizes = Sizes(paths)
    locks = Locks()
    known: dict[int, _FileLook] = {}
    first: _FileLook | None = None
    for path in paths:
        try:
            size = sizes.of(path)
            if like := known.get(size):
                yield replace(like, path=path, places=(DatasetLocation(path, like.places[0].dataset),))
                continue
            whole(path, locks)
            look = _look(path, sought, first)
        except RawError as error:
            yield _FileLook(path, (), trouble=error)
            continue
        first = first or look
        if look.is_plain and trust_size:
            known[size] = look
        yield look


def _look(path: str, sought: Sought, first: _FileLook | None) -> _FileLook:
    with opened(path) as file:
        roots = frozenset(file)
        likely = first.places[0].dataset if first and first.is_plain and first.roots == roots else ""
        node = file.get(likely) if likely else None
        if isinstance(node, h5py.Dataset) and file_of(node) == file_of(file):
            choice = Choice((DatasetLocation(path, likely),))
        else:
            choice = choose(file, path, sought)
            node = file.get(choice.places[0].dataset) if choice.places[0].path == path else None
        return _FileLook(path, choice.places, frozenset(_shown(node)), roots, choice.remark)


def _shown(node: object) -> Iterator[DatasetLocation]:
    """What a virtual dataset has the frames of. Of one that lies behind a link also its own file."""
    if isinstance(node, h5py.Dataset) and node.is_virtual:
        path = file_of(node)
        finder = Finder(Path(path))
        for name, dataset in dict.fromkeys(names_in(node)):
            if found := path if name == "." else finder.resolve(name):
                yield DatasetLocation(str(found), dataset)


def _order_trouble(sources: Sequence[FrameDataset]) -> RawError | None:
    """What is wrong with files of several of Lima2's receivers. Their master may still come."""
    receivers: dict[str, dict[int, FrameDataset]] = {}
    for source in sources:
        if found := _RECEIVER.fullmatch(source.path):
            receivers.setdefault(found[1], {}).setdefault(int(found[2]), source)
    for prefix, firsts in receivers.items():
        if {0, 1} <= firsts.keys() and all(_may_be_lima2(firsts[number]) for number in (0, 1)):
            return NotYetError(
                f"{firsts[0].path} and {firsts[1].path} are files of {len(firsts)} of Lima2's receivers, which got the "
                f"frames in turn, and only their master knows the order: name {prefix}_master.h5 beside them or "
                "instead of them"
            )
    return None


def _may_be_lima2(source: FrameDataset) -> bool:
    """Whether a file that has a name of Lima2's has nothing in it that speaks against it.

    Its frames are in an entry, and if it says by which program it was made, then by Lima2.
    """
    if source.dataset and not source.dataset.strip("/").startswith("entry"):
        return False
    try:
        with opened(source.path) as file:
            creator = text_of(file.attrs.get("creator"))
    except RawError:
        return True
    return not creator or _LIMA2.match(creator) is not None
