"""Where the definition of an entry asks for what a finding is about: the line that its author can look for."""

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
"""Letters of a line that are shown."""
_CHANGE: Final = (
    "change it there, or the source of its placeholder in the config, and make the entry again: nxscribe regenerate "
    "--definition current"
)


@dataclass(frozen=True, slots=True)
class DefinitionLines:
    """The lines of one entry's definition, as the entry keeps it: with all its includes in it."""

    entry: str = ""
    """The entry's path in its file."""
    name: str = ""
    lines: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """By path from the entry: the number of the line, and the line."""

    def located(self, finding: Finding) -> Finding:
        """The finding with the line that asks for its object, or for the group that holds it, where there is one."""
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
    """Those of an entry; none where it has no definition that can be read, which is a finding of its own."""
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
