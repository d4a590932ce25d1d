"""Tables whose cells are only wrapped between words, so that names and paths stay whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from rich.cells import cell_len
from rich.text import Text

_LEAST: Final = 24
"""The smallest width of a column, because a sentence in a narrower one is hard to read."""
_WORD: Final = re.compile(r"\S+\s*")


def laid_out(
    lines: Sequence[tuple[str, Sequence[Text]]],
    width: int,
    *,
    elastic: int,
    most: Mapping[int, int] = MappingProxyType({}),
    gap: int = 2,
) -> Iterator[Text]:
    """Lay out a table. Returns its lines, which have to be printed without wrapping.

    Args:
        lines: The cells of each row, with the guides of a tree that come before the first cell; empty: no guides.
        width: The number of columns of characters.
        elastic: The column that gets the remaining width. Longer text is printed below the row.
        most: The largest widths of other columns, by their numbers.
        gap: The number of columns between two cells.
    """
    cells = [line for _, line in lines]
    widths = [max(line[column].cell_len for line in cells) for column in range(len(cells[0]))]
    for column, limit in most.items():
        widths[column] = min(widths[column], limit)
    fixed = sum(width + gap for column, width in enumerate(widths) if column != elastic)
    longest = max(cell_len(part) for line in cells for part in line[elastic].plain.split("\n"))
    is_last = elastic == len(widths) - 1
    widths[elastic] = min(longest, max(width - fixed, 0 if is_last else _LEAST))
    for guides, line in lines:
        yield from _row(guides, line, widths, elastic, width, gap)


def _row(
    guides: str, cells: Sequence[Text], widths: Sequence[int], elastic: int, width: int, gap: int
) -> Iterator[Text]:
    """The lines of one row."""
    lines = [Text()]
    beneath: list[Text] = []
    top = column = 0
    for number, (cell, room) in enumerate(zip(cells, widths, strict=True)):
        longest = max((cell_len(word) for word in cell.plain.split()), default=0)
        if number == elastic and (longest > room or (room < _LEAST and _is_wider(cell, room))):
            # Beneath the row, between the lines of the tree.
            margin = f"{guides.replace('├', '│').replace('└', ' ')}    "
            beneath = [Text(margin, "dim").append_text(part) for part in wrapped(cell, width - len(margin))]
        else:
            # A name stays on the line of its guides.
            parts = [cell] if guides and not number else wrapped(cell, max(room, 1))
            for offset, part in enumerate(parts):
                while len(lines) <= top + offset:
                    lines.append(Text())
                line = lines[top + offset]
                line.pad_right(max(column - line.cell_len, 0))
                line.append_text(part)
            if longest > room:
                top += len(parts)
        column += room + gap
    for line in (*lines, *beneath):
        line.rstrip()
        yield line


def _is_wider(text: Text, room: int) -> bool:
    return any(cell_len(line) > room for line in text.plain.split("\n"))


def wrapped(text: Text, width: int) -> list[Text]:
    """The text in lines of at most `width` columns, wrapped between words. A longer word is not broken."""
    parts: list[Text] = []
    for line in text.split("\n") if text.plain else ():
        start, offsets = 0, list[int]()
        for word in _WORD.finditer(line.plain):
            if word.start() > start and cell_len(line.plain[start : word.end()].rstrip()) > width:
                start = word.start()
                offsets.append(start)
        parts += line.divide(offsets)
    for part in parts:
        part.rstrip()
    return parts
