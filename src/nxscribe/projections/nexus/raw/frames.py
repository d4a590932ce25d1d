"""What every raw format gives: a node that reads as the frames."""

from __future__ import annotations

from dataclasses import dataclass, field

from nxscribe.projections.nexus.nodes import Node


class RawError(Exception):
    """The frames cannot be linked. Its text is the reason."""


@dataclass(frozen=True, slots=True)
class Frames:
    """A detector's frames within reach."""

    node: Node
    """Goes to `data` in the detector's group."""
    beside: dict[str, Node] = field(default_factory=dict)
    """What else has to be in the entry for it, by path from the entry."""
    in_place: dict[str, Node] = field(default_factory=dict)
    """What has to be in the file that holds only as long as the folder is not moved, by the same paths."""
    warnings: tuple[str, ...] = ()
