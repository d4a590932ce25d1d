"""Checks of texts with placeholders, and of texts that look like placeholders but are none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from nxscribe.definitions._node_properties import SourceText
from nxscribe.definitions.text import brief
from nxscribe.errors import Problem, Severity
from nxscribe.model.nexus_types import Kind, is_text_of, kind

_PLACEHOLDER: Final = re.compile(r"\$\{([^{}]*)\}")
_NAME: Final = re.compile(r"[\w.\-]+")
_NUMERIC: Final[frozenset[Kind]] = frozenset({"integer", "float", "number"})
_NAMES_OF_KINDS: Final[dict[Kind, str]] = {
    **dict.fromkeys(_NUMERIC, "a number"),
    "time": "a time",
    "boolean": "true or false",
}
_OF_NUMBERS: Final = re.compile(r"[\d.:*/+\-]+")
"""The characters that a sequence of numbers can have in addition to numbers: `0*4..9/2`."""
_OF_TIMES: Final = re.compile(r"[-\d:.,+TZWtz/]+")
_FOREIGN: Final = re.compile(
    r"""\$\s?\(\s*(?P<parentheses>[^\W\d][\w.\-]*)\s*\)     # $(gap)
      | \$\s?\[\s*(?P<brackets>[^\W\d][\w.\-]*)\s*\]        # $[gap]
      | \{\{\s*(?P<twice>[^\W\d][\w.\-]*)\s*\}\}            # {{gap}}
      | [%\#@&]\{\s*(?P<sign>[^\W\d][\w.\-]*)\s*\}          # %{gap}
      | %\((?P<percent>[^\W\d][\w.\-]*)\)s?                 # %(gap)s
      | \$\s+\{\s*(?P<apart>[^\W\d][\w.\-]*)\s*\}           # $ {gap}
      | \{\s*\$\s*(?P<inside>[^\W\d][\w.\-]*)\s*\}          # {$gap}
      | \{\s*(?P<bare>[^\W\d][\w.\-]*)\s*\}                 # {gap}
      | <%=?\s*(?P<script>[^\W\d][\w.\-]*)\s*%>             # <%gap%>
      | \$(?P<dollar>[^\W\d][\w]*)                          # $gap
    """,
    re.VERBOSE,
)
"""The placeholders of other programs."""


def template_problems(value: SourceText) -> Iterator[Problem]:
    """The errors in the placeholders of a text, and warnings of what is probably meant as one."""
    text = value.text
    for found in _PLACEHOLDER.finditer(text):
        if not can_name_placeholder(found[1].strip()):
            meant = "_".join(_NAME.findall(found[1])) or "energy"
            yield Problem(
                f"{found[1].strip()!r} cannot name a placeholder",
                "letters, digits, . _ and - can",
                f"write it as ${{{meant}}}" if found[1].strip() else "write the placeholder's name, as in ${energy}",
                value.within(found.start()),
            )
    rest = _PLACEHOLDER.sub(lambda found: " " * len(found.group()), text)
    if (start := rest.find("${")) >= 0:
        name = _NAME.match(rest[start + 2 :].lstrip("{$ "))
        yield Problem(
            f"a placeholder is not closed in {brief(text.strip())!r}",
            "it ends with }",
            f"write it as ${{{name.group()}}}" if name else "write it as in ${energy}",
            value.within(start),
        )
    stripped = text.strip()
    if len(stripped) > 1 and stripped[0] in "“„‟″" and stripped[-1] in "“”‟″":
        yield Problem(
            f"the quotes {stripped[0]} and {stripped[-1]} are written into the file",
            "they are not the straight ones that enclose a text",
            "leave them out, or write straight ones",
            value.within(text.index(stripped[0])),
            Severity.WARNING,
        )
    for start, written, meant in foreign_placeholders(rest.replace("${", "  ")):
        yield Problem(
            f"{written} is not a placeholder",
            "it is written into the file as it stands",
            f"write ${{{meant}}} if it is meant as one",
            value.within(start),
            Severity.WARNING,
        )


def misfit_problems(value: SourceText, type_name: str) -> Iterator[Problem]:
    """The error in a text whose placeholders can never make it a value of its type: a word beside a number's."""
    names = [name.strip() for name in _PLACEHOLDER.findall(value.text)]
    wanted = kind(type_name)
    found = _word_beside(value.text, wanted) if names and wanted in _NAMES_OF_KINDS else None
    if not found:
        return
    start, word = found
    units = " and put the unit into its `units`" if wanted in _NUMERIC else ""
    yield Problem(
        f"{word!r} stands beside a placeholder in a value of type {type_name}",
        f"{brief(' '.join(value.text.split()))!r} can never become {_NAMES_OF_KINDS[wanted]}",
        f"leave ${{{names[0]}}} alone{units}, or give it the type NX_CHAR",
        value.within(start),
    )


def _word_beside(text: str, wanted: Kind) -> tuple[int, str] | None:
    """The first word that can be no part of such a value, whatever the placeholders become, and where it begins."""
    blanked = _PLACEHOLDER.sub(lambda found: "\0" * len(found.group()), text)
    for part in re.finditer(r"\S+", blanked):
        filled = re.sub("\0+", "1", part.group())
        if wanted in _NUMERIC and (is_text_of(filled, "NX_NUMBER") or _OF_NUMBERS.fullmatch(filled)):
            continue
        for word in re.finditer("[^\0]+", part.group()):
            if wanted != "time" or not _OF_TIMES.fullmatch(word.group()):
                return part.start() + word.start(), word.group()
    return None


def can_name_placeholder(name: str) -> bool:
    """Whether a placeholder may have this name: letters, digits, `.`, `_` and `-`."""
    return _NAME.fullmatch(name) is not None


def foreign_placeholders(text: str) -> Iterator[tuple[int, str, str]]:
    """Texts that look like placeholders of other programs: the offset, the text, and the name in it."""
    for found in _FOREIGN.finditer(text):
        yield found.start(), found.group(), next(name for name in found.groups() if name)
