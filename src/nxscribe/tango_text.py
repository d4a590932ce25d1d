"""Texts in Tango's protocol. It says that they are Latin-1, although servers and clients use other encodings, too.

PyTango gives values, answers and errors as Latin-1, whatever encoding was used.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

REASON_PREFIX: Final = "NXSCRIBE_"
"""The beginning of the reasons of the daemon's errors. All other errors are those of Tango."""
REFUSED: Final = f"{REASON_PREFIX}Refused"
"""The reason of a refusal. What was refused changed nothing."""

_LONGEST: Final = 300
_BY_CLIENTS: Final = frozenset({"API_AttributeFailed", "API_CommandFailed"})
"""What Tango's client adds to the text of a device: which attribute or command failed."""

_IN_ASCII: Final = str.maketrans(
    {
        "…": "...",
        "–": "-",  # noqa: RUF001 - the dash itself is meant, and so below
        "—": "-",
        "‘": "'",  # noqa: RUF001
        "’": "'",  # noqa: RUF001
        "“": '"',
        "”": '"',
        "→": "->",
        "←": "<-",
        "×": "x",  # noqa: RUF001
        "°": "deg",
        "µ": "u",
        "μ": "u",
    }
)
"""Signs that have a usual spelling in ASCII; other letters get escapes."""

_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
_FIRST_LETTER: Final = 0xA0
"""Below it beyond ASCII there are controls alone, which a terminal would obey."""

_Sent = TypeVar("_Sent", str, list[str], int, float, str | float | int | list[str])


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


def in_ascii(text: str) -> str:
    r"""A text that every client shows correctly. PyTango's server sends errors as UTF-8, but its clients and Jive read
    them as Latin-1. `Müller` is sent as `M\xfcller`.
    """
    return text.translate(_IN_ASCII).encode("ascii", "backslashreplace").decode()


def in_letters(text: str) -> str:
    """A text that was sent by `in_ascii`, with the letters that it has escapes for."""

    def letter(escape: re.Match[str]) -> str:
        code = int(next(filter(None, escape.groups())), 16)
        is_letter = _FIRST_LETTER <= code <= sys.maxunicode and chr(code).isprintable()
        return chr(code) if is_letter else escape[0]

    return _ESCAPE.sub(letter, text)


def sendable(value: _Sent) -> _Sent:
    """An attribute's texts as PyTango can send them: it knows Latin-1 alone, and raises for any other letter. Those go
    as UTF-8, as many servers send them. A NUL, which would end the text for Tango, is escaped.
    """
    if isinstance(value, list):
        return [sendable(text) for text in value]
    if not isinstance(value, str):
        return value
    value = value.replace("\0", "\\x00")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "backslashreplace").decode("latin-1")
    return value
