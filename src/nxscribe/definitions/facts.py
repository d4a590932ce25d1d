"""What an author says about a node besides its name, turned from text into the model's terms and checked.

The two dialects spell the facts differently; behind their readers they have the model's names (`units`, `record` …).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nxscribe.definitions.findings import Findings, did_you_mean
from nxscribe.definitions.nxclasses import NX_CLASSES
from nxscribe.definitions.text import control_character
from nxscribe.errors import Location
from nxscribe.model import Phase
from nxscribe.model.nxtypes import NX_TYPES, UNIT_CATEGORIES

# Old versions of the ESRF's file escape a line break twice, and so show it as `&#xA;`.
_DOUBLE_ESCAPED_BREAK = re.compile(r"(&#([xX]0*[aAdD]|0*1[03]);)+")
_CLASS = re.compile(r"NX\w+", re.ASCII)
_MANDATORY = {"": False, "optional": False, "mandatory": True, "required": True}


@dataclass(frozen=True, slots=True)
class Written:
    """A text of a definition file with its place."""

    text: str
    location: Location


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts about one node. Each method notes what is wrong, and returns something usable all the same."""

    findings: Findings
    written: Mapping[str, Written]
    node: Location

    def clean(self, written: Written) -> str:
        """The text without the space around it."""
        text = written.text.strip()
        if control := control_character(text):
            self.findings.error(
                f"the control character {control}", "no HDF5 text can hold it", "remove it", written.location
            )
        return text

    def text(self, fact: str) -> str:
        """What is said, or an empty text."""
        return self.clean(self.written[fact]) if fact in self.written else ""

    def place(self, fact: str) -> Location:
        """Where it is said, or where the node is."""
        return self.written[fact].location if fact in self.written else self.node

    def prose(self, fact: str) -> str:
        """A description, with line breaks that were escaped twice made real."""
        return _DOUBLE_ESCAPED_BREAK.sub("\n", self.text(fact)).strip()

    def default(self) -> str | None:
        """The default; an empty text is one too."""
        return self.text("default") if "default" in self.written else None

    def override(self) -> bool:
        """Whether the node replaces an included one."""
        text = self.text("override")
        if text not in ("", "true", "false"):
            self.findings.error(
                f"{text!r} is neither true nor false", "", "write true, or remove it", self.place("override")
            )
        return text == "true"

    def nx_class(self) -> str:
        """The group's class. One that NeXus does not know is kept: readers may."""
        name = self.text("nx_class")
        if not _CLASS.fullmatch(name):
            why = f"{name!r} is none" if name else "readers find their way by the classes"
            self.findings.error(
                "the group has no class",
                why,
                did_you_mean(name, NX_CLASSES) or "NXcollection takes anything",
                self.place("nx_class"),
            )
        elif name not in NX_CLASSES:
            self.findings.warning(
                f"{name!r} is no class of NeXus",
                "it is written as it stands, but readers will not know it",
                did_you_mean(name, NX_CLASSES),
                self.place("nx_class"),
            )
        return name

    def type(self) -> str:
        """The type's name; NX_CHAR where nothing is said."""
        name = self.text("type") or "NX_CHAR"
        if name in NX_TYPES:
            return name
        self.findings.error(f"unknown type {name!r}", "", did_you_mean(name, NX_TYPES), self.place("type"))
        return "NX_CHAR"

    def units(self) -> tuple[str, str]:
        """The unit and the unit category."""
        units, category, place = self.text("units"), self.text("unit_category"), self.place("unit_category")
        # The NeXus manual's own notation says `unit: NX_LENGTH` where any unit of length will do.
        if units.startswith("NX_") and not category:
            units, category, place = "", units, self.place("units")
        if category and category not in UNIT_CATEGORIES:
            self.findings.error(
                f"unknown unit category {category!r}", "", did_you_mean(category, UNIT_CATEGORIES), place
            )
        return units, category

    def record(self) -> Phase | None:
        """The phase in which the field is read, if it says one."""
        text = self.text("record")
        if text in ("", *Phase):
            return Phase(text) if text else None
        self.findings.error(
            f"{text!r} is no phase of a scan", "", did_you_mean(text, list(Phase)), self.place("record")
        )
        return None

    def mandatory(self) -> bool:
        """Whether the field must be there."""
        text = self.text("mandatory").lower()
        if text not in _MANDATORY:
            self.findings.error(
                f"{text!r} does not say whether the field must be there",
                "",
                did_you_mean(text, filter(None, _MANDATORY)),
                self.place("mandatory"),
            )
        return _MANDATORY.get(text, False)
