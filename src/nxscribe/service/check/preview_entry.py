"""The program of the process that makes the entry of a live preview, as the writer would do, but without a file.

Only this process may import this module, because it loads HDF5.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from nxscribe.projections.nexus.nodes import FieldNode, GroupNode
from nxscribe.projections.nexus.tree import build_tree
from nxscribe.records import Record, recorded_definition
from nxscribe.runtime.worker_process import serve
from nxscribe.service.check.preview import LiveValue

_Entry: TypeAlias = tuple[dict[str, LiveValue], dict[str, str]]
"""The values by path, and why others are missing."""


def main() -> None:
    """Make entries until the parent ends."""
    serve(_prepare)


def _prepare(_setting: object) -> Callable[[Record], _Entry]:
    return _entry


def _entry(record: Record) -> _Entry:
    tree = build_tree(recorded_definition(record.definition), record)
    values: dict[str, LiveValue] = {}
    for path, node in [("", tree.entry), *tree.entry.walk()]:
        if isinstance(node, FieldNode):
            values[path] = _live_value(node)
        if isinstance(node, FieldNode | GroupNode):
            values |= {f"{path}@{name}": LiveValue(value) for name, value in node.attributes.items()}
    return values, tree.missing


def _live_value(node: FieldNode) -> LiveValue:
    texts = {name: str(node.attributes.get(name, "")) for name in ("units", "source", "timestamp", "quality", "format")}
    time = datetime.fromisoformat(texts["timestamp"]) if texts["timestamp"] else None
    return LiveValue(node.value, texts["units"], texts["source"], time, texts["quality"], texts["format"])


if __name__ == "__main__":
    main()
