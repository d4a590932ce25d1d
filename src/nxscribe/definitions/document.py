"""One definition file as it stands: its own tree, and the names of the files that it includes."""

from __future__ import annotations

from dataclasses import dataclass

from nxscribe.errors import Location, Problem
from nxscribe.model import Group

ENTRY_NAME = "${entry}"
"""The root's name in every definition: the entry is named by the service."""


@dataclass(frozen=True, slots=True)
class Include:
    """A file whose tree comes before this one's: `common/sample.xml`, relative to the including file."""

    file: str
    location: Location


@dataclass(frozen=True, slots=True)
class Document:
    """What one file says. Its includes are not yet expanded."""

    root: Group
    includes: tuple[Include, ...] = ()
    warnings: tuple[Problem, ...] = ()
