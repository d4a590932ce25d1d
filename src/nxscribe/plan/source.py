"""A source: where the value of a placeholder comes from, and the rules for reading it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nxscribe.errors import Location
from nxscribe.sources import Item, Origin


@dataclass(frozen=True, slots=True)
class Source:
    """Where the value of a placeholder comes from, and the rules for reading it."""

    origin: Origin
    unit: str = ""
    """The unit of the values. It replaces the unit that the origin gives. Empty: the unit that the origin gives."""
    timeout_s: float | None = None
    """How long the origin may take to answer, in seconds. None: as long as the whole capture."""
    max_age_s: float | None = None
    """How old a value can be, in seconds. None: it is read again in each phase."""
    default: str | None = None
    """The text of the value that is used if the origin gives none."""
    mandatory: bool = False
    location: Location | None = None
    """Its place in the config."""


def max_ages(sources: Iterable[Source]) -> tuple[dict[Item, float], frozenset[Item]]:
    """How old values may be, where several sources read the same item.

    Returns:
        For each item with a `max_age_s` the smallest one, in seconds; and the items that have to be read anew for a
        source without one.
    """
    ages: dict[Item, float] = {}
    afresh: set[Item] = set()
    for source in sources:
        for item in source.origin.items:
            if source.max_age_s is None:
                afresh.add(item)
            else:
                ages[item] = min(source.max_age_s, ages.get(item, source.max_age_s))
    return ages, frozenset(afresh)
