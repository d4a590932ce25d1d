"""A plan without a technique: it reads some placeholders, and writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from nxscribe.model import Definition, Group
from nxscribe.plan._capture_plan import CapturePlan
from nxscribe.plan._operands import operands_of, with_operands
from nxscribe.plan.source import Source

_NOTHING: Final = Definition("", Group("${entry}", "NXentry"), "")


def plan_of_values(placeholders: Collection[str], sources: Mapping[str, Source]) -> CapturePlan:
    """A plan that reads these placeholders in the initial phase, with what their expressions need."""
    operands, _ = operands_of(sources)
    needed = with_operands(placeholders, operands)
    return CapturePlan(
        technique="",
        definition=_NOTHING,
        sources={name: sources[name] for name in sorted(needed & sources.keys())},
        initial=frozenset(placeholders),
        final=frozenset(),
        either=frozenset(),
        operands={name: needs for name, needs in operands.items() if name in needed},
        named=frozenset(placeholders),
    )
