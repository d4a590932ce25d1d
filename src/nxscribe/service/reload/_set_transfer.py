"""A set of config and plans in parts, so that after an edit only the changed parts are sent to the other process."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from nxscribe.definitions.file_access import FileRead
from nxscribe.errors import Problem
from nxscribe.service.beamline import Beamline
from nxscribe.service.reload.beamline_files import Stamps, load_set

Digests: TypeAlias = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """Read the files again."""

    config: Path
    known: tuple[str, ...]
    """The files that belonged to the set the last time."""
    digests: Digests
    """The checksums of the parts that the parent has."""


@dataclass(frozen=True, slots=True)
class LoadResponse:
    """The set in parts. Each is pickled separately, and is sent only if it differs from the part of the parent."""

    stamps: Stamps
    problems: tuple[Problem, ...] = ()
    """Why there is no valid set; empty if there is one."""
    digests: Digests | None = None
    """The checksums of all parts: one for each technique, and one with an empty name for everything else."""
    parts: Mapping[str, bytes] | None = None


def parts_of(beamline: Beamline, read: Mapping[str, FileRead]) -> dict[str, object]:
    """The parts of a set: the plan and text of each technique, and everything else under an empty name."""
    return {
        "": (beamline.config, beamline.warnings, read),
        **{name: (plan, beamline.texts[name]) for name, plan in beamline.plans.items()},
    }


def answer(question: LoadRequest) -> LoadResponse:
    """Read the files and answer with the parts that changed."""
    found = load_set(question.config, question.known)
    if isinstance(found.result, tuple):
        return LoadResponse(found.stamps, found.result)
    pickled = {name: pickle.dumps(part) for name, part in parts_of(found.result, found.read).items()}
    digests = {name: hashlib.sha256(part).digest() for name, part in pickled.items()}
    changed = {name: part for name, part in pickled.items() if question.digests.get(name) != digests[name]}
    return LoadResponse(found.stamps, digests=digests, parts=changed)
