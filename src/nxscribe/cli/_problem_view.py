"""Prints problems in the form of all commands: one line of text for each, and below it the line of the file.

Many problems that are alike are summed up.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Final, TextIO

import typer

from nxscribe.cli._summing_up import HINT, summed_problems
from nxscribe.errors import Location, Problem, Severity

_COLOURS: Final = {Severity.ERROR: typer.colors.RED, Severity.WARNING: typer.colors.YELLOW}
_WIDTH_OF_PIPES: Final = 160
_LEAST: Final = 20
"""At least this number of columns of a line is shown."""
_BEHIND: Final = 0.3
"""The share of a long line that is shown after the caret."""
_REACH: Final = 4
"""How many times the width is examined on either side of a place, because some characters have no width."""
_TAB: Final = 4
_DECLARED: Final = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)["']""")
_BYTE_ORDER_MARKS: Final = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_INDENT: Final = "    "


_CHECK_SHOWS_ALL: Final = f"`nxscribe check CONFIG` with {HINT}"


def print_problems(problems: Iterable[Problem], *, about: str = "", stream: TextIO | None = None) -> None:
    """Print problems, sorted by their places, for a command without an option to show each of many similar ones.

    Args:
        problems: Errors and warnings, in any order.
        about: What the command did when they occurred, such as `entry_0001: not made`. It is printed before each text.
        stream: The output stream; by default standard error.
    """
    stream = stream or sys.stderr
    for problem in summed_problems(in_order(problems), hint=_CHECK_SHOWS_ALL):
        told = replace(problem, what=f"{about}: {problem.what}") if about else problem
        typer.echo(problem_view(told, stream), file=stream)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sorted by their places; those without a place come first, in the order in which they were found."""
    return sorted(problems, key=lambda problem: seen_from_here(problem).location or Location(""))


def problem_view(problem: Problem, stream: TextIO) -> str:
    """The problem in colours, with file names relative to the working directory, and with the line that it is about.

    If `stream` is a terminal, the text is wrapped between words. In a pipe it is one line, for grep and editors.
    """
    width = shutil.get_terminal_size().columns if stream.isatty() else 0
    text = _coloured(seen_from_here(problem), width)
    return "\n".join((text, *excerpt(problem.location, width or _WIDTH_OF_PIPES)))


def seen_from_here(problem: Problem) -> Problem:
    """The problem with file names relative to the working directory, if they are below it."""
    return replace(
        problem,
        location=_near(problem.location) if problem.location else None,
        also=tuple(map(_near, problem.also)),
    )


def excerpt(location: Location | None, width: int) -> list[str]:
    """The line at a place, cut to `width` columns, and a caret below it; empty if the place is not known."""
    if location is None or not (location.line and location.column):
        return []
    lines = _lines(location.file)
    if not 0 < location.line <= len(lines):
        return []
    gutter = f"{_INDENT}{location.line} | "
    shown, caret = _cut(lines[location.line - 1], location.column - 1, max(width - len(gutter), _LEAST))
    return [f"{gutter}{shown}".rstrip(), f"{' ' * (len(gutter) - 2)}| {' ' * caret}^"]


def _cut(line: str, index: int, room: int) -> tuple[str, int]:
    """The part of a line around the character at `index` that fits into `room` columns, and where that one stands."""
    from rich.cells import cell_len

    # A file may be one line of megabytes: what is far beyond the room on either side is not shown anyway.
    start = max(index - _REACH * room, 0)
    line, index = line[start : index + _REACH * room], index - start
    cells = [_visible(character) for character in line]
    ends = list(accumulate(map(cell_len, cells), initial=0))
    index = min(index, len(cells))
    if ends[-1] <= room and ends[index] < room:
        return "".join(cells), ends[index]
    behind = int(room * _BEHIND)
    first = next(start for start in range(len(cells) + 1) if ends[index] - ends[start] < room - behind)
    before = "…" if first else ""
    left = room - len(before)
    last = max(end for end in range(first, len(cells) + 1) if ends[end] - ends[first] <= left)
    after = ""
    if last < len(cells):
        last = max(end for end in range(first, last + 1) if ends[end] - ends[first] < left)
        after = "…"
    return before + "".join(cells[first:last]) + after, len(before) + ends[index] - ends[first]


def _visible(character: str) -> str:
    """A character as it is shown: a tab as spaces, a control character as a replacement character."""
    if character == "\t":
        return " " * _TAB
    return character if character.isprintable() or character.isspace() else "\N{REPLACEMENT CHARACTER}"


@lru_cache(maxsize=8)
def _lines(file: str) -> list[str]:
    """The lines of a text file, counted as the readers count them; empty if it cannot be read."""
    from nxscribe.definitions.text import read_bounded

    try:
        data = read_bounded(Path(file))
    except OSError:
        return []
    declared = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf")) if Path(file).suffix.lower() == ".xml" else None
    encoding = _BYTE_ORDER_MARKS.get(data[:2]) or (declared[1].decode() if declared else "utf-8-sig")
    try:
        text = data.decode("utf-8-sig" if encoding.lower() == "utf-8" else encoding, errors="replace")
    except LookupError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _near(location: Location) -> Location:
    try:
        is_below = Path(location.file).is_relative_to(Path.cwd())
    except OSError:  # the folder that one is in was removed
        return location
    return replace(location, file=os.path.relpath(location.file)) if is_below else location


def _coloured(problem: Problem, width: int) -> str:
    """The text of the problem in colours, wrapped if there is a width. typer drops colours in a pipe."""
    place = f"{problem.location}: " if problem.location else ""
    head = f"{place}{problem.severity}:"
    text = str(problem)
    if width:
        text = textwrap.fill(text, width, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False)
    if "NO_COLOR" in os.environ:  # https://no-color.org; click does not look at it
        return text
    word = typer.style(f"{problem.severity}:", fg=_COLOURS[problem.severity], bold=True)
    return text.replace(head, f"{typer.style(place, bold=True)}{word}", 1)
