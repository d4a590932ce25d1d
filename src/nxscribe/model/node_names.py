"""Names: what HDF5 and NeXus allow in a tree, and what is safe as one part of a path on a disk."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from nxscribe.errors import Location, Problem, Severity

# validItemName of nxdl.xsd (NXDL v2026.01).
_NEXUS: Final = re.compile(r"[a-zA-Z0-9_]([a-zA-Z0-9_.]*[a-zA-Z0-9_])?")
_NEXUS_LONGEST: Final = 63
_SHOWN: Final = 40
LONGEST_PART: Final = 255
"""The most bytes in one part of a path, on every file system that beamlines use."""
_UNSEEN: Final = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's categories of controls, lone surrogates, line and paragraph separators."""


def node_name_problem(name: str, location: Location | None = None) -> Problem | None:
    """What is wrong with the name of a group, field, link or attribute; None if it is valid.

    It is an error if HDF5 does not allow the name (HDF5 User Guide, 4.2), and a warning if only NeXus does not.
    """
    if len(name) <= _NEXUS_LONGEST and _NEXUS.fullmatch(name):
        return None
    if not name:
        return Problem("a node has an empty name", "HDF5 cannot hold it", "give it one", location)
    if unseen := unseen_character(name):
        return Problem(f"the name {_shown(name)} holds {unseen}", "HDF5 cannot hold it", "remove it", location)
    if "/" in name:
        return Problem(
            f"the name {_shown(name)} holds a slash",
            "in HDF5 a slash separates the names of a path",
            "nest groups instead, or use another character",
            location,
        )
    if name in (".", ".."):
        return Problem(
            f"{name!r} is not a valid name", "in HDF5 it stands for a group itself", "use another name", location
        )
    return _nexus_problem(name, location)


def _nexus_problem(name: str, location: Location | None) -> Problem | None:
    if not _NEXUS.fullmatch(name):
        return Problem(
            f"the name {_shown(name)} is not one that NeXus allows",
            "it may have letters, digits, underscores, and dots except at its ends",
            "rename it if validators and other programs shall accept it",
            location,
            Severity.WARNING,
        )
    if len(name) > _NEXUS_LONGEST:
        return Problem(
            f"the name {_shown(name)} has {len(name)} characters",
            f"NeXus allows {_NEXUS_LONGEST}",
            "shorten it",
            location,
            Severity.WARNING,
        )
    return None


def path_part_problem(what: str, text: str, longest: int = LONGEST_PART) -> Problem | None:
    """Why a text cannot be the name of a folder or file; None if it is safe.

    Args:
        what: What the text is, for the message: `proposal`, `sample`, `scan`.
        text: As the control system gave it.
        longest: How many bytes it can have in UTF-8.
    """
    remedy = f"give the {what} another name"
    if not text.strip():
        return Problem(f"the {what} is empty", "it names a folder or file", f"set the {what} before the scan")
    if unseen := unseen_character(text):
        return Problem(f"the {what} {_shown(text)} holds {unseen}", "it would become part of a file's name", remedy)
    if "/" in text:
        return Problem(f"the {what} {_shown(text)} holds a slash", "it would lead to another folder", remedy)
    if text.startswith((".", "-")):
        why = (
            "it would be hidden, or lead to another folder"
            if text[0] == "."
            else "programs would take it for an option"
        )
        return Problem(f"the {what} {_shown(text)} begins with {text[0]!r}", why, remedy)
    if (size := len(text.encode("utf-8"))) > longest:
        return Problem(
            f"the {what} {_shown(text)} has {size} bytes", f"at most {longest} fit into a file's name", remedy
        )
    return None


def unseen_character(text: str) -> str:
    """The first invisible character, which no path or unit should contain, as a text for messages; empty if none."""
    found = next((character for character in text if unicodedata.category(character) in _UNSEEN), "")
    return f"the control character U+{ord(found):04X}" if found else ""


def _shown(text: str) -> str:
    """The text in the form for messages: quoted, escaped, not longer than a line."""
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}…"
