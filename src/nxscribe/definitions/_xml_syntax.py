"""Explains syntax errors of XML to people who do not know how a parser works."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Final
from xml.parsers import expat

from nxscribe.definitions._placeholder_checks import foreign_placeholders
from nxscribe.definitions.text import control_character
from nxscribe.errors import Location, Problem

_MISMATCH: Final = expat.errors.codes[expat.errors.XML_ERROR_TAG_MISMATCH]
_NO_ELEMENTS: Final = expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]
_UNCLOSED: Final = expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN]
_UNCLOSED_CDATA: Final = expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION]
_INVALID: Final = expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]
_JUNK: Final = expat.errors.codes[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]
_ENTITY: Final = expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]
_DUPLICATE: Final = expat.errors.codes[expat.errors.XML_ERROR_DUPLICATE_ATTRIBUTE]
_LATE_DECLARATION: Final = expat.errors.codes[expat.errors.XML_ERROR_MISPLACED_XML_PI]

_REMEDIES: Final = {
    _JUNK: "put everything into the one root group",
    _UNCLOSED_CDATA: "end the section with ]]>",
    _DUPLICATE: "remove one of the two",
    _LATE_DECLARATION: "remove what stands before <?xml …?>, empty lines too, or remove it itself",
}
_TAG: Final = re.compile(rb"<[^\s/>]+")
_ATTRIBUTE: Final = re.compile(rb"""\s+([^\s=>/"']+)\s*=\s*("[^"]*"|'[^']*')""")
_UTF8_MISSPELT: Final = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["'](utf_?8)["']""", re.IGNORECASE)
_ENTITY_NAME: Final = re.compile(r"&(\w+);?")
_QUOTES: Final = "“”„‟‘’«»″＂"  # noqa: RUF001 - these are what is looked for
_SPACES: Final = "\u00a0\u2007\u202f\u3000\u200b\ufeff"
_AROUND: Final = 400
"""The number of bytes before and after the place of an error that can explain it."""


def syntax_problem(  # noqa: PLR0911 - one return for each kind of mistake
    error: expat.ExpatError, at: int, data: bytes, file: str, innermost: tuple[str, Location] | None
) -> Problem:
    """Explain an error of expat.

    Args:
        error: The exception of expat.
        at: The index of the byte at which it stopped.
        data: The bytes that it has parsed.
        file: The name of the file for messages.
        innermost: The tag and place of the last element that is still open.
    """
    here = Location(file, error.lineno, error.offset + 1)
    what = f"not XML: {expat.ErrorString(error.code)}"
    byte = data[at] if 0 <= at < len(data) else None
    before, behind = _text(data[max(at - _AROUND, 0) : at]), _text(data[at : at + _AROUND])
    if error.code == _UNCLOSED and behind.startswith("<!--"):
        return Problem("a comment is not closed", "it ends with -->", "write --> behind it", here)
    if error.code == _UNCLOSED and behind.startswith("<"):
        return Problem("a tag is not closed", "it ends with >", "write > behind it, and look at its quotes", here)
    if innermost and error.code in (_MISMATCH, _NO_ELEMENTS, _UNCLOSED):
        return _still_open(what, innermost, before, behind, here)
    if error.code == _NO_ELEMENTS:
        return Problem("the file is empty", "a definition has one root group", "", here)
    if error.code == _INVALID and byte is not None and not _is_utf8(data):
        why = "the file declares no encoding, so it should be UTF-8"
        return Problem(f"not XML: the byte 0x{byte:02x}", why, "save it as UTF-8", here)
    if error.code == _INVALID and byte is not None and control_character(chr(byte)):
        return Problem(f"not XML: the control character U+{byte:04X}", "", "delete it", here)
    if error.code == _INVALID and (found := _UTF8_MISSPELT.match(data)):
        named = found[1].decode()
        return Problem(
            f"XML knows no encoding {named}", "", 'write encoding="utf-8"', Location(file, 1, found.start(1) + 1)
        )
    if error.code == _INVALID:
        return _malformed(what, before, behind, here, is_inside=innermost is not None)
    if error.code == _ENTITY:
        return _unknown_entity(what, behind, here)
    return Problem(what, "", _REMEDIES.get(error.code, ""), here)


def _still_open(what: str, innermost: tuple[str, Location], before: str, behind: str, here: Location) -> Problem:
    tag, opened = innermost
    closing = re.match(r"[\w.:-]+", behind)
    if before.endswith("</") and closing and closing.group().lower() == tag.lower():
        why = f"</{closing.group()}> does not close <{tag}>: small and capital letters differ"
        return Problem(what, why, f"write </{tag}>", here, also=(opened,))
    if before.endswith("</") and closing:
        why = f"</{closing.group()}> comes while <{tag}> is still open"
        return Problem(what, why, f"close <{tag}> with </{tag}> before it", here, also=(opened,))
    return Problem(what, f"<{tag}> is still open", f"close it with </{tag}>", here, also=(opened,))


def _unknown_entity(what: str, behind: str, here: Location) -> Problem:
    """The parser stops at the beginning of the tag, or at the entity itself."""
    found = _ENTITY_NAME.search(behind)
    name = found[1] if found else ""
    character = html.unescape(f"&{name};")
    if name.lower() in ("amp", "lt", "gt", "quot", "apos"):
        remedy = f"write &{name.lower()}; in small letters"
    elif len(character) == 1:
        remedy = f"write {character} itself, and save the file as UTF-8"
    else:
        remedy = f"write the character itself, or &amp;{name} if & is meant"
    return Problem(f"{what} &{name};", "XML knows only &amp; &lt; &gt; &quot; &apos;", remedy, here)


def _malformed(what: str, before: str, behind: str, here: Location, *, is_inside: bool) -> Problem:
    """What expat calls `not well-formed`: its place alone tells what is meant."""
    if before.rfind("<!--") > before.rfind("-->"):
        return Problem(
            "`--` stands in a comment",
            "in XML it may only begin and end one",
            "write - or = there; a comment ends with -->",
            replace(here, column=max(here.column - 2, 1)),
        )
    if behind.startswith("<") and (found := re.search(r"""<[^<>]*\s([\w.:-]+)\s*=\s*("[^"<]*|'[^'<]*)$""", before)):
        return Problem(
            f"< stands in the value of {found[1]}",
            "its quotes are not closed, or < itself is meant",
            "close them, or write &lt; for <",
            replace(here, column=max(here.column - len(found[2]), 1)) if "\n" not in found[2] else here,
        )
    tag = before.rpartition("<")[2]
    if "<" in before and ">" not in tag and (tag or before.endswith("<")):
        return _in_tag(what, tag, behind, here, is_inside=is_inside)
    if before.endswith("&"):
        place = replace(here, column=max(here.column - 1, 1))
        return Problem("& stands alone", "in XML it begins a name such as &lt;", "write &amp; for &", place)
    if not is_inside and "<" not in before and not behind.startswith("<"):
        looks = "name the file .yaml" if re.search(r"^[\w.()\\ -]+:", before + behind) else ""
        return Problem(
            "not XML: it does not begin with <",
            "a definition in XML begins with its root group",
            looks or "remove what stands before it",
            here,
        )
    return Problem(what, "", "write &amp; for &, &lt; for <, and look at the line above", here)


def _in_tag(  # noqa: PLR0911 - one return for each kind of mistake
    what: str, tag: str, behind: str, here: Location, *, is_inside: bool
) -> Problem:
    """Of a tag whose text up to the place is `tag`."""
    start = replace(here, column=max(here.column - len(tag) - 1, 1))
    next_one = behind[:1]
    if not tag:
        return _no_tag(behind, start, is_inside=is_inside)
    if tag.startswith("!"):
        return Problem("<! begins no comment", "one stands between <!-- and -->", "write <!-- without spaces", start)
    if next_one and next_one in _QUOTES:
        remedy = 'write " in its place, at both ends'
        return Problem(f"not XML: the quote {next_one} is not a straight quotation mark", "", remedy, here)
    if next_one and next_one in _SPACES:
        why = "it looks like a space, but is another character"
        return Problem(f"not XML: the character U+{ord(next_one):04X}", why, "write an ordinary space", here)
    if found := re.search(r"([\w.:-]+)\s*=\s*$", tag):
        value = re.match(r"[^\s>/]*", behind)
        remedy = f'write {found[1]}="{value.group() if value else ""}"'
        return Problem(f"the value of {found[1]} has no quotes", "in XML each value has them", remedy, here)
    if re.search(r"""["']$""", tag):
        return Problem("a space is missing", "one stands before each attribute", f"write it before {next_one}", here)
    if found := re.search(r"\s([\w.:-]+)\s*$", tag):
        return Problem(
            f"{found[1]} has no value",
            "behind a tag's name stand attributes with their values; a name has no space in it",
            f'write {found[1]}="…", or {tag.strip().replace(" ", "_")} if it is one name',
            here,
        )
    return Problem(what, "", 'a tag looks like <name attribute="value">', here)


def _no_tag(behind: str, start: Location, *, is_inside: bool) -> Problem:
    """Of what stands behind a `<` and is not a name of a tag."""
    if behind.startswith("/") and not is_inside:
        return Problem(
            "this closes nothing", "the root group is closed before", "remove it here, or the one too many above", start
        )
    foreign = next(foreign_placeholders(f"<{behind}"), None)
    if foreign and foreign[0] == 0:
        return Problem(f"{foreign[1]} is not a placeholder", "< begins a tag", f"write ${{{foreign[2]}}}", start)
    if found := re.match(r"@([\w.-]+)", behind):
        remedy = f'write <attribute name="{found[1]}">…</attribute>'
        return Problem(f"<@{found[1]}> is not a tag", "attributes of the file have one of their own", remedy, start)
    if found := re.match(r"([0-9.-][\w.-]*[A-Za-z_][\w.-]*)[\s>/]", behind):
        remedy = f'write <field name="{found[1]}">…</field>'
        return Problem(f"{found[1]} is not a name of a tag", "in XML it begins with a letter or _", remedy, start)
    return Problem("< stands alone", "in XML it begins a tag", "write &lt; for <", start)


def attribute_places(data: bytes, start: int, tag: Location) -> dict[str, tuple[Location, Location]]:
    """Where the name and the value of each attribute of a start tag stand, by its name. expat does not tell that.

    Args:
        data: The whole file. If its encoding is not a superset of ASCII, there is no result.
        start: The index of the `<` of the tag.
        tag: The place of the `<`.
    """
    places: dict[str, tuple[Location, Location]] = {}
    begin = _TAG.match(data, start)
    at = begin.end() if begin else start
    here, counted = tag, start
    while found := _ATTRIBUTE.match(data, at):
        name = here = _after(here, data[counted : found.start(1)])
        value = here = _after(here, data[found.start(1) : found.start(2) + 1])
        counted, at = found.start(2) + 1, found.end()
        places[found[1].decode(errors="replace")] = (name, value)
    return places


def _after(place: Location, passed: bytes) -> Location:
    """The place behind some text that begins at `place`."""
    text = passed.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if len(lines) == 1:
        return replace(place, column=place.column + len(text))
    return replace(place, line=place.line + len(lines) - 1, column=len(lines[-1]) + 1)


def _text(data: bytes) -> str:
    return data.decode(errors="ignore")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
