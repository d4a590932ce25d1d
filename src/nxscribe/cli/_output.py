"""Lines of text for a terminal, wrapped between words only: names and paths stay whole."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

_GAP: Final = 2
_LEAST: Final = 20
"""The smallest width that text is wrapped to."""


def width_of_output() -> int | None:
    """The columns of the terminal, or those of $COLUMNS; None for a pipe, where nothing needs wrapping."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() or os.environ.get("COLUMNS") else None


def print_line(text: str, *, indent: int = 0, colour: str | None = None, err: bool = False) -> None:
    """Print a text; if it is longer than the terminal, the following lines are indented further."""
    margin = " " * indent
    width = width_of_output()
    if width is None:
        told = f"{margin}{text}"
    else:
        told = textwrap.fill(
            text,
            max(width, _LEAST),
            initial_indent=margin,
            subsequent_indent=f"{margin}{' ' * _GAP}",
            break_long_words=False,
            break_on_hyphens=False,
        )
    if colour is None:
        print(told, file=sys.stderr if err else sys.stdout, flush=True)
    else:
        import typer

        typer.secho(told, fg=colour, err=err)


def print_facts(facts: Iterable[tuple[str, str | Sequence[str]]]) -> None:
    """Print a table of two columns: each name, and its text or texts, one below the other."""
    import typer

    lines = [(name, [text] if isinstance(text, str) else list(text) or [""]) for name, text in facts]
    margin = max((len(name) for name, _ in lines), default=0) + _GAP
    for name, texts in lines:
        first, *others = [part for text in texts for part in _wrapped(text, margin)]
        typer.echo(f"{typer.style(name.ljust(margin), bold=True)}{first}".rstrip())
        for part in others:
            typer.echo(f"{' ' * margin}{part}".rstrip())


def _wrapped(text: str, margin: int) -> list[str]:
    width = width_of_output()
    lines = text.split("\n")
    if width is None:
        return lines
    return [
        part
        for line in lines
        for part in textwrap.wrap(line, max(width - margin, _LEAST), break_long_words=False, break_on_hyphens=False)
        or [""]
    ]
