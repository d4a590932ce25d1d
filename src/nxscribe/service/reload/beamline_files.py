"""The files of a beamline on the disk: their names, whether they changed, and one consistent reading of all of them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from nxscribe.definitions import FlawedYamlError, YamlNode, load_yaml, reached_files
from nxscribe.definitions.file_access import FileRead, RecordingFiles
from nxscribe.definitions.text import read_bounded
from nxscribe.errors import InputError, Location, Problem
from nxscribe.service.beamline import Beamline, load_beamline
from nxscribe.service.config import load_config
from nxscribe.service.config.paths import absolute_path

Stamps: TypeAlias = Mapping[str, tuple[int, ...]]
"""What distinguishes the states of each file; empty for a file that cannot be opened."""

_ATTEMPTS: Final = 20
_PAUSE_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class LoadedSet:
    """The contents of the files at one moment at which none of them was being changed."""

    result: Beamline | tuple[Problem, ...]
    """The set, or the problems if it is not valid."""
    stamps: Stamps
    """The states of all files that were read or looked for."""
    read: Mapping[str, FileRead] = field(default_factory=dict)
    """The contents of the files of the set, by path."""


def stamps(files: Iterable[str]) -> Stamps:
    """The present state of each file.

    The files are opened, because network file systems guarantee present attributes only to a program that opens a file
    (close-to-open consistency, nfs(5)). The path is followed again each time, so that a changed symbolic link or folder
    is noticed, too.
    """
    return {file: _stamp(file) for file in files}


def _stamp(file: str) -> tuple[int, ...]:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ()
    try:
        state = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def load_set(config: Path, known: Iterable[str] = ()) -> LoadedSet:
    """Read the config at `config` and all files that it names, as one consistent set.

    Args:
        config: The YAML file of the beamline.
        known: The files that belonged to the set the last time. If they are the same, one reading is enough.
    """
    before = stamps(known)
    for _ in range(_ATTEMPTS):
        result: Beamline | tuple[Problem, ...]
        read = RecordingFiles()
        try:
            result = load_beamline(load_config(config, read), read)
            files = {file for plan in result.plans.values() for file in plan.definition.files}
        except InputError as error:
            result, files = error.problems, set(_definitions_behind(config))
        after = stamps(sorted({*files, str(config)}))
        if before == after:
            return LoadedSet(result, after, read.seen)
        if before.keys() == after.keys():
            time.sleep(_PAUSE_S)
        before = after
    unsteady = Problem("the files change all the time", "something writes them", "stop it", Location(str(config)))
    return LoadedSet((unsteady,), before)


def named_definitions(config: Path) -> Iterator[tuple[str, list[Path]]]:
    """Each technique of a config, which may have errors, with the files of its definition and its additions."""
    try:
        document = load_yaml(read_bounded(config), str(config))
    except FlawedYamlError as error:
        document = error.root
    except (InputError, OSError):
        return
    for name, technique in _mapping(_mapping(document).get("techniques")).items():
        entry = _mapping(technique)
        definition, additions = entry.get("definition"), entry.get("additions")
        if not definition or not isinstance(definition.value, str):
            continue
        items = additions.value if additions and isinstance(additions.value, list) else []
        written = [one.value for one in (definition, *items) if isinstance(one.value, str)]
        yield name, [absolute_path(config, file) for file in written]


def _definitions_behind(config: Path) -> Iterator[str]:
    for _, (definition, *additions) in named_definitions(config.absolute()):
        yield from reached_files(definition, additions)


def _mapping(node: YamlNode | None) -> dict[str, YamlNode]:
    return node.value if node and isinstance(node.value, dict) else {}
