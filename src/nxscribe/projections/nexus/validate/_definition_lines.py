"""Finds the line of the definition that asks for the object of a finding, for the author of the definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import h5py

from nxscribe.definitions import parse_definition
from nxscribe.errors import InputError
from nxscribe.projections.nexus._definition_file import definition_in
from nxscribe.projections.nexus._provenance import ACCOUNT
from nxscribe.projections.nexus.validate._entry_context import EntryContext
from nxscribe.projections.nexus.validate._finding import Finding

_LONGEST: Final = 120
"""The number of characters of a line that are shown."""
_CHANGE: Final = (
    "change it there, or the source of its placeholder in the config, and make the entry again: nxscribe regenerate "
    "--definition current"
)


@dataclass(frozen=True, slots=True)
class DefinitionLines:
    """The lines of the definition of one entry, as it is stored in the entry: all included files are part of it."""

    entry: str = ""
    """The path of the entry in its file."""
    name: str = ""
    lines: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """The number of the line and its text, by the path from the entry."""

    def located(self, finding: Finding) -> Finding:
        """The finding, with the line that asks for its object or for the group that contains it, if there is one."""
        if finding.definition or not finding.path.startswith(f"{self.entry}/"):
            return finding
        path = finding.path.removeprefix(self.entry).partition("@")[0].rstrip("/")
        while path and path not in self.lines:
            path = path.rpartition("/")[0]
        if not path:
            return finding
        number, line = self.lines[path]
        where = f"{self.name}, line {number}: {line.strip()[:_LONGEST]}"
        return replace(finding, definition=where, remedy=finding.remedy or _CHANGE)


def definition_lines(place: EntryContext) -> DefinitionLines:
    """The lines of an entry's definition; none if the definition cannot be read, which another check reports."""
    account = place.group.get(ACCOUNT)
    kept = definition_in(account) if isinstance(account, h5py.Group) else None
    if kept is None:
        return DefinitionLines(place.group.name)
    try:
        root = parse_definition(kept.name, kept.text).root
    except InputError:
        return DefinitionLines(place.group.name)
    texts = kept.text.splitlines()
    lines = {
        path: (node.location.line, texts[node.location.line - 1])
        for path, node in root.walk()
        if node.location and 0 < node.location.line <= len(texts)
    }
    return DefinitionLines(place.group.name, kept.name, lines)
