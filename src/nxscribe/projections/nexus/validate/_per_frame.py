"""Checks `image_key`, which has the kind of each frame: its length, and its values.

NXtomo has the rules in its text (image_key: 0 projection, 1 flat, 2 dark, 3 invalid), where validators do not see them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import h5py
import numpy as np

from nxscribe.projections.nexus.validate._entry_context import EntryContext, Object, nx_class, objects
from nxscribe.projections.nexus.validate._finding import Check, Finding

_KEYS: Final = ("image_key", "image_key_control")
_KINDS: Final = (0, 1, 2, 3)
_TOMO_RANK: Final = 3


def check_per_frame(place: EntryContext) -> Iterator[Finding]:
    """Errors in the `image_key` of detectors."""
    for path, node in objects(place.group):
        if nx_class(node) == "NXdetector" and any(key in node for key in _KEYS):
            yield from _detector(place, path, node)


def _detector(place: EntryContext, path: str, detector: Object) -> Iterator[Finding]:
    try:
        data = detector.get("data")
    except (OSError, KeyError, RuntimeError):
        return  # a finding about the link
    if not isinstance(data, h5py.Dataset):
        return
    if data.ndim != _TOMO_RANK:
        yield place.find(Check.NXTOMO, f"{path}/data", f"frames with an image_key have 3 dimensions, not {data.ndim}")
        return
    for key in _KEYS:
        kinds = detector.get(key)
        if not isinstance(kinds, h5py.Dataset):
            continue
        if kinds.shape != data.shape[:1]:
            what = f"it has the shape {kinds.shape}, and there are {data.shape[0]} frames"
            yield place.find(Check.NXTOMO, f"{path}/{key}", what)
        elif kinds.dtype.kind not in "iu":
            what = f"it is of the type {kinds.dtype}: the kinds of frames are integers"
            yield place.find(Check.NXTOMO, f"{path}/{key}", what)
        elif unknown := sorted(set(np.unique(kinds[()]).tolist()) - set(_KINDS)):
            what = f"{', '.join(map(str, unknown))} is not a kind of frame: 0 projection, 1 flat, 2 dark, 3 invalid"
            yield place.find(Check.NXTOMO, f"{path}/{key}", what)
