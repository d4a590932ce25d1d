"""nxscribe's own account of a scan, in the entry: what made it, what is missing and why, how long capture took."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import numpy as np

import nxscribe
from nxscribe.model import Snapshot, Value, detector_group, iso
from nxscribe.projections.nexus._hdf5_values import own_texts
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode, Node
from nxscribe.records.record import DefinitionText, Record

ACCOUNT: Final = "nxscribe"
"""The account's name in the entry. A definition cannot use it."""

PROGRAM: Final = "nxscribe"

PARAMETERS: Final = "parameters"
"""The group in the account for values that the control system set, and that the definition does not name."""

RECORD_ID: Final = f"{ACCOUNT}/record_id"
"""Where a file tells whose it is."""

PACKED_FROM: Final = "packed_from"
"""The attribute of an archive's root that names the master that it was made of."""

DEFINITION: Final = "definition_text"
"""The definition, or a link to it. Not called `definition`: programs that look for a group which claims an application
definition by a child of that name would take this group for one."""

FRAMES_ASKED: Final = "frames_asked"
FRAMES_ASKED_OF: Final = "frames_asked_of"
"""How many frames a scan was to have, and of which detector's group, line by line."""


def account(
    record: Record,
    missing: Mapping[str, str],
    pending: Mapping[str, str],
    warnings: Iterable[str],
    *,
    definition: Node,
    mandatory: Collection[str] = (),
) -> GroupNode:
    """The group `nxscribe` of an entry. What there is nothing to say of is not there.

    `definition` is the definition's text, or the link to it; `mandatory` are the paths of the fields without which the
    scan is incomplete.
    """
    said: dict[str, str | list[str]] = {
        "record_id": record.id,
        "program": PROGRAM,
        "program_version": nxscribe.__version__,
        "session": record.session,
        "technique_asked": record.technique_asked,
        "definition_name": record.definition.name,
        "definition_sha256": record.definition.sha256,
        "end_reason": record.end_reason.value if record.end_reason else "",
        "reason": record.reason,
        "missing": list(missing),
        "missing_reason": list(missing.values()),
        "missing_mandatory": [path for path in missing if path in mandatory],
        "pending": list(pending),
        "pending_reason": list(pending.values()),
        "warnings": list(warnings),
        "notes": list(record.notes),
    }
    children: dict[str, Node] = {name: FieldNode(own_texts(told)) for name, told in said.items() if told}
    children[DEFINITION] = definition
    if record.frames:
        groups = [detector_group(detector, record.detectors) for detector in record.frames]
        children[FRAMES_ASKED] = FieldNode(np.asarray(list(record.frames.values())))
        children[FRAMES_ASKED_OF] = FieldNode(np.asarray(groups))
    for snapshot in filter(None, (record.initial, record.final)):
        children.update(_timing(snapshot))
    return GroupNode("NXcollection", children, {"doc": np.asarray("How this entry came about")})


def definition_text(definition: DefinitionText) -> FieldNode:
    r"""The text itself, one line each: `"\n".join(lines)` has the definition's sha256."""
    return FieldNode(own_texts(definition.text.split("\n")), are_alike=True)


def _timing(snapshot: Snapshot) -> dict[str, Node]:
    return {
        f"{snapshot.phase}_capture_start": FieldNode(np.asarray(iso(snapshot.started))),
        f"{snapshot.phase}_capture_duration": _seconds(snapshot.duration_s, "From the trigger to the last reading"),
        f"{snapshot.phase}_time_span": _seconds(
            snapshot.span_s, "Between the earliest and the latest time stamp of what the devices gave"
        ),
    }


def _seconds(seconds: float, description: str) -> FieldNode:
    attributes: dict[str, Value] = {"units": np.asarray("s"), "description": np.asarray(description)}
    return FieldNode(np.asarray(seconds), attributes)
