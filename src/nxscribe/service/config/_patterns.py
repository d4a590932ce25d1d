"""What is wrong with patterns of files such as `{proposal}/{beamline}/{scan}`: every fault, and where it begins."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from string import Formatter
from typing import Final, TypeAlias

from nxscribe.errors import Problem
from nxscribe.model.node_names import path_part_problem

NAMES: Final = ("beamline", "proposal", "session", "sample", "scan", "technique")
"""What every pattern may name, in braces."""

Fault: TypeAlias = tuple[int, Problem]
"""How many characters stand before it, and what it is."""

_BRACES: Final = re.compile(r"\{\{|\}\}|\{[^{}]*\}")
_MAGIC: Final = re.compile(r"[*?\[]")


def names_in(pattern: str) -> frozenset[str]:
    """The names in the braces of a pattern that can be read."""
    return frozenset(name for _, name, _, _ in Formatter().parse(pattern) if name)


def pattern_faults(pattern: str, parameters: Collection[str] = ()) -> Iterator[Fault]:
    """The faults of a pattern that names a file or folder below the data root. `parameters` are those it may name."""
    yield from _name_faults(pattern, parameters)
    what = f"the pattern {pattern!r}"
    if pattern.startswith("/"):
        remedy = "remove the slash at its beginning"
        yield 0, Problem(f"{what} is absolute", "files are laid out below data_root", remedy)
    # Any safe name does: it is the literal parts that may lead out.
    parts = list(_parts(_BRACES.sub(lambda found: "x" * len(found.group()), pattern)))
    up = [offset for offset, part in parts if part == ".."]
    if up:
        yield up[0], Problem(f"{what} leaves the data root", "`..` is the folder above", "remove it")
    for offset, part in parts[1 if pattern.startswith("/") else 0 :]:
        if part != ".." and (problem := path_part_problem("part", part)):
            yield offset, Problem(f"{what} cannot be used: {problem.what}", problem.why, "correct the pattern")


def search_faults(pattern: str, parameters: Collection[str] = ()) -> Iterator[Fault]:
    """The faults of a pattern that finds raw files, anywhere."""
    yield from _name_faults(pattern, parameters)
    what = f"the pattern {pattern!r}"
    folder, _, files = pattern.rpartition("/")
    if found := _MAGIC.search(folder):
        where = found.start()
        yield where, Problem(f"{what} has `*`, `?` or `[` in its folder", "one folder is looked at", "name the folder")
    up = [offset for offset, part in _parts(pattern) if part == ".."]
    if up:
        yield up[0], Problem(f"{what} has the part `..`", "it would lead elsewhere", "name the folder itself")
    if not files:
        remedy = "add `*` for all files of the folder"
        yield len(pattern), Problem(f"{what} names no files", "its last part is empty", remedy)


def _name_faults(pattern: str, parameters: Collection[str]) -> Iterator[Fault]:
    what = f"the pattern {pattern!r}"
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError as error:
        rest = _BRACES.sub(lambda found: "x" * len(found.group()), pattern)
        where = min((rest.find(brace) for brace in "{}" if brace in rest), default=0)
        yield where, Problem(f"{what} cannot be read", str(error), "write names in braces: {proposal}")
        parts = [("", found.group()[1:-1], "", None) for found in _BRACES.finditer(pattern) if found.group()[1:-1]]
    end = 0
    for _, name, form, conversion in parts:
        if name is None:
            continue
        where = max(pattern.find(f"{{{name}", end), end)
        end = where + 1
        names = (*NAMES, *parameters)
        if name not in names or form or conversion:
            allowed = ", ".join(f"{{{one}}}" for one in names)
            remedy = f"use {allowed}, or list a parameter in files.parameters"
            yield where, Problem(f"{what} has the unknown part {{{name}}}", "", remedy)


def _parts(pattern: str) -> Iterator[tuple[int, str]]:
    """What stands between the slashes, each with its place."""
    offset = 0
    for part in pattern.split("/"):
        yield offset, part
        offset += len(part) + 1
