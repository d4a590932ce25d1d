"""Which dataset of an HDF5 file the frames are: never guessed without a word.

What the config names is taken. Else what NeXus calls the data comes before what is merely large. Calibrations, masks
and tables are not frames, and where the frames are behind a link that leads nowhere, nothing else is taken for them.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

import h5py

from nxscribe.model import from_iso, local
from nxscribe.projections.nexus.raw._candidate import Candidate, DatasetLocation, Evidence
from nxscribe.projections.nexus.raw.contents import Contents, contents_of, names_in, place_at
from nxscribe.projections.nexus.raw.frames import NotYetError

_CLOCKS: Final = timedelta(seconds=1)
"""So much may the clock of a detector's computer differ from ours."""
_TOLD: Final = 4
"""Of several candidates, so many are named."""
_NUMBER: Final = re.compile("([0-9]+)")
_WILDCARD: Final = re.compile(r"[*?[]")
_NOT_THERE: Final = (KeyError, OSError, RuntimeError, ValueError)
"""What h5py raises for a name that is not there, a link that leads nowhere, and a name that is not UTF-8."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What is known of the frames that are looked for."""

    detector: str
    """Its name in the config."""
    dataset: str = ""
    """A path or a pattern of a path from the config. Empty: nxscribe searches for the frames."""
    start: datetime | None = None
    end: datetime | None = None
    """Of the scan."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Where the frames of a file are."""

    places: tuple[DatasetLocation, ...]
    remark: str = ""
    """What else they could have been."""


def choose(file: h5py.File, path: str, sought: Sought) -> Choice:
    """The frames of a file that is open, by its `path`. Raises NotYetError where there are none, with what there is."""
    if sought.dataset:
        return _named(file, path, sought)
    contents = contents_of(file)
    likely = [one for one in contents.candidates if _is_likely(one)]
    if not likely:
        raise NotYetError(_why_none(path, contents))
    best = min(likely, key=lambda one: _order(one, sought))
    if not best.places:
        raise NotYetError(f"{path}: the frames are behind the link {best.path}, and {best.gone}")
    if best.evidence is Evidence.NOTHING and contents.astray and not best.is_stack:
        raise NotYetError(_why_none(path, contents))
    series = [one for one in likely if _is_another_time(one, best)]
    if series:
        chosen, remark = _of_this_scan(file, [best, *series], sought)
    else:
        chosen, remark = [best], ""
    elsewhere = {one.entry for one in (best, *series)} - {one.entry for one in chosen}
    rivals = [
        one
        for one in likely
        if one not in chosen and one not in series and one.entry not in elsewhere and _is_rival(one, best, sought)
    ]
    remarks = [remark, _rivals(best, rivals, contents)]
    return _choice(path, chosen, *remarks)


def _choice(path: str, chosen: Sequence[Candidate], *remarks: str) -> Choice:
    places = tuple(place for one in chosen for place in one.places)
    return Choice(places, "; ".join(f"{os.path.basename(path)}: {one}" for one in remarks if one))  # noqa: PTH119


def _named(file: h5py.File, path: str, sought: Sought) -> Choice:
    """What the config names: a path, or a pattern of one, such as `entry_*/measurement/data`.

    Of several matches in one entry all are shown, in the order of their numbers; of several entries those of this scan.
    """
    dataset = sought.dataset
    try:
        node = file[dataset]
    except _NOT_THERE as error:
        found = list(_matches(file, dataset)) if _WILDCARD.search(dataset) else []
        if not found:
            what = f"{path} has no dataset {dataset}, or its link leads nowhere"
            raise NotYetError(f"{what}: {error}") from error
        if len({one.entry for one in found}) > 1:
            return _choice(path, *_of_this_scan(file, found, sought))
        return _choice(path, sorted(found, key=lambda one: _natural(one.path)))
    if not isinstance(node, h5py.Dataset):
        raise NotYetError(f"{path} has no dataset {dataset}: a group has this name")
    return Choice((place_at(file, dataset),))


def _matches(file: h5py.File, pattern: str) -> Iterator[Candidate]:
    """The datasets whose paths match a pattern, name by name: `*` stands for a part of one name, as in a shell."""
    groups = [("", file)]
    *above, last = pattern.strip("/").split("/")
    for part in above:
        groups = [(path, node) for path, node in _below(groups, part) if isinstance(node, h5py.Group)]
    for path, node in _below(groups, last):
        if isinstance(node, h5py.Dataset):
            yield Candidate((path,), Evidence.DEFAULT, (place_at(file, path),), node.shape, node.dtype.kind)


def _below(groups: Sequence[tuple[str, h5py.Group]], pattern: str) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
    for path, group in groups:
        for name in names_in(group):
            if fnmatchcase(name, pattern):
                with contextlib.suppress(*_NOT_THERE):
                    yield f"{path}/{name}", group[name]


def _is_likely(one: Candidate) -> bool:
    if not one.shape or one.evidence is Evidence.DETECTOR:
        return True
    beside = one.evidence is Evidence.NOTHING and one.in_detector and not one.is_stack
    return not (beside or one.is_calibration or one.is_table)


