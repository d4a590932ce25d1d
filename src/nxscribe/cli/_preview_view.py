"""Draws a preview for a terminal. The first column shows the tree.

Names of devices, paths and expressions are never truncated. What does not fit beside the tree is printed below it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from nxscribe.cli._columns import laid_out, wrapped
from nxscribe.cli._summing_up import FEW, HINT, SHORT, some, summed_up
from nxscribe.errors import Location
from nxscribe.model import Template
from nxscribe.model.value_format import shown
from nxscribe.plan import CapturePlan, NodeKind, PreviewNode
from nxscribe.plan.preview_nodes import BUILT_IN_WORDS, SET_BY_CONTROL
from nxscribe.service.check.preview import Live, is_read, path_below

_WIDE: Final = 100
"""A terminal of this width also shows where each node is defined."""
_NAME_STYLES: Final = {NodeKind.GROUP: "bold cyan", NodeKind.LINK: "magenta", NodeKind.ATTRIBUTE: "italic"}
_ORIGIN_STYLES: Final = {BUILT_IN_WORDS: "blue", SET_BY_CONTROL: "yellow"}
_AGES: Final = ((1.0, "s", 60), (60.0, "min", 60), (3600.0, "h", 48), (86400.0, "d", float("inf")))


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the table: a node, or the sum of several nodes."""

    guides: str
    path: str
    node: PreviewNode
    sum: str = ""
    """A description of the nodes that this row sums up; empty if it shows one node."""


def preview_view(
    plan: CapturePlan, root: PreviewNode, live: Live | None, width: int, *, everything: bool = False
) -> RenderableType:
    """The preview of the nodes from `root` on for a terminal of `width` columns; to be printed without wrapping."""
    base = Path(plan.definition.files[0]).parent if plan.definition.files else Path()
    is_wide = width >= _WIDE
    heads = ("value", "age", "from") if live else ("type", "unit", "phase", "from")
    unfilled = sum(map(_is_unfilled, _leaves(root)))
    rows = list(_rows(root, summing=live is None and not everything and unfilled > SHORT))
    lines: list[tuple[str, list[Text]]] = [("", _head(plan.technique, heads, is_wide=is_wide))]
    for row in rows:
        cells = _live_cells(row.path, row.node, live) if live else _facts(row.node)
        origins = Text(row.sum, "yellow") if row.sum else _origins(row.node, named=is_wide)
        place = [Text(_where(row.node.location, base), "dim")] if is_wide else []
        lines.append((row.guides, [_name(row.guides, row.node), *cells, origins, *place]))
    told = _summary(root, live, everything=everything) if live else [Text("* mandatory", "dim")]
    if not is_wide:
        told.append(Text(f"from {_WIDE} columns on, and with --json, also where each is defined", "dim"))
    if any(row.sum for row in rows):
        told.append(Text(HINT, "dim"))
    beneath = [part for text in told for part in wrapped(text, width)]
    return Group(*_laid_out(lines, width, is_wide=is_wide), Text(), *beneath)


def _head(technique: str, heads: Sequence[str], *, is_wide: bool) -> list[Text]:
    return [Text(text, "dim") for text in (technique, *heads, *(["defined in"] if is_wide else []))]


def _rows(node: PreviewNode, path: str = "", guides: str = "", below: str = "", *, summing: bool) -> Iterator[_Row]:
    """Each node with the lines of the tree that lead to it, and its path from the entry.

    With `summing`, fields of one group that nothing fills are one line, and so is a group that has no others.
    """
    leaves = list(_leaves(node))
    if summing and path and node.children and all(map(_is_unfilled, leaves)):
        yield _Row(guides, path, node, _in_words(leaves))
        return
    yield _Row(guides, path, node)
    unfilled = [child for child in node.children if not child.children and _is_unfilled(child)] if summing else []
    if len(unfilled) < FEW:
        unfilled = []
    children = [child for child in node.children if child not in unfilled[1:]]
    for child in children:
        last = child is children[-1]
        mark = f"{below}{'└ ' if last else '├ '}"
        if child in unfilled:
            yield _Row(mark, path_below(path, child), PreviewNode(child.kind, "…"), _in_words(unfilled))
        else:
            further = f"{below}{'  ' if last else '│ '}"
            yield from _rows(child, path_below(path, child), mark, further, summing=summing)


def _leaves(node: PreviewNode) -> Iterator[PreviewNode]:
    """The nodes with values: fields, and attributes of groups and fields."""
    if node.kind is not NodeKind.GROUP:
        yield node
    for child in node.children:
        yield from _leaves(child)


