"""The properties of a node, such as its unit, type and phase: from text to the terms of the model, with checks.

The two dialects spell the properties differently. Their readers give them the names of the model (`units`, `record` …).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from nxscribe.definitions import synonyms
from nxscribe.definitions._nexus_classes import NX_CLASSES
from nxscribe.definitions.diagnostics import Diagnostics, did_you_mean
from nxscribe.definitions.text import control_character
from nxscribe.errors import Location
from nxscribe.model import Phase
from nxscribe.model.nexus_types import NX_TYPES, UNIT_CATEGORIES

# Old versions of the ESRF's file escape a line break twice, and so show it as `&#xA;`.
_DOUBLE_ESCAPED_BREAK = re.compile(r"(&#([xX]0*[aAdD]|0*1[03]);)+")
_CLASS = re.compile(r"NX\w+", re.ASCII)
_MANDATORY = {"": False, "optional": False, "mandatory": True, "required": True}


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text of a definition file, and its place in that file."""

    text: str
    location: Location
    pieces: tuple[tuple[int, Location], ...] = ()
    """For each piece that is unchanged in one line of the file: the number of characters before it, and its place."""

    def within(self, offset: int) -> Location:
        """The place of the character at `offset` of the text, as far as it is known."""
        for start, place in reversed(self.pieces):
            if start <= offset:
                return replace(place, column=place.column + offset - start)
        return self.location


@dataclass(frozen=True, slots=True)
class NodeProperties:
    """The properties of one node. Each method reports what is wrong, and returns a usable value all the same."""

    diagnostics: Diagnostics
    written: Mapping[str, SourceText]
    """The text of each property, as the author wrote it."""
    node: Location
    """The place of the node itself."""

    def clean(self, written: SourceText) -> str:
        """The text without the space around it."""
        text = written.text.strip()
        if control := control_character(text):
            self.diagnostics.error(
                f"the control character {control}", "no HDF5 text can hold it", "remove it", written.location
            )
        return text

    def text(self, key: str) -> str:
        """The text of a property; empty if the author did not write it."""
        return self.clean(self.written[key]) if key in self.written else ""

    def place(self, key: str) -> Location:
        """The place of a property, or of the node if the author did not write it."""
        return self.written[key].location if key in self.written else self.node

    def prose(self, key: str) -> str:
        """The text of a description, in which line breaks that were escaped twice are real ones."""
        return _DOUBLE_ESCAPED_BREAK.sub("\n", self.text(key)).strip()

    def default(self) -> str | None:
        """The default; None if there is none. An empty text is a default, too."""
        return self.text("default") if "default" in self.written else None

    def override(self) -> bool:
        """Whether the node replaces an included one."""
        text = self.text("override")
        if text not in ("", "true", "false"):
            self.diagnostics.error(
                f"{text!r} is neither true nor false", "", "write true, or remove it", self.place("override")
            )
        return text == "true"

    def nx_class(self) -> str:
        """The class of the group. A class that NeXus does not know is kept, because other programs may know it."""
        name = self.text("nx_class")
        if not _CLASS.fullmatch(name):
            why = (
                f"{name!r} cannot be the name of a class"
                if name
                else "programs find their data by the classes of groups"
            )
            self.diagnostics.error(
                "the group has no class",
                why,
                did_you_mean(name, NX_CLASSES) or "NXcollection takes anything",
                self.place("nx_class"),
            )
        elif name not in NX_CLASSES:
            self.diagnostics.warning(
                f"{name!r} is not a class of NeXus",
                "it is written as it stands, but readers will not know it",
                did_you_mean(name, NX_CLASSES),
                self.place("nx_class"),
            )
        return name

    def type(self) -> str:
        """The name of the type; NX_CHAR if the author did not write one."""
        name = self.text("type") or "NX_CHAR"
        if name in NX_TYPES:
            return name
        remedy = synonyms.suggestion(name, NX_TYPES, synonyms.TYPES)
        self.diagnostics.error(f"unknown type {name!r}", "", remedy, self.place("type"))
        return "NX_CHAR"

    def units(self) -> tuple[str, str]:
        """The unit and the unit category."""
        units, category, place = self.text("units"), self.text("unit_category"), self.place("unit_category")
        # The NeXus manual's own notation says `unit: NX_LENGTH` where any unit of length will do.
        if units.startswith("NX_") and not category:
            units, category, place = "", units, self.place("units")
        if category and category not in UNIT_CATEGORIES:
            self.diagnostics.error(
                f"unknown unit category {category!r}", "", did_you_mean(category, UNIT_CATEGORIES), place
            )
        return units, category

    def record(self) -> Phase | None:
        """The phase in which the field is read, if it says one."""
        text = self.text("record")
        if text in ("", *Phase):
            return Phase(text) if text else None
        self.diagnostics.error(
            f"{text!r} is not a phase of a scan",
            "",
            synonyms.suggestion(text, list(Phase), synonyms.PHASES),
            self.place("record"),
        )
        return None

    def mandatory(self) -> bool:
        """Whether the field is mandatory."""
        text = self.text("mandatory").lower()
        if text not in _MANDATORY:
            self.diagnostics.error(
                f"{text!r} does not say whether the field must be there",
                "",
                synonyms.suggestion(text, [word for word in _MANDATORY if word], synonyms.MANDATORY),
                self.place("mandatory"),
            )
        return _MANDATORY.get(text, False)