def _order(one: Candidate, sought: Sought) -> tuple[object, ...]:
    """The best is the least."""
    is_stack = one.is_stack or not one.shape
    return one.evidence is Evidence.NOTHING, not _is_of(one, sought), not is_stack, one.evidence, -math.prod(one.shape)


def _is_of(one: Candidate, sought: Sought) -> bool:
    """Whether a group on the way is called as the detector is in the config."""
    return any(sought.detector in path.split("/") for path in one.paths)


def _is_another_time(one: Candidate, other: Candidate) -> bool:
    """Whether it lies at the same place in an entry that differs in its number: `entry_0001` and `entry_0002`."""
    return (
        one.entry != other.entry
        and _NUMBER.sub("0", one.entry) == _NUMBER.sub("0", other.entry)
        and bool(one.below_entry & other.below_entry)
    )


def _is_rival(one: Candidate, best: Candidate, sought: Sought) -> bool:
    """Whether it could be meant as well as the best."""
    if _is_of(best, sought) and not _is_of(one, sought):
        return False
    if best.evidence is Evidence.NOTHING:
        return one.is_stack == best.is_stack
    return one.evidence is not Evidence.NOTHING


def _rivals(best: Candidate, rivals: Sequence[Candidate], contents: Contents) -> str:
    """What to say of the choice; empty where there was none."""
    others = [one.path for one in rivals]
    if best.evidence is Evidence.NOTHING:
        others += [f"{one.path} (which leads nowhere: {one.gone})" for one in contents.astray]
    if others:
        more = f" and {len(others) - _TOLD} more" if len(others) > _TOLD else ""
        return (
            f"{best.path} is shown; {', '.join(others[:_TOLD])}{more} could be meant too: name the right one as "
            "`dataset` of the detector in the config"
        )
    if best.evidence is Evidence.NOTHING and not contents.is_whole:
        return (
            f"{best.path} is shown, and only a part of the file's datasets was looked at: name the right one as "
            "`dataset` of the detector in the config"
        )
    return ""


def _why_none(path: str, contents: Contents) -> str:
    """With what is there instead."""
    why = f"{path} holds no frames"
    if contents.astray:
        # One to another file tells more than a soft link, which may lead to it.
        one = min(contents.astray, key=lambda one: not one.places)
        more = f", and {len(contents.astray) - 1} more links lead nowhere" if len(contents.astray) > 1 else ""
        return f"{why}: its link {one.path} leads nowhere, as {one.gone}{more}"
    if not contents.candidates:
        unnamed = f" ({contents.illegible} objects have names that are not UTF-8)" if contents.illegible else ""
        return f"{why}: no dataset of numbers with two dimensions or more{unnamed}"
    named = ", ".join(one.path for one in contents.candidates[:_TOLD])
    return (
        f"{why}: what it has ({named}) looks like calibrations or tables; if one of them is the frames, name it as "
        "`dataset` of the detector in the config"
    )


def _of_this_scan(file: h5py.File, series: Sequence[Candidate], sought: Sought) -> tuple[list[Candidate], str]:
    """Of series that a detector wrote one after another into one file those of this scan, and what to say of it."""
    begun = {one.entry: _begin(file, one.entry) for one in series}
    in_order = sorted(series, key=lambda one: _natural(one.path))
    known = [one for one in in_order if begun[one.entry] is not None]
    within = [one for one in known if _is_within(begun[one.entry], sought)]
    names = ", ".join(one.path for one in in_order[:_TOLD]) + (" …" if len(in_order) > _TOLD else "")
    if len(within) == 1 and len(known) == len(series):
        return within, ""
    what = f"{len(series)} series are in it ({names})"
    if within:
        shown = ", ".join(one.path for one in within[:_TOLD])
        return within, f"{what}; those that were begun during the scan are shown, one after another: {shown}"
    newest = in_order[-1]
    why = "none was begun during the scan" if known else "none says when it was begun"
    return [newest], f"{what}, and {why}: the newest, {newest.path}, is shown"


def _begin(file: h5py.File, entry: str) -> datetime | None:
    """When an entry was begun, as it says; None where it does not."""
    try:
        node = file[entry].get("start_time")
        text = node.asstr()[()] if isinstance(node, h5py.Dataset) else ""
        time = from_iso(str(text.ravel()[0] if hasattr(text, "ravel") else text))
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError):
        return None
    return local(time)  # one without a zone is in that of the beamline


def _is_within(begun: datetime | None, sought: Sought) -> bool:
    if begun is None or sought.start is None:
        return False
    return sought.start - _CLOCKS <= begun and (sought.end is None or begun <= sought.end + _CLOCKS)


def _natural(name: str) -> list[tuple[int, int | str]]:
    """`10.1` comes after `9.1`."""
    return [(index % 2, int(part) if index % 2 else part) for index, part in enumerate(_NUMBER.split(name))]
