"""The tree that a technique will write, with or without present values, as data and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from nxscribe.definitions.diagnostics import nearest
from nxscribe.errors import InputError, Problem
from nxscribe.model import Phase, Value
from nxscribe.model.arrays import number_for_json
from nxscribe.plan import CapturePlan, NodeKind, PreviewNode, preview_tree
from nxscribe.plan.preview_nodes import BUILT_IN_WORDS, SET_BY_CONTROL


@dataclass(frozen=True, slots=True)
class LiveValue:
    """One value as it would be written to the file."""

    value: Value
    units: str = ""
    source: str = ""
    time: datetime | None = None
    quality: str = ""
    """The quality of the value; empty if it is VALID."""
    format: str = ""
    """The format of its device, such as `%8.4f`; empty if there is none."""


@dataclass(frozen=True, slots=True)
class Live:
    """All values, by path from the entry (`sample/name`, `data@signal`), and the reasons for missing ones."""

    values: dict[str, LiveValue]
    missing: dict[str, str]
    taken: datetime
    durations_s: dict[Phase, float] = field(default_factory=dict)
    slowest: dict[str, float] = field(default_factory=dict)
    """The slowest attributes, with their times in seconds; infinite for one that never answers."""


def path_below(path: str, child: PreviewNode) -> str:
    """The path of a node below one at `path`: `sample/name`, `data@signal`."""
    if child.kind is NodeKind.ATTRIBUTE:
        return f"{path}@{child.name}"
    return f"{path}/{child.name}" if path else child.name


def is_read(node: PreviewNode) -> bool:
    """Whether a value is a reading, and neither a literal nor a value that only a real scan has."""
    return any(words != BUILT_IN_WORDS for _, words in node.origins)


def at_path(root: PreviewNode, path: str) -> PreviewNode:
    """The part of the tree that leads to a path (`instrument/detector01`, `data@signal`), with everything below it.

    Raises InputError if there is no node at the path.
    """
    wanted = path.strip("/").removeprefix(f"{root.name}/")
    if not wanted or wanted == root.name:
        return root
    found = only(root, lambda here, _: here == wanted or here.startswith((f"{wanted}/", f"{wanted}@")))
    if found is None:
        known = [here for here, _ in _nodes(root) if here]
        near = nearest(wanted, known)
        remedy = f"did you mean {near}?" if near else "without --path all of the tree is shown"
        raise InputError(Problem(f"nothing is at {path!r}", "the definition does not have this node", remedy))
    return found


def only(node: PreviewNode, wanted: Callable[[str, PreviewNode], bool], path: str = "") -> PreviewNode | None:
    """The part of the tree with the nodes for which `wanted` is true, and the groups around them; None: no node."""
    below = (only(child, wanted, path_below(path, child)) for child in node.children)
    children = tuple(child for child in below if child)
    return replace(node, children=children) if children or (path and wanted(path, node)) else None


def without_value(live: Live | None) -> Callable[[str, PreviewNode], bool]:
    """A test for nodes without a value: those that are missing now or, without live values, that no source fills."""
    if live:
        return lambda path, _: path in live.missing
    return lambda _, node: any(words == SET_BY_CONTROL for _, words in node.origins)


def _nodes(node: PreviewNode, path: str = "") -> Iterator[tuple[str, PreviewNode]]:
    yield path, node
    for child in node.children:
        yield from _nodes(child, path_below(path, child))


def preview_json(plan: CapturePlan, live: Live | None, root: PreviewNode | None = None) -> str:
    """The preview as JSON: of the whole tree, or of the nodes from `root` on if it is given."""
    document: dict[str, object] = {"technique": plan.technique, "sha256": plan.definition.sha256}
    if live:
        document["capture_s"] = {phase.value: seconds for phase, seconds in live.durations_s.items()}
        document["slowest"] = [{"attribute": name, "seconds": _for_json(s)} for name, s in live.slowest.items()]
        document["missing"] = live.missing
    return json.dumps(document | {"entry": _plain(root or preview_tree(plan), "", live)}, indent=2)


def _plain(node: PreviewNode, path: str, live: Live | None) -> dict[str, object]:
    place = node.location
    plain: dict[str, object] = {
        "kind": node.kind.value,
        "name": node.name,
        "type": node.type,
        "units": node.units,
        "phase": node.phase.value if node.phase else "",
        "mandatory": node.mandatory,
        "text": node.text,
        "sources": dict(node.origins),
        "defined": {"file": place.file, "line": place.line, "column": place.column} if place else None,
    }
    if live and path in live.values and is_read(node):
        plain["live"] = _plain_value(live.values[path], live)
    if node.children:
        plain["children"] = [_plain(child, path_below(path, child), live) for child in node.children]
    return plain


def _plain_value(value: LiveValue, live: Live) -> dict[str, object]:
    return {
        "value": _for_json(value.value.tolist()),
        "units": value.units,
        "source": value.source,
        "time": value.time.isoformat() if value.time else "",
        "age_s": (live.taken - value.time).total_seconds() if value.time else None,
        "quality": value.quality or "VALID",
    }


def _for_json(value: object) -> object:
    if isinstance(value, list):
        return [_for_json(one) for one in value]
    return number_for_json(value) if isinstance(value, int | float) else value
