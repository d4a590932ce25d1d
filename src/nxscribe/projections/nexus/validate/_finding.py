"""The findings of validation. Each is one sentence about one place in one file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nxscribe.errors import Problem, Severity


class Check(StrEnum):
    """The check that made a finding."""

    FILE = "file"
    LINKS = "links"
    RAW = "raw"
    DEFAULT = "default"
    UNITS = "units"
    TIMES = "times"
    VALUES = "values"
    """Impossible numbers."""
    IDENTIFIERS = "identifiers"
    ACCOUNT = "account"
    """Whether the entry has what its own definition asks for."""
    NXTOMO = "nxtomo"
    """Rules that NXtomo has only in its text, where validators do not see them."""
    NEXUSFORMAT = "nexusformat"
    PYNXTOOLS = "pynxtools"


@dataclass(frozen=True, slots=True)
class Finding:
    """One error or warning."""

    check: Check
    file: str
    path: str
    """The path in the file; `/entry_0001/sample@units` for an attribute."""
    what: str
    why: str = ""
    remedy: str = ""
    severity: Severity = Severity.ERROR
    definition: str = ""
    """The line of the definition that asks for the object: the definition's name, the number of the line, its text."""

    def __str__(self) -> str:
        explanation = Problem(self.what, self.why, self.remedy).explanation
        where = f" (definition {self.definition})" if self.definition else ""
        return f"{self.file}:{self.path}: {self.severity}: [{self.check}] {explanation}{where}"


@dataclass(frozen=True, slots=True)
class Report:
    """All findings about one master file and everything that it links to."""

    file: str
    entries: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that are errors, so that the file is not reliable."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)
