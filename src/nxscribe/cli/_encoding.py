"""UTF-8 for the output and for file names, whatever the locale is.

Python encodes file names and its output as the locale says. In a locale such as en_US.ISO-8859-1 the sample `β-quartz`
could have no folder then, and `é` would become one byte in the folder's name, so that the file is not where the answer
of the daemon says it is. Python's UTF-8 mode (PEP 540) ends that, but can only be chosen when an interpreter starts.
"""

from __future__ import annotations

import codecs
import locale
import os
import sys
from io import TextIOWrapper
from typing import Final

_UTF_8: Final = "utf-8"
_ASCII: Final = "ascii"
_ESCAPES: Final = "nxscribe.escapes"
_IN_ASCII: Final = {
    "─": "-",
    "━": "-",
    "│": "|",
    "├": "|",
    "└": "`",
    "→": "->",
    "←": "<-",
    "…": "...",
    "“": '"',
    "”": '"',
}
"""Replacements of characters that the commands print. Any other one that an encoding lacks is escaped: `\\u03b2`."""


def use_utf8() -> None:
    """Start Python again in its UTF-8 mode where the locale has another encoding, and make the output unable to fail.

    Child processes inherit the mode. Does not return when it starts Python again.
    """
    if not sys.flags.utf8_mode and sys.getfilesystemencoding() != _UTF_8:
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - this very command
    codecs.register_error(_ESCAPES, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=_encoding(stream), errors=_ESCAPES)


def _encoding(stream: TextIOWrapper) -> str:
    """A terminal's own encoding; for files and pipes UTF-8, unless $PYTHONIOENCODING asks for another one.

    ASCII counts as unset: it is what Python takes where nothing is known, and click writes UTF-8 then.
    """
    wanted = stream.encoding
    if "PYTHONIOENCODING" not in os.environ and stream.isatty():
        wanted = locale.getencoding()
    return _UTF_8 if codecs.lookup(wanted).name == _ASCII else wanted


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_in_ascii, error.object[error.start : error.end])), error.end


def _in_ascii(character: str) -> str:
    return _IN_ASCII.get(character) or character.encode(_ASCII, "backslashreplace").decode(_ASCII)
