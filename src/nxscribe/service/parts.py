"""A set of config and plans in parts, so that after an edit only what changed goes from one process to another."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from nxscribe.definitions.files import FileRead
from nxscribe.errors import Problem
from nxscribe.service.beamline import Beamline
from nxscribe.service.beamline_files import Stamps, load_set

Digests: TypeAlias = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Question:
    """Read the files again."""

    config: Path
    known: tuple[str, ...]
    """The files that took part the last time."""
    digests: Digests
    """Of the parts that the parent has."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read, in parts: each is pickled by itself, and sent only if the parent has another one."""

    stamps: Stamps
    problems: tuple[Problem, ...] = ()
    """Why there is no set; without problems there is one."""
    digests: Digests | None = None
    """Of all parts: one for each technique, and one for the rest, without a name."""
    parts: Mapping[str, bytes] | None = None


def parts_of(beamline: Beamline, read: Mapping[str, FileRead]) -> dict[str, object]:
    """What can change by itself: each technique's plan and text, and the rest, under the empty name."""
    return {
        "": (beamline.config, beamline.warnings, read),
        **{name: (plan, beamline.texts[name]) for name, plan in beamline.plans.items()},
    }


def answer(question: Question) -> Loaded:
    """What the files say now."""
    found = load_set(question.config, question.known)
    if isinstance(found.result, tuple):
        return Loaded(found.stamps, found.result)
    pickled = {name: pickle.dumps(part) for name, part in parts_of(found.result, found.read).items()}
    digests = {name: hashlib.sha256(part).digest() for name, part in pickled.items()}
    changed = {name: part for name, part in pickled.items() if question.digests.get(name) != digests[name]}
    return Loaded(found.stamps, digests=digests, parts=changed)
