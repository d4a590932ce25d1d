"""What validation finds: one sentence about one place of one file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nxscribe.errors import Problem, Severity


class Check(StrEnum):
    """What was looked at."""

    FILE = "file"
    LINKS = "links"
    RAW = "raw"
    DEFAULT = "default"
    UNITS = "units"
    TIMES = "times"
    VALUES = "values"
    """Numbers that cannot be."""
    IDENTIFIERS = "identifiers"
    ACCOUNT = "account"
    """Whether the entry is what its own definition asks for."""
    NXTOMO = "nxtomo"
    """What NXtomo says in words, where no validator sees it."""
    NEXUSFORMAT = "nexusformat"
    PYNXTOOLS = "pynxtools"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or that one should know."""

    check: Check
    file: str
    path: str
    """In that file; `/entry_0001/sample@units` for an attribute."""
    what: str
    why: str = ""
    remedy: str = ""
    severity: Severity = Severity.ERROR
    definition: str = ""
    """Where the entry's definition asks for it: the definition's name, the number of the line, and the line."""

    def __str__(self) -> str:
        explanation = Problem(self.what, self.why, self.remedy).explanation
        where = f" (definition {self.definition})" if self.definition else ""
        return f"{self.file}:{self.path}: {self.severity}: [{self.check}] {explanation}{where}"


@dataclass(frozen=True, slots=True)
class Report:
    """All findings about one master and what it leads to."""

    file: str
    entries: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that make the file one that cannot be relied on."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)
