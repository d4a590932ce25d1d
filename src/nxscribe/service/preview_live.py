"""What a technique's entry would hold if a scan started and ended now."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from nxscribe.capture import Capturer, TangoReader
from nxscribe.definitions import definition_text
from nxscribe.model import Phase, Snapshot, now
from nxscribe.plan import CapturePlan
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode
from nxscribe.projections.nexus.tree import build_tree
from nxscribe.records import DefinitionText, EndReason, Record, ScanIdentity
from nxscribe.service.config import Config
from nxscribe.service.preview import Live, LiveValue

_SHOWN: Final = 5
"""How many of the slowest attributes are told."""


def read_live(plan: CapturePlan, config: Config, reader: TangoReader) -> Live:
    """Read both phases now, and make of them the entry that a scan would get. Nothing is kept."""
    deadline_s = config.limits.deadline_s
    capturer = Capturer(reader)
    initial = capturer.capture(plan, Phase.INITIAL, given={}, had={}, deadline_s=deadline_s)
    final = capturer.capture(plan, Phase.FINAL, given={}, had=initial.readings, deadline_s=deadline_s)
    return replace(_as_written(plan, config, initial, final), slowest=reader.slowest(_SHOWN, plan.attributes))


def _as_written(plan: CapturePlan, config: Config, initial: Snapshot, final: Snapshot) -> Live:
    definition = plan.definition
    record = Record(
        id="preview",
        identity=ScanIdentity(config.beamline, "proposal", "sample", "scan", plan.technique),
        number=1,
        session="",
        master="",
        directory="",
        definition=DefinitionText(definition.name, definition.sha256, definition_text(definition)),
        start_time=initial.started,
        initial=initial,
        end_time=final.started,
        final=final,
        end_reason=EndReason.FINISHED,
    )
    tree = build_tree(definition, record)
    values: dict[str, LiveValue] = {}
    for path, node in [("", tree.entry), *tree.entry.walk()]:
        if isinstance(node, FieldNode):
            values[path] = _live_value(node)
        if isinstance(node, FieldNode | GroupNode):
            values |= {f"{path}@{name}": LiveValue(value) for name, value in node.attributes.items()}
    return Live(values, tree.missing, now(), {one.phase: one.duration_s for one in (initial, final)})


def _live_value(node: FieldNode) -> LiveValue:
    texts = {name: str(node.attributes.get(name, "")) for name in ("units", "source", "timestamp", "quality")}
    time = datetime.fromisoformat(texts["timestamp"]) if texts["timestamp"] else None
    return LiveValue(node.value, texts["units"], texts["source"], time, texts["quality"])
