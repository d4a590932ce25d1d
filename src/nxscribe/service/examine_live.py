"""What the devices themselves say against a config and its definitions: what is not there, and what does not fit."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from nxscribe.capture import TangoReader
from nxscribe.errors import Location, Problem, Severity
from nxscribe.model import Reading
from nxscribe.model.nxtypes import kind
from nxscribe.plan import CapturePlan, LiteralSource, PropertySource, Source, TangoSource, uses_of
from nxscribe.plan.checks import check_units
from nxscribe.plan.expressions import check_dimensions

_ANSWER_S: Final = 5.0
"""How long a device may take to answer: the first contact is slower than a scan's."""

Readings = Mapping[str, Reading]


def examine_live(host: str, plans: tuple[CapturePlan, ...]) -> tuple[Problem, ...]:
    """Read every attribute and property once, and compare it with all fields that it fills. Raises nothing.

    Args:
        host: The Tango database, `host:port`; empty: as Tango finds it by itself.
        plans: Of all techniques, right or not.
    """
    asked = frozenset[str]().union(*(plan.attributes for plan in plans))
    origins = [source.origin for plan in plans for source in plan.sources.values()]
    properties = {origin.name for origin in origins if isinstance(origin, PropertySource)}
    with TangoReader(host or None) as reader:
        reader.prepare(asked)
        attributes, known = reader.ask(reader.question(asked, properties), time.monotonic() + _ANSWER_S)
    told = {**attributes, **known}
    problems = dict.fromkeys(problem for plan in plans for problem in _of_plan(plan, told))
    return tuple(sorted(problems, key=lambda problem: (problem.location or Location(""), problem.what)))


def _of_plan(plan: CapturePlan, told: Readings) -> Iterator[Problem]:
    live: dict[str, Source] = {}
    for name, source in plan.sources.items():
        yield from _silent(source, told)
        answers = [reading for one in _names(source) if (reading := told[one]).ok]
        if answers:
            live[name] = _as_told(source, answers)
    before = set(_checks(plan, plan.sources))
    yield from (problem for problem in _checks(plan, {**plan.sources, **live}) if problem not in before)
    yield from _fractions(plan, told)


def _checks(plan: CapturePlan, sources: Mapping[str, Source]) -> Iterator[Problem]:
    yield from check_units(tuple(uses_of(plan.definition)), sources, plan.definition)
    yield from check_dimensions(sources)


def _names(source: Source) -> tuple[str, ...]:
    match source.origin:
        case TangoSource(attributes, _):
            return attributes
        case PropertySource(name):
            return (name,)
        case _:
            return ()


def _silent(source: Source, told: Readings) -> Iterator[Problem]:
    for name in _names(source):
        if not told[name].ok:
            yield Problem(f"{name} gives no value", told[name].error, "", source.location)


def _as_told(source: Source, answers: list[Reading]) -> Source:
    """The source as it would stand in the config, had its author copied what the device says."""
    # The label of an enumeration stands for its number, too.
    fixed = [reading.value for reading in answers if "enum_value" not in reading.details]
    texts = [str(value) for value in fixed if value is not None and value.dtype.kind == "U"]
    unit = source.unit or answers[0].unit
    return replace(source, unit=unit, origin=LiteralSource(texts[0]) if texts else source.origin)


def _fractions(plan: CapturePlan, told: Readings) -> Iterator[Problem]:
    """Warn of numbers with a fraction for fields that hold whole ones: such a value is kept, against the type."""
    for use in uses_of(plan.definition):
        source = plan.sources.get(use.placeholder)
        if source is None or use.field is None or kind(use.field.type) != "integer":
            continue
        for name in _names(source):
            value = told[name].value
            if value is not None and value.dtype.kind == "f":
                yield Problem(
                    f"{use.path} is of type {use.field.type}, but {name} gives floating-point numbers",
                    "one with a fraction is written as it is, not rounded",
                    "make the field NX_FLOAT or NX_NUMBER",
                    use.location,
                    Severity.WARNING,
                    (source.location,) if source.location else (),
                )
