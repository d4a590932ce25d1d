"""Bytes to text for the readers, within bounds and with positions.

The XML reader asks here for its bounds alone: XML says its own encoding.
"""

from __future__ import annotations

import errno
import re
from pathlib import Path

from nxscribe.errors import InputError, Location, Problem

MAX_BYTES = 2 * 1024 * 1024
"""Six times the ESRF's own file of 1,267 fields."""
MAX_DEPTH = 64
"""Levels of nesting: far beyond any definition, far below Python's recursion limit."""
MAX_NODES = 50_000
"""Elements, or YAML's mappings, lists and scalars: so much memory a small file can ask for."""
MAX_PROBLEMS = 100
"""More help nobody."""

_LONGEST_MESSAGE = 300
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def brief(text: str) -> str:
    """A message's text, cut where it quotes more of a file than anyone reads."""
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"


def read_bounded(path: Path) -> bytes:
    """A file's bytes, or so many of them that `check_size` refuses them: what is named may be a device without end.

    Raises OSError, for what is no file, too.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "it is no regular file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def check_size(data: bytes, file: str) -> None:
    """Refuse what is too large to be a definition or config. Raises InputError."""
    if len(data) > MAX_BYTES:
        raise InputError(
            Problem(
                f"{Path(file).name} has more than {MAX_BYTES / 1e6:.1f} MB",
                "no definition or config is so large",
                "check that this is the right file",
                Location(file),
            )
        )


def control_character(text: str) -> str:
    """The first control character (or half of a surrogate pair) in `text`, as `U+0000`; empty when there is none."""
    found = _CONTROL.search(text)
    return f"U+{ord(found.group()):04X}" if found else ""


def decode(data: bytes, file: str) -> str:
    """UTF-8 to text, a byte order mark dropped; line ends are left to the parser.

    Raises InputError, with its line and column, for what is no UTF-8 and for control characters.
    """
    check_size(data, file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The error's offset counts from behind a byte order mark.
        before = error.object[: error.start].decode("utf-8", errors="replace")
        raise InputError(
            Problem(
                f"the byte 0x{error.object[error.start]:02x} is not UTF-8",
                "the file was probably saved as latin-1 or by another program's binary format",
                "save it as UTF-8",
                _position(before, file),
            )
        ) from error
    if found := _CONTROL.search(text):
        raise InputError(
            Problem(
                f"the control character {control_character(text)} is not allowed",
                "it cannot be seen in an editor",
                "delete it",
                _position(text[: found.start()], file),
            )
        )
    return text


def _position(before: str, file: str) -> Location:
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Location(file, len(lines), len(lines[-1]) + 1)