def _is_unfilled(node: PreviewNode) -> bool:
    """Whether only the control system can set the value, and it is not mandatory."""
    return not node.mandatory and [words for _, words in node.origins] == [SET_BY_CONTROL]


def _in_words(nodes: Sequence[PreviewNode]) -> str:
    fields = f"{len(nodes)} field{'' if len(nodes) == 1 else 's'}"
    return f"{fields} {SET_BY_CONTROL}: {some([one.name for one in nodes])}"


def _laid_out(lines: Sequence[tuple[str, Sequence[Text]]], width: int, *, is_wide: bool) -> Iterator[Text]:
    """The rows as lines. The column of the origins gets the width that the other columns leave."""
    count = len(lines[0][1])
    origins = count - 2 if is_wide else count - 1
    most = {0: width // 2, 1: max(width // 3, len("value"))}
    return laid_out(lines, width, elastic=origins, most=most)


def _facts(node: PreviewNode) -> tuple[Text, Text, Text]:
    return Text(node.type, "dim"), Text(node.units), Text(node.phase or "")


def _name(guides: str, node: PreviewNode) -> Text:
    name = f"@{node.name}" if node.kind is NodeKind.ATTRIBUTE else node.name
    mark = ("*", "bold red") if node.mandatory else ""
    return Text.assemble((guides, "dim"), (name, _NAME_STYLES.get(node.kind, "")), mark)


def _origins(node: PreviewNode, *, named: bool) -> Text:
    """What the value is, or where it comes from; the placeholder is `named` where there is room for it."""
    if node.kind is NodeKind.LINK:
        return Text(f"→ {node.text}", "magenta")
    if not node.origins:
        return Text(node.text, "green")
    if Template(node.text).sole_placeholder:
        return _origin(*node.origins[0], named=named)
    lines = (_origin(*origin, named=True) for origin in node.origins)
    return Text("\n").join([Text(node.text, "green"), *lines])


def _origin(placeholder: str, words: str, *, named: bool) -> Text:
    style = _ORIGIN_STYLES.get(words, "")
    if not named and words != SET_BY_CONTROL:
        return Text(words, style)
    arrow = " " if words.startswith("=") else " ← "
    return Text.assemble((placeholder, "bold"), (arrow, "dim"), (words, style))


def _where(location: Location | None, base: Path) -> str:
    return f"{os.path.relpath(location.file, base)}:{location.line}" if location else ""


def _live_cells(path: str, node: PreviewNode, live: Live) -> tuple[Text, Text]:
    if path in live.missing:
        return (Text("not set yet", "yellow") if _comes_with_the_scan(node) else Text("missing", "bold red")), Text()
    value = live.values.get(path)
    if value is None or not is_read(node):
        return Text(), Text()
    quality = f" {value.quality}" if value.quality else ""
    age = _age((live.taken - value.time).total_seconds()) if value.time else ""
    told = f"{shown(value.value, value.format)} {value.units}".rstrip()
    return Text.assemble(told, (quality, "bold yellow")), Text(age, "dim")


def _comes_with_the_scan(node: PreviewNode) -> bool:
    return any(words == SET_BY_CONTROL for _, words in node.origins)


def _age(age_s: float) -> str:
    number, unit = next((age_s / length, unit) for length, unit, most in _AGES if age_s / length < most)
    return f"{number:.2f} {unit}" if unit == "s" else f"{number:.0f} {unit}"


def _summary(root: PreviewNode, live: Live, *, everything: bool) -> list[Text]:
    nodes = {row.path: row.node for row in _rows(root, summing=False)}
    read = [path for path, node in nodes.items() if is_read(node) and path in live.values]
    later = [path for path in live.missing if path in nodes and _comes_with_the_scan(nodes[path])]
    missing = {path: reason for path, reason in live.missing.items() if path not in later}
    times = ", ".join(f"{phase.value} {seconds * 1e3:.0f} ms" for phase, seconds in live.durations_s.items())
    counts = f"{len(read)} values read, {len(missing)} missing, {len(later)} to be set by the control system"
    sums = summed_up(missing, everything=everything)
    reasons = [Text.assemble((path, "bold red"), f": {reason}") for path, reason in sums]
    if len(sums) < len(missing):
        reasons.append(Text(HINT, "dim"))
    slowest = ", ".join(name + _took(seconds) for name, seconds in live.slowest.items())
    return [*reasons, Text(f"{counts}; capture: {times}"), *([Text(f"slowest: {slowest}", "dim")] if slowest else [])]


def _took(seconds: float) -> str:
    return " never answers" if math.isinf(seconds) else f" {seconds * 1e3:.1f} ms"
