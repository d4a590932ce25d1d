"""All kinds of projection: those of nxscribe, and those that installed packages register."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import entry_points

from nxscribe.errors import NxscribeError, Problem
from nxscribe.projections._protocol import Projection

GROUP = "nxscribe.projections"
"""The group of entry points."""
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@cache
def registered() -> dict[str, type[Projection]]:
    """The classes by kind. They are found once in a process: a package that is installed later needs a restart.

    Raises:
        NxscribeError: An entry point does not lead to a projection, or two entry points have the same kind.
    """
    found: dict[str, type[Projection]] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        by = f"the entry point {point.name} = {point.value}" + (f" of {point.dist.name}" if point.dist else "")
        try:
            projection = point.load()
        except Exception as error:
            raise _unusable(by, f"{type(error).__name__}: {error}") from error
        kind = getattr(projection, "kind", None)
        if kind != point.name or not _KIND.fullmatch(point.name) or not callable(getattr(projection, "project", None)):
            raise _unusable(by, "it leads to no class with this `kind` and a method `project`")
        if found.setdefault(kind, projection) is not projection:
            raise _unusable(by, f"another one registers the kind {kind} too")
    return found


def _unusable(by: str, why: str) -> NxscribeError:
    return NxscribeError(
        Problem(f"{by} gives no projection", why, "update or remove that package; docs/how-to/add-a-projection.md")
    )
