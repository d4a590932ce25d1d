"""Compares the number of frames of each detector with the number that the entry says the scan had to have."""

from __future__ import annotations

from collections.abc import Iterator

import h5py

from nxscribe.errors import Severity
from nxscribe.projections.nexus._provenance import ACCOUNT, FRAMES_ASKED, FRAMES_ASKED_OF
from nxscribe.projections.nexus.nodes import FRAME_RANK
from nxscribe.projections.nexus.validate._entry_context import EntryContext, texts
from nxscribe.projections.nexus.validate._finding import Check, Finding


def check_frame_counts(place: EntryContext) -> Iterator[Finding]:
    """Detectors with fewer or more frames than the scan had to have."""
    account = place.group.get(ACCOUNT)
    if not isinstance(account, h5py.Group) or FRAMES_ASKED not in account or "end_reason" not in account:
        return
    cut_short = account["end_reason"].asstr()[()] != "finished"
    awaited = texts(account["pending"]) if "pending" in account else []
    for group, asked in zip(texts(account[FRAMES_ASKED_OF]), account[FRAMES_ASKED][()], strict=False):
        shown = _shown(place.group.get(group), int(asked))
        if shown is None or shown == asked or f"{group}/data_file" in awaited:
            continue
        severity = Severity.WARNING if shown > asked or cut_short else Severity.ERROR
        what = f"it has {shown} frames, where {asked} were to come"
        yield Finding(Check.RAW, str(place.file), f"{place.group.name}/{group}/data", what, severity=severity)


def _shown(detector: object, asked: int) -> int | None:
    """How many frames a detector shows in all its blocks; None where it shows none, as its files are listed only."""
    if not isinstance(detector, h5py.Group):
        return None
    names = ["data"] if "data" in detector else [name for name in detector if name.startswith("data_0")]
    blocks = [node for name in names if isinstance(node := detector.get(name), h5py.Dataset)]
    return sum(_frames(node, asked) for node in blocks) if blocks else None


def _frames(node: h5py.Dataset, asked: int) -> int:
    """A dataset of two dimensions is one image, or lines of a strip detector or an MCA: as many as were asked for."""
    if node.ndim > FRAME_RANK or node.attrs.get("interpretation") == "spectrum":
        return len(node)
    return len(node) if node.ndim and 1 < len(node) <= asked else 1
