"""One definition file as it stands: its own tree, and the names of the files that it includes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nxscribe.definitions.findings import Findings
from nxscribe.errors import InputError, Location, Problem
from nxscribe.model import Definition, Group

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


class FlawedDocumentError(InputError):
    """A file with mistakes that leave its tree to be seen: what is wrong beyond them can be told at once."""

    def __init__(self, document: Document, *problems: Problem) -> None:
        super().__init__(*problems)
        self.document = document


class FlawedDefinitionError(InputError):
    """A definition with mistakes that leave its tree to be seen. It is good for finding more of them alone."""

    def __init__(self, definition: Definition, *problems: Problem, is_part: bool) -> None:
        super().__init__(*problems)
        self.definition = definition
        self.is_part = is_part
        """Whether a file could not be read: what is not in the tree may be in that file."""


def checked(document: Document, findings: Findings) -> Document:
    """The document with its warnings. Raises FlawedDocumentError when there are errors among the findings."""
    if findings.failed:
        raise FlawedDocumentError(document, *findings.problems)
    return replace(document, warnings=findings.problems)
