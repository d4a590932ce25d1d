"""Decoding of Tango's texts. PyTango gives values, answers and errors as Latin-1, whatever encoding the server used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

_LONGEST: Final = 300
_BY_CLIENTS: Final = frozenset({"API_AttributeFailed", "API_CommandFailed"})
"""What Tango's client adds to the text of a device: which attribute or command failed."""


class ErrorEntry(Protocol):
    """One entry of Tango's stack of errors (`tango.DevError`)."""

    reason: str
    """A code: `API_AttrNotFound`."""
    desc: str
    """A description of what happened."""


def text_of(text: str) -> str:
    """The text that the device meant.

    Tango's protocol says Latin-1, but many servers send UTF-8. A text that is valid UTF-8 and not only ASCII is almost
    never Latin-1, so it is decoded as UTF-8.
    """
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def one_line(text: str) -> str:
    """A text of Tango in the form for messages: decoded, and one line that is not too long."""
    line = " ".join(text_of(text).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def words_of(stack: Sequence[ErrorEntry]) -> str:
    """The texts of a stack of errors in one line: its origin first, then what others added."""
    told = dict.fromkeys(
        one_line(entry.desc)
        for number, entry in enumerate(stack)
        if entry.desc.strip() and (number == 0 or entry.reason not in _BY_CLIENTS)
    )
    if not told:
        return "Tango gave no reason"
    first, *later = told
    return one_line(f"{first} (and after it: {', '.join(later)})") if later else first
