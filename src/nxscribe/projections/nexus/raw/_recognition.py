"""Which format raw files have: told by what is in them, and by the endings of their names where that says nothing."""

from __future__ import annotations

import functools
import importlib
import os
import pkgutil
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import ClassVar, Final

from nxscribe.projections.nexus.raw import formats as built_in
from nxscribe.projections.nexus.raw._raw_format import ENTRY_POINTS, RawFormat
from nxscribe.projections.nexus.raw.frames import NotYetError, RawError, status_of, unreadable

_LOOKED_AT: Final = 8192
"""Bytes at a file's beginning."""
_TRIED: Final = 5
"""Of the files of one ending, so many are looked for that are there."""


class _Unknown(RawFormat):
    name: ClassVar[str] = "a format that is not known"
    suffixes: ClassVar[tuple[str, ...]] = ()
    media_type: ClassVar[str] = ""

    def recognises(self, start: bytes) -> bool:  # noqa: ARG002 - whatever it is
        return True


UNKNOWN: Final = _Unknown()
"""What no format recognises: such files are listed."""


@dataclass(frozen=True, slots=True)
class Formats:
    """All formats that are known."""

    all: tuple[RawFormat, ...]
    by_suffix: dict[str, RawFormat]
    problems: tuple[str, ...] = ()
    """Why formats of other packages are not among them."""


@functools.cache
def formats() -> Formats:
    """The formats of nxscribe, and after them those of other packages."""
    modules = (name for _, name, _ in pkgutil.iter_modules(built_in.__path__))
    known: list[RawFormat] = [importlib.import_module(f"{built_in.__name__}.{name}").FORMAT for name in modules]
    problems = []
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            found = entry.load()
        except Exception as error:  # noqa: BLE001 - it is another's code, and must not cost the scan anything
            problems.append(f"the raw format {entry.value} cannot be loaded: {type(error).__name__}: {error}")
            continue
        if isinstance(found, RawFormat):
            known.append(found)
        else:
            problems.append(f"the raw format {entry.value} is {found!r}, and no instance of RawFormat")
    by_suffix: dict[str, RawFormat] = {}
    for one in known:
        for suffix in one.suffixes:
            by_suffix.setdefault(suffix, one)
    return Formats(tuple(known), by_suffix, tuple(problems))


def formats_of(paths: Sequence[str]) -> frozenset[RawFormat]:
    """The formats of files; of those with one ending, whatever digits are in it, one is looked at.

    Raises RawError where nothing tells the format of any, and none is there.
    """
    return frozenset(_format(those) for those in _alike(paths))


def format_of_each(paths: Sequence[str]) -> dict[str, RawFormat]:
    """The format of each file, found as `formats_of` does; `UNKNOWN` where nothing tells it and none is there."""
    found: dict[str, RawFormat] = {}
    for those in _alike(paths):
        try:
            one = _format(those)
        except RawError:
            one = UNKNOWN  # whoever looks at the files tells what is wrong
        found |= dict.fromkeys(those, one)
    return found


def _alike(paths: Sequence[str]) -> Collection[list[str]]:
    """Files by the endings of their names, whatever digits are in those."""
    by_ending: dict[str, list[str]] = {}
    endings: dict[str, str] = {}
    for path in paths:
        rest, _, written = path.rpartition(".")
        if not rest or rest[-1] in "./" or "/" in written:
            ending = _ending(path)  # a name without an ending, or with points at its beginning
        elif written in endings:
            ending = endings[written]
        else:
            ending = endings[written] = _ending(path)
        by_ending.setdefault(ending, []).append(path)
    alike: dict[str, list[str]] = {}
    for ending, those in by_ending.items():
        alike.setdefault(re.sub("[0-9]+", "0", ending), []).extend(those)
    return alike.values()


def in_words(found: Iterable[RawFormat], paths: Sequence[str]) -> str:
    """The formats of files, for people."""
    every = set(found)
    known = sorted(one.name for one in every - {UNKNOWN})
    if UNKNOWN in every:
        unknown = next((path for path in paths if _ending(path) not in formats().by_suffix), paths[0])
        why = "".join(f"; {problem}" for problem in formats().problems)
        known.append(f"{UNKNOWN.name} (as {os.path.basename(unknown)}{why})")  # noqa: PTH119 - texts throughout
    return " and ".join(known)


def _format(paths: Sequence[str]) -> RawFormat:
    by_name = formats().by_suffix.get(_ending(paths[0]))
    trouble: RawError | None = None
    for path in paths[:_TRIED]:
        try:
            if status_of(path).st_size:
                with Path(path).open("rb") as file:
                    start = file.read(_LOOKED_AT)
                return next((one for one in formats().all if one.recognises(start)), by_name or UNKNOWN)
            trouble = trouble or NotYetError(f"{path} is empty")
        except RawError as error:
            trouble = trouble or error
        except OSError as error:
            trouble = trouble or unreadable(path, error)
    if by_name is None and trouble:
        raise trouble
    return by_name or UNKNOWN


def _ending(path: str) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 - texts throughout
