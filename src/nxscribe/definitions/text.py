"""Converts the bytes of a file to text, with limits and with the position of errors.

The XML reader uses only the limits, because an XML file declares its own encoding.
"""

from __future__ import annotations

import errno
import re
from pathlib import Path

from nxscribe.errors import InputError, Location, Problem

MAX_BYTES = 2 * 1024 * 1024
"""The most bytes of a file: six times the ESRF's own file of 1,267 fields."""
MAX_DEPTH = 64
"""The most levels of nesting: far more than any definition has, and far below Python's recursion limit."""
MAX_NODES = 50_000
"""The most elements, or mappings, lists and scalars of YAML: this limits the memory that a small file can need."""
MAX_PROBLEMS = 100
"""The most problems that are shown. More would not help."""

_LONGEST_MESSAGE = 300
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def brief(text: str) -> str:
    """The text of a message, shortened if it quotes too much of a file."""
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"


def read_bounded(path: Path) -> bytes:
    """The bytes of a file, or only so many that `check_size` refuses them, because a device can be endless.

    Raises OSError, also for a path that is not a file.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "it is not a regular file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def check_size(data: bytes, file: str) -> None:
    """Raise InputError for a file that is too large for a definition or config."""
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
    """The first control character (or half of a surrogate pair) in `text`, as `U+0000`; empty if there is none."""
    found = _CONTROL.search(text)
    return f"U+{ord(found.group()):04X}" if found else ""


def decode(data: bytes, file: str) -> str:
    """Decode UTF-8, without a byte order mark. The parser handles the line ends.

    Raises InputError with line and column for bytes that are not UTF-8, and for control characters.
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
