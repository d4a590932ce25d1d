"""How a preview looks on a terminal: a table whose first column is the tree."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nxscribe.errors import Location
from nxscribe.model import Template, Value
from nxscribe.plan import CapturePlan, NodeKind, PreviewNode, preview_tree
from nxscribe.plan.preview import BUILT_IN_WORDS, SET_BY_CONTROL
from nxscribe.service.preview import Live, is_read, path_below

_WIDE: Final = 100
"""From this many columns on there is room for the place where each node is defined."""
_LONGEST: Final = 60
_LONG_NAME: Final = re.compile(r"[\w.:/-]+/([\w.-]+/[\w.-]+)")
"""A Tango name, or a path, of which the last two parts tell enough."""
_NAME_STYLES: Final = {NodeKind.GROUP: "bold cyan", NodeKind.LINK: "magenta", NodeKind.ATTRIBUTE: "italic"}
_ORIGIN_STYLES: Final = {BUILT_IN_WORDS: "blue", SET_BY_CONTROL: "yellow"}
_AGES: Final = ((1.0, "s", 60), (60.0, "min", 60), (3600.0, "h", 48), (86400.0, "d", float("inf")))


def preview_view(plan: CapturePlan, live: Live | None, width: int) -> RenderableType:
    """The preview for a terminal of `width` columns."""
    root = preview_tree(plan)
    base = Path(plan.definition.files[0]).parent if plan.definition.files else Path()
    table = Table(box=None, pad_edge=False, padding=(0, 2 if width >= _WIDE else 1, 0, 0), header_style="dim")
    table.add_column(plan.technique, no_wrap=True)
    if live:
        table.add_column("value", overflow="fold", max_width=width // 3)
        table.add_column("age", no_wrap=True, justify="right")
    else:
        table.add_column("type", no_wrap=True, style="dim")
        table.add_column("unit", no_wrap=True)
        table.add_column("phase", no_wrap=True)
    table.add_column("from", overflow="fold", ratio=1)
    if width >= _WIDE:
        table.add_column("defined in", no_wrap=True, style="dim")
    for guides, path, node in _rows(root):
        cells = _live_cells(path, node, live) if live else (Text(node.type), Text(node.units), Text(node.phase or ""))
        place = [_where(node.location, base)] if width >= _WIDE else []
        origins = _origins(node, named=width >= _WIDE)
        if live and width < _WIDE:
            origins = Text(_LONG_NAME.sub(r"…/\1", origins.plain), origins.style)
        table.add_row(_name(guides, node), *cells, origins, *place)
    told = _summary(root, live) if live else [Text("* mandatory", "dim")]
    if width < _WIDE:
        told.append(Text(f"from {_WIDE} columns on, and with --json, also where each is defined", "dim"))
    return Group(table, Text(), *told)


def _rows(
    node: PreviewNode, path: str = "", guides: str = "", below: str = ""
) -> Iterator[tuple[str, str, PreviewNode]]:
    """Each node with the lines of the tree that lead to it, and its path from the entry."""
    yield guides, path, node
    for child in node.children:
        last = child is node.children[-1]
        yield from _rows(
            child, path_below(path, child), f"{below}{'└ ' if last else '├ '}", f"{below}{'  ' if last else '│ '}"
        )


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


def _where(location: Location | None, base: Path) -> Text:
    return Text(f"{os.path.relpath(location.file, base)}:{location.line}" if location else "")


def _live_cells(path: str, node: PreviewNode, live: Live) -> tuple[Text, Text]:
    if path in live.missing:
        return (Text("not set yet", "yellow") if _comes_with_the_scan(node) else Text("missing", "bold red")), Text()
    value = live.values.get(path)
    if value is None or not is_read(node):
        return Text(), Text()
    quality = f" {value.quality}" if value.quality else ""
    age = _age((live.taken - value.time).total_seconds()) if value.time else ""
    return Text.assemble(f"{_brief(value.value)} {value.units}".rstrip(), (quality, "bold yellow")), Text(age, "dim")


def _comes_with_the_scan(node: PreviewNode) -> bool:
    return any(words == SET_BY_CONTROL for _, words in node.origins)


def _brief(value: Value) -> str:
    """A value in few letters; JSON has it in full."""
    if value.size > _LONGEST:
        return f"{value.dtype} {' x '.join(map(str, value.shape))}"
    text = _short(value.tolist())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _short(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _age(age_s: float) -> str:
    number, unit = next((age_s / length, unit) for length, unit, most in _AGES if age_s / length < most)
    return f"{number:.2f} {unit}" if unit == "s" else f"{number:.0f} {unit}"


def _summary(root: PreviewNode, live: Live) -> list[Text]:
    nodes = {path: node for _, path, node in _rows(root)}
    read = [path for path, node in nodes.items() if is_read(node) and path in live.values]
    later = [path for path in live.missing if path in nodes and _comes_with_the_scan(nodes[path])]
    missing = {path: reason for path, reason in live.missing.items() if path not in later}
    times = ", ".join(f"{phase.value} {seconds * 1e3:.0f} ms" for phase, seconds in live.durations_s.items())
    counts = f"{len(read)} values read, {len(missing)} missing, {len(later)} to be set by the control system"
    reasons = [Text.assemble((path, "bold red"), f": {reason}") for path, reason in missing.items()]
    slowest = ", ".join(_LONG_NAME.sub(r"…/\1", name) + _took(seconds) for name, seconds in live.slowest.items())
    return [*reasons, Text(f"{counts}; capture: {times}"), *([Text(f"slowest: {slowest}", "dim")] if slowest else [])]


def _took(seconds: float) -> str:
    return " never answers" if math.isinf(seconds) else f" {seconds * 1e3:.1f} ms"
