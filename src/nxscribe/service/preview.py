"""What a technique will write, with or without what the devices say now, as data and as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import datetime

from nxscribe.model import Phase, Value
from nxscribe.plan import CapturePlan, NodeKind, PreviewNode, preview_tree
from nxscribe.plan.preview import BUILT_IN_WORDS


@dataclass(frozen=True, slots=True)
class LiveValue:
    """One value as it would be written."""

    value: Value
    units: str = ""
    source: str = ""
    time: datetime | None = None
    quality: str = ""
    """Empty where it is VALID."""


@dataclass(frozen=True, slots=True)
class Live:
    """All values, by path from the entry (`sample/name`, `data@signal`), and why others are missing."""

    values: dict[str, LiveValue]
    missing: dict[str, str]
    taken: datetime
    durations_s: dict[Phase, float] = field(default_factory=dict)
    slowest: dict[str, float] = field(default_factory=dict)
    """The attributes that take longest, with their seconds; infinite for one that never answers."""


def path_below(path: str, child: PreviewNode) -> str:
    """The path of a node below one at `path`: `sample/name`, `data@signal`."""
    if child.kind is NodeKind.ATTRIBUTE:
        return f"{path}@{child.name}"
    return f"{path}/{child.name}" if path else child.name


def is_read(node: PreviewNode) -> bool:
    """Whether a value is a reading: not a literal, and not one that only a real scan has."""
    return any(words != BUILT_IN_WORDS for _, words in node.origins)


def preview_json(plan: CapturePlan, live: Live | None) -> str:
    """The preview for programs."""
    document: dict[str, object] = {"technique": plan.technique, "sha256": plan.definition.sha256}
    if live:
        document["capture_s"] = {phase.value: seconds for phase, seconds in live.durations_s.items()}
        document["slowest"] = [{"attribute": name, "seconds": _finite(s)} for name, s in live.slowest.items()]
        document["missing"] = live.missing
    return json.dumps(document | {"entry": _plain(preview_tree(plan), "", live)}, indent=2)


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
        "value": _finite(value.value.tolist()),
        "units": value.units,
        "source": value.source,
        "time": value.time.isoformat() if value.time else "",
        "age_s": (live.taken - value.time).total_seconds() if value.time else None,
        "quality": value.quality or "VALID",
    }


def _finite(value: object) -> object:
    """JSON has no NaN and no infinity: they become texts."""
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)
