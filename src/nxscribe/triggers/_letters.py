"""Texts in Tango's protocol, which says that they are Latin-1, although clients use different encodings."""

from __future__ import annotations

import re
import sys
from typing import Final, TypeVar

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
