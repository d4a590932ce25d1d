"""What is wrong with a text that is no XML, said for people who have never heard of a parser."""

from __future__ import annotations

from xml.parsers import expat

from nxscribe.definitions.text import control_character
from nxscribe.errors import Location, Problem

_MISMATCH = expat.errors.codes[expat.errors.XML_ERROR_TAG_MISMATCH]
_NO_ELEMENTS = expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]
_UNCLOSED = expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN]
_INVALID = expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]
_JUNK = expat.errors.codes[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]
_ENTITY = expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]

_REMEDIES = {
    _INVALID: "in XML write &amp; for &, &lt; for <, and \" around every attribute's value",
    _JUNK: "put everything into the one root group",
    _ENTITY: "write the character itself; XML knows only &amp; &lt; &gt; &quot; &apos;",
}


def syntax_problem(
    error: expat.ExpatError, at: int, data: bytes, file: str, innermost: tuple[str, Location] | None
) -> Problem:
    """The problem behind an error of expat's.

    Args:
        error: What expat raised.
        at: The index of the byte where it stopped.
        data: All that it was given.
        file: The file's name.
        innermost: The tag and place of the last element that is still open.
    """
    here = Location(file, error.lineno, error.offset + 1)
    what = f"not XML: {expat.ErrorString(error.code)}"
    byte = data[at] if 0 <= at < len(data) else None
    if innermost and error.code in (_MISMATCH, _NO_ELEMENTS, _UNCLOSED):
        tag, opened = innermost
        return Problem(what, f"<{tag}> is still open", f"close it with </{tag}>", here, also=(opened,))
    if error.code == _NO_ELEMENTS:
        return Problem("the file is empty", "a definition has one root group", "", here)
    if error.code == _INVALID and byte is not None and not _is_utf8(data):
        why = "the file declares no encoding, so it should be UTF-8"
        return Problem(f"not XML: the byte 0x{byte:02x}", why, "save it as UTF-8", here)
    if error.code == _INVALID and byte is not None and control_character(chr(byte)):
        return Problem(f"not XML: the control character U+{byte:04X}", "", "delete it", here)
    return Problem(what, "", _REMEDIES.get(error.code, ""), here)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
