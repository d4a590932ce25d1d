"""One definition file as it is written: its own tree, and the names of the files that it includes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nxscribe.definitions.diagnostics import Diagnostics
from nxscribe.errors import InputError, Location, Problem
from nxscribe.model import Definition, Group

ENTRY_NAME = "${entry}"
"""The name of the root in every definition. The service names the entry."""


@dataclass(frozen=True, slots=True)
class Include:
    """A file whose tree comes before that of the including file: `common/sample.xml`, relative to it."""

    file: str
    location: Location


@dataclass(frozen=True, slots=True)
class Document:
    """The contents of one file. Its includes are not added yet."""

    root: Group
    includes: tuple[Include, ...] = ()
    warnings: tuple[Problem, ...] = ()


class FlawedDocumentError(InputError):
    """A file has errors, but its tree can be used to find further ones."""

    def __init__(self, document: Document, *problems: Problem) -> None:
        super().__init__(*problems)
        self.document = document


class FlawedDefinitionError(InputError):
    """A definition has errors. Its tree can only be used to find further ones."""

    def __init__(self, definition: Definition, *problems: Problem, is_part: bool) -> None:
        super().__init__(*problems)
        self.definition = definition
        self.is_part = is_part
        """Whether a file could not be read. Nodes that are missing in the tree can be in that file."""


def checked(document: Document, diagnostics: Diagnostics) -> Document:
    """The document with its warnings. Raises FlawedDocumentError if the diagnostics contain errors."""
    if diagnostics.failed:
        raise FlawedDocumentError(document, *diagnostics.problems)
    return replace(document, warnings=diagnostics.problems)
