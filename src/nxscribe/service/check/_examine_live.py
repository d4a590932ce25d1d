"""Checks a config and its definitions against the real devices: sources that do not exist, or do not fit a field."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from nxscribe.capture import SourceReader
from nxscribe.errors import Location, Problem, Severity
from nxscribe.model import Reading, is_text
from nxscribe.model.nexus_types import kind
from nxscribe.plan import CapturePlan, Source, uses_of
from nxscribe.plan.checks import check_units
from nxscribe.plan.expressions import check_dimensions
from nxscribe.sources import Item, LiteralSource

_ANSWER_S: Final = 5.0
"""How many seconds a device can take to answer. The first contact is slower than later ones."""

Readings = Mapping[Item, Reading]


def examine_live(settings: Mapping[str, object], plans: tuple[CapturePlan, ...]) -> tuple[Problem, ...]:
    """Read every source once, and compare it with all fields that it fills. Raises nothing.

    Args:
        settings: The settings of each kind of sources, as the config has them.
        plans: The plans of all techniques, also of those with errors.
    """
    asked = frozenset[Item]().union(*(plan.items for plan in plans))
    with SourceReader(settings) as reader:
        reader.configure(asked)
        # What depends on the scan is known with one alone.
        request = reader.request(item for item in asked if not reader.scan_names(item))
        told = reader.ask(request, time.monotonic() + _ANSWER_S)
    problems = dict.fromkeys(problem for plan in plans for problem in _of_plan(plan, told))
    return tuple(sorted(problems, key=lambda problem: (problem.location or Location(""), problem.what)))


def _of_plan(plan: CapturePlan, told: Readings) -> Iterator[Problem]:
    live: dict[str, Source] = {}
    for name, source in plan.sources.items():
        yield from _silent(source, told)
        answers = [reading for _, reading in _answers(source, told) if reading.ok]
        if answers:
            live[name] = _as_told(source, answers)
    before = set(_checks(plan, plan.sources))
    yield from (problem for problem in _checks(plan, {**plan.sources, **live}) if problem not in before)
    yield from _fractions(plan, told)


def _checks(plan: CapturePlan, sources: Mapping[str, Source]) -> Iterator[Problem]:
    yield from check_units(tuple(uses_of(plan.definition)), sources, plan.definition)
    yield from check_dimensions(sources)


def _answers(source: Source, told: Readings) -> list[tuple[Item, Reading]]:
    """What a source makes of each of its items. One that depends on the scan cannot be known without one."""
    return [(item, source.origin.converted(told[item])) for item in source.origin.items if item in told]


def _silent(source: Source, told: Readings) -> Iterator[Problem]:
    for item, reading in _answers(source, told):
        if not reading.ok:
            # The reason says again what it speaks of, up to its first clause.
            why = reading.error.partition("; ")[2] or reading.error
            what = f"{item.name} gives no value"
            yield Problem(what, why, "", source.location, subject=item.name, alike="give no value", subjects="sources")


def _as_told(source: Source, answers: list[Reading]) -> Source:
    """The source as it would stand in the config, had its author copied what the device says."""
    # The label of an enumeration stands for its number, too.
    fixed = [reading.value for reading in answers if "enum_value" not in reading.details]
    texts = [str(value) for value in fixed if value is not None and is_text(value)]
    unit = source.unit or answers[0].unit
    return replace(source, unit=unit, origin=LiteralSource(texts[0]) if texts else source.origin)


def _fractions(plan: CapturePlan, told: Readings) -> Iterator[Problem]:
    """Warn of numbers with a fraction for fields that hold whole ones: such a value is kept, against the type."""
    for use in uses_of(plan.definition):
        source = plan.sources.get(use.placeholder)
        if source is None or use.field is None or kind(use.field.type) != "integer":
            continue
        for (_, name), reading in _answers(source, told):
            value = reading.value
            if value is not None and value.dtype.kind == "f":
                yield Problem(
                    f"{use.path} is of type {use.field.type}, but {name} gives floating-point numbers",
                    "one with a fraction is written as it is, not rounded",
                    "make the field NX_FLOAT or NX_NUMBER",
                    use.location,
                    Severity.WARNING,
                    (source.location,) if source.location else (),
                )
