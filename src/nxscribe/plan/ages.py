"""How old the value of a Tango attribute may be, where several placeholders may need it."""

from __future__ import annotations

from collections.abc import Iterable

from nxscribe.plan.sources import Source, TangoSource


def max_ages(sources: Iterable[Source]) -> tuple[dict[str, float], frozenset[str]]:
    """The least age in seconds that any source allows its attributes, and the attributes that another source must have
    afresh.
    """
    ages: dict[str, float] = {}
    afresh: set[str] = set()
    for source in sources:
        if isinstance(source.origin, TangoSource):
            for attribute in source.origin.attributes:
                if source.max_age_s is None:
                    afresh.add(attribute)
                else:
                    ages[attribute] = min(source.max_age_s, ages.get(attribute, source.max_age_s))
    return ages, frozenset(afresh)
