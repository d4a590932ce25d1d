"""Some frames of a detector under a name of their own: a plane of a holotomography, a rocking curve of a series."""

from __future__ import annotations

import numpy as np

from nxscribe.model import Value
from nxscribe.projections.nexus._hdf5_values import UnfitError
from nxscribe.projections.nexus.nodes import (
    Dataset,
    FieldNode,
    FrameSource,
    Node,
    SelectionNode,
)
from nxscribe.projections.nexus.raw.frames import unlike_counts


def select(dataset: Dataset, path: str, frames: Value) -> Node:
    """The chosen frames of what is at `path` in the file. No pixel is copied.

    Raises UnfitError with the reason where they cannot be shown.
    """
    numbers = tuple(int(number) for number in np.atleast_1d(frames).flat)
    shape = dataset.shape
    if shape is None or not shape:
        raise UnfitError(f"{path} holds no frames to choose from")
    if not numbers:
        raise UnfitError("no frame is chosen")
    if wrong := [number for number in numbers if not 0 <= number < shape[0]]:
        raise UnfitError(f"frame {wrong[0]} is chosen of {shape[0]}, which are counted from 0")
    if isinstance(dataset, FieldNode):
        # One element of a list is a value like any other.
        chosen = dataset.value[list(numbers) if len(numbers) > 1 else numbers[0]]
        return FieldNode(np.asarray(chosen), dict(dataset.attributes))
    if not dataset.dtype:
        raise UnfitError(f"the type of the frames at {path} is not known")
    # Also where a link leads from there to another file: tomoscan looks for the files that a virtual dataset names
    # beside the master, and not beside the file that the master's link leads to.
    return SelectionNode(dataset.dtype, FrameSource(".", path, shape), numbers, unlike_counts(dataset.dtype))
