"""Explains syntax errors of YAML to people who do not know its rules in detail."""

from __future__ import annotations

import re
from typing import Final

import yaml

from nxscribe.definitions._placeholder_checks import foreign_placeholders
from nxscribe.errors import Location, Problem

_SPACES: Final = "\u00a0\u2007\u202f\u3000\u200b\ufeff"
_KEY: Final = re.compile(r"""[^\s#"'{\[&*!|>%@`-][^#"'{}\[\]]*?""")
_KEYED: Final = re.compile(rf"(?P<indent> *)(?:- +)*(?P<key>{_KEY.pattern}):(?P<value>\s+\S.*)?\s*")
_GLUED: Final = re.compile(r"\s*(?P<key>[\w.\\@-]+(\([\w ]*\))?):(?P<value>[^\s:/\\].*)")


def syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    """Explain an error of PyYAML: its place, and a remedy that the lines around it suggest."""
    marks = [mark for mark in (error.problem_mark, error.context_mark) if mark]
    here = Location(file, marks[0].line + 1, marks[0].column + 1) if marks else Location(file)
    begun = Location(file, marks[-1].line + 1, marks[-1].column + 1) if marks else here
    lines = text.splitlines()
    what = error.problem or error.context or "it cannot be read"
    return _Suspect(lines, here, begun).problem(f"not YAML: {what}", error.context or "")


class _Suspect:
    """The lines that a parser stopped at, and what may be wrong with them."""

    def __init__(self, lines: list[str], here: Location, begun: Location) -> None:
        self._lines = lines
        self._here = here
        self._begun = begun
        self._line = lines[here.line - 1] if 0 < here.line <= len(lines) else ""
        self._before = self._line[: here.column - 1]
        self._next = self._line[here.column - 1 : here.column]

    def problem(self, what: str, context: str) -> Problem:
        also = (self._begun,) if self._begun != self._here else ()
        for place, why, remedy in (
            self._tab(),
            self._false_space(),
            self._unclosed(what, context),
            self._quotes(what),
            self._first_character(),
            self._flow(context),
            self._colons(),
            self._indentation(),
        ):
            if remedy:
                other = tuple(one for one in also if one != place)
                return Problem(what, why or context, remedy, place or self._here, also=other)
        return Problem(what, context, "look at quotes, colons and indentation here", self._here, also=also)

    def _at(self, column: int) -> Location:
        return Location(self._here.file, self._here.line, column + 1)

    def _tab(self) -> tuple[Location | None, str, str]:
        margin = self._line[: len(self._line) - len(self._line.lstrip())]
        if "\t" in margin:
            return self._at(margin.index("\t")), "", "indent with spaces: YAML allows no tabs"
        return None, "", ""

    def _false_space(self) -> tuple[Location | None, str, str]:
        for number in (self._here.line, self._here.line - 1):
            line = self._lines[number - 1] if 0 < number <= len(self._lines) else ""
            column, character = next(((at, one) for at, one in enumerate(line) if one in _SPACES), (0, ""))
            if character:
                place = Location(self._here.file, number, column + 1)
                why = f"U+{ord(character):04X} looks like a space, but is another character"
                return place, why, "write an ordinary space in its place"
        return None, "", ""

    def _unclosed(self, what: str, context: str) -> tuple[Location | None, str, str]:
        if "end of stream" in what and "quoted" in context:
            return self._begun, "", "close the quote that begins here"
        if "flow" in context and self._begun.line < self._here.line:
            opened = self._lines[self._begun.line - 1][self._begun.column - 1 : self._begun.column]
            closing = {"{": "}", "[": "]"}.get(opened)
            if closing and closing not in self._lines[self._begun.line - 1][self._begun.column :]:
                return self._begun, "", f"close the {opened} that begins here with {closing}"
        return None, "", ""

    def _quotes(self, what: str) -> tuple[Location | None, str, str]:
        if "unknown escape" in what:
            if "\\@" in self._line:
                key = re.search(r"\\@([\w.-]+)", self._line)
                return None, "", f"write \\@{key[1] if key else 'default'} without quotes"
            return None, "in double quotes \\ begins an escape", "write single quotes, or \\\\ for each \\"
        if self._before[-1:] in ("'", '"') and self._before.count(self._before[-1]) > 1 and self._next.strip():
            quote = self._before[-1]
            other = '"' if quote == "'" else "'"
            why = f"the quote before it ends the text that begins with {quote}"
            return None, why, f"put the whole text between {other} and {other}"
        return None, "", ""

    def _first_character(self) -> tuple[Location | None, str, str]:
        """Of a value or key that begins with a character that YAML keeps for itself."""
        rest = self._line[self._here.column - 1 :].rstrip()
        foreign = next((one for one in foreign_placeholders(rest) if one[0] == 0), None)
        if foreign and not self._before.endswith("$"):
            return None, f"{foreign[1]} is not a placeholder", f"write ${{{foreign[2]}}}"
        if self._next == "@":
            key = re.match(r"@([\w.-]+)", rest)
            if key and rest[key.end() :].startswith((":", "(")):
                return None, "@ alone begins nothing in YAML", f"write \\@{key[1]}: for an attribute"
        if self._next and self._next in "@`%" and not self._before.rstrip().endswith(("{", "[", ",")):
            return None, f"no value begins with {self._next}", f'put it into quotes: "{rest}"'
        return None, "", ""

    def _flow(self, context: str) -> tuple[Location | None, str, str]:
        if found := re.search(r"\$\{\s*([\w.-]+)\s*\}?", self._line if "flow" in context else ""):
            return None, "", f'put "${{{found[1]}}}" into quotes inside {{ }} and [ ]'
        return None, "", ""

    def _colons(self) -> tuple[Location | None, str, str]:
        keyed = _KEYED.fullmatch(self._line)
        begin = len(self._line) - len(self._line.lstrip())
        first = self._before.find(": ")
        if keyed and self._next == ":" and 0 <= first < self._here.column - 1:
            value = self._line[first + 2 :].strip()
            return None, "a text with `: ` in it needs quotes", f"write {self._line[begin:first]}: '{value}'"
        above = self._above()
        if above and (glued := _GLUED.fullmatch(self._lines[above - 1])):
            place = Location(self._here.file, above, glued.end("key") + 1)
            return place, "a space is missing behind the colon", f"write {glued['key']}: {glued['value']}"
        return None, "", ""

    def _indentation(self) -> tuple[Location | None, str, str]:
        above = self._above()
        keyed = _KEYED.fullmatch(self._line)
        if not above or not keyed:
            return None, "", ""
        own = len(keyed["indent"])
        wanted = self._indents(above)
        if own in wanted:
            return None, "", ""
        columns = [f"in column {indent + 1}, like {key}" for indent, key in sorted(wanted.items())]
        why = f"it begins in column {own + 1}, where nothing above begins"
        return self._at(own), why, f"let it begin {' or '.join(columns[-2:])}"

    def _indents(self, above: int) -> dict[int, str]:
        """The columns at which what is open above begins, with the names there."""
        found: dict[int, str] = {}
        least = 1_000_000
        for number in range(above, 0, -1):
            keyed = _KEYED.fullmatch(self._lines[number - 1])
            if keyed and len(keyed["indent"]) < least:
                least = len(keyed["indent"])
                found[least] = keyed["key"]
        return found

    def _above(self) -> int:
        """The number of the nearest line above that says something; 0 where there is none."""
        for number in range(self._here.line - 1, 0, -1):
            text = self._lines[number - 1].strip()
            if text and not text.startswith("#"):
                return number
        return 0
