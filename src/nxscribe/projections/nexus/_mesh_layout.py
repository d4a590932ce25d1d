"""Meshes: in which order their points were measured, and values laid out by it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nxscribe.model import Value

FORTH: Final = "forth"
BACK_AND_FORTH: Final = "backnforth"
_KINDS: Final = {FORTH: False, BACK_AND_FORTH: True, "false": False, "true": True}
"""How an axis moves, as BLISS tells it, or whether it snakes, as bluesky does."""
_SLIP: Final = 0.1
"""Of an axis's range: so far from its line a point may lie that was measured on the fly."""


class OrderError(ValueError):
    """What is told of a mesh is no order of its points. The text is the reason."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """A mesh, with its axes in the order in which they are shown."""

    shape: tuple[int, ...]
    ranks: tuple[int, ...]
    """0 for the axis that moves with each point, 1 for the next one, and so on."""
    snaking: tuple[bool, ...]
    """Whether the axis moves back and forth, instead of returning to its start."""

    def lay_out(self, values: Value) -> Value:
        """Values in the order of measuring, as an array of this shape."""
        order = sorted(range(len(self.shape)), key=lambda axis: -self.ranks[axis])
        lengths = [self.shape[axis] for axis in order]
        values = values.reshape(lengths).copy()
        # The innermost first: until an axis is turned, its passes stand in the order of measuring.
        for depth in reversed(range(1, len(order))):
            if self.snaking[order[depth]]:
                passes = values.reshape(math.prod(lengths[:depth]), lengths[depth], -1)
                passes[1::2] = passes[1::2, ::-1].copy()
        return values.transpose(np.argsort(order))

    def doubt(self, positions: Sequence[Value | None]) -> str:
        """Which axis was measured in another order, by its position at each point; empty if none can be told.

        An axis moves along its own dimension: always in the same direction, and along no other.
        """
        for axis, measured in enumerate(positions):
            is_list = measured is not None and 0 < measured.size == math.prod(self.shape)
            if measured is None or not is_list or measured.dtype.kind not in "iuf":
                continue
            along = np.moveaxis(self.lay_out(measured), axis, 0)
            laid = np.asarray(along, np.float64).reshape(self.shape[axis], -1)
            if not np.isfinite(laid).all():
                continue
            lines = np.median(laid, axis=1, keepdims=True)
            steps = np.diff(lines[:, 0])
            slip = max(float(np.abs(steps).min()) / 2, float(np.ptp(laid)) * _SLIP)
            is_steady = bool((steps > 0).all() or (steps < 0).all())
            if not is_steady or float(np.abs(laid - lines).max()) > slip:
                return f"the positions measured along dimension {axis} have another order"
        return ""


def mesh_of(shape: Sequence[int], ids: str, kinds: str) -> Mesh:
    """The mesh of what a field's attributes say.

    Args:
        shape: The lengths of all axes.
        ids: The rank of each, 0 for the fastest; empty if the last is the fastest and the first the slowest.
        kinds: How each moves; empty if each returns to its start.

    Raises:
        OrderError: For what is no order.
    """
    ranks = _ranks(ids, len(shape))
    words = kinds.split() or [FORTH] * len(shape)
    if len(words) != len(shape):
        raise OrderError(f"{kinds!r} does not tell of {len(shape)} axes how they move")
    axes = [axis for axis, length in enumerate(shape) if length != 1]
    if len({ranks[axis] for axis in axes}) < len(axes):
        raise OrderError(f"{ids!r} does not tell which axis is faster")
    for axis in axes:
        if words[axis].lower() not in _KINDS:
            raise OrderError(f"an axis moves {words[axis]!r}, which is neither {FORTH} nor {BACK_AND_FORTH}")
    return Mesh(
        tuple(shape[axis] for axis in axes),
        tuple(ranks[axis] for axis in axes),
        tuple(_KINDS[words[axis].lower()] for axis in axes),
    )


def _ranks(ids: str, axes: int) -> list[int]:
    try:
        ranks = [int(float(word)) for word in ids.split()] or list(range(axes))[::-1]
    except (ValueError, OverflowError):
        ranks = []
    if len(ranks) != axes:
        raise OrderError(f"{ids!r} does not tell the rank of {axes} axes")
    return ranks
