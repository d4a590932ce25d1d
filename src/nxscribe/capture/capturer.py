"""One phase's snapshot: what the plan wants, given, read, computed, or taken from a default, by one deadline."""

from __future__ import annotations

import threading
import time
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

import numpy as np
from msgspec import structs

from nxscribe.capture.merge import merge, worst
from nxscribe.capture.question import Question
from nxscribe.capture.reader import TangoReader
from nxscribe.errors import Problem
from nxscribe.model import Phase, Reading, Snapshot, now, units
from nxscribe.model.reading import DEFAULT, DEFAULTED, Detail
from nxscribe.plan import (
    CapturePlan,
    ExpressionSource,
    LiteralSource,
    ParameterSource,
    PropertySource,
    Source,
    TangoSource,
)
from nxscribe.plan.ages import max_ages
from nxscribe.plan.expression import ExpressionError, Operand, cached_expression

_ERRANDS: Final = 32
"""How many are kept: two for each technique that is in use."""
LITERAL: Final = "literal"
"""The source that a value written in the config names."""


@dataclass(frozen=True, slots=True)
class _Errand:
    """What one capture does: the same at each scan of a technique."""

    order: tuple[str, ...]
    """The placeholders to fill, operands before the formulas that need them."""
    question: Question
    attributes: Mapping[str, TangoSource]
    properties: Mapping[str, str]


class Capturer:
    """Makes snapshots. Several threads may do so at the same time."""

    def __init__(self, reader: TangoReader) -> None:
        self._reader = reader
        self._errand = lru_cache(_ERRANDS)(self._prepared)
        # The table of units takes a third of a second to load: not in a scan's first formula.
        threading.Thread(target=units.quantities, name="units", daemon=True).start()

    def capture(
        self,
        plan: CapturePlan,
        phase: Phase,
        *,
        given: Mapping[str, Reading],
        had: Mapping[str, Reading],
        deadline_s: float,
        afresh: bool = False,
        stop: threading.Event | None = None,
    ) -> Snapshot:
        """A reading for each placeholder that the plan wants in this phase; those without a value say why.

        Args:
            plan: What to read.
            phase: When.
            given: Built-in values and the trigger's parameters: they win over sources, which are then not asked.
            had: The readings of the initial snapshot.
            deadline_s: How long the sources have (seconds).
            afresh: Ask the devices for everything, also for what is remembered and young enough.
            stop: Ends the capture at once when it is set, with what is there by then.
        """
        started, begun = now(), time.monotonic()
        # A default was not had, nor what was computed from one: at the end its source is asked again.
        wanted = plan.wanted(phase, {name for name, reading in had.items() if reading.ok and not reading.is_default})
        errand = self._errand(plan, wanted, frozenset(plan.sources.keys() & given.keys()))
        told = self._ask(errand, had if phase is Phase.FINAL else {}, begun + deadline_s, afresh=afresh, stop=stop)
        readings: dict[str, Reading] = {}
        known = ChainMap(dict(given), readings, dict(had))
        for name in errand.order:
            source = plan.sources.get(name)
            if name in given:
                readings[name] = _in_unit_of(source, given[name])
                continue
            reading = told[name] if name in told else _without_tango(source, given, known)
            if not reading.ok:
                reading = _default(plan, name, source) or reading
            elif source and source.unit and not isinstance(source.origin, ExpressionSource):
                reading = structs.replace(reading, unit=source.unit)
            readings[name] = reading
        return Snapshot(phase, started, time.monotonic() - begun, readings, _span_s(told.values()))

    def _prepared(self, plan: CapturePlan, wanted: frozenset[str], given: frozenset[str]) -> _Errand:
        """What to do for these placeholders; the sources of those that are given are not asked."""
        sources = {name: plan.sources[name] for name in wanted if name in plan.sources and name not in given}
        limits: dict[str, float | None] = {}
        for source in sources.values():
            if isinstance(source.origin, TangoSource):
                for attribute in source.origin.attributes:
                    # One attribute may serve two placeholders: the patient one decides.
                    limit = limits.get(attribute, 0.0)
                    patient = source.timeout_s is None or limit is None
                    limits[attribute] = None if patient else max(limit or 0.0, source.timeout_s or 0.0)
        # Who allows no age has an attribute read for all: one snapshot has one value of it.
        ages, needed = max_ages(sources.values())
        origins = {name: source.origin for name, source in sources.items()}
        properties = {name: origin.name for name, origin in origins.items() if isinstance(origin, PropertySource)}
        question = self._reader.question(
            limits,
            properties.values(),
            timeouts={attribute: limit for attribute, limit in limits.items() if limit is not None},
            max_ages={attribute: age_s for attribute, age_s in ages.items() if attribute not in needed},
        )
        attributes = {name: origin for name, origin in origins.items() if isinstance(origin, TangoSource)}
        return _Errand(tuple(_in_order(wanted, plan)), question, attributes, properties)

    def _ask(
        self,
        errand: _Errand,
        had: Mapping[str, Reading],
        deadline: float,
        *,
        afresh: bool,
        stop: threading.Event | None,
    ) -> dict[str, Reading]:
        """The readings of the placeholders that come from Tango, all asked for side by side."""
        found, known = self._reader.ask(errand.question, deadline, afresh=afresh, stop=stop)
        missed = {name: reading.time for name, reading in had.items() if not reading.ok}
        readings: dict[str, Reading] = {}
        for name, origin in errand.attributes.items():
            several = [found[attribute] for attribute in origin.attributes]
            if name in missed:
                several = self._with_late(several, origin.attributes, missed[name])
            readings[name] = merge(several) if origin.is_list else several[0]
        return readings | {name: known[text] for name, text in errand.properties.items()}

    def _with_late(self, readings: list[Reading], attributes: tuple[str, ...], since: datetime) -> list[Reading]:
        """What came too late for the start is better than nothing at the end: its time tells its age."""
        return [
            reading if reading.ok else self._reader.late(attribute, since) or reading
            for reading, attribute in zip(readings, attributes, strict=True)
        ]


def _span_s(readings: Iterable[Reading]) -> float:
    times = [reading.time for reading in readings if reading.ok]
    return (max(times) - min(times)).total_seconds() if times else 0.0


def _in_order(wanted: frozenset[str], plan: CapturePlan) -> Iterator[str]:
    """Operands before the expressions that need them. The plan was checked to have no circles."""
    plain = sorted(name for name in wanted if name not in plan.operands)
    computed = sorted((name for name in wanted if name in plan.operands), key=lambda name: len(plan.operands[name]))
    # An expression needs all that its operands need, and them: whoever needs more comes later.
    yield from plain
    yield from computed


def _without_tango(source: Source | None, given: Mapping[str, Reading], known: Mapping[str, Reading]) -> Reading:
    if source is None:
        error = "no source in the config, and not set by the control system"
        return Reading("none", now(), error=error)
    origin = source.origin
    if isinstance(origin, LiteralSource):
        return Reading(LITERAL, now(), np.asarray(origin.value))
    if isinstance(origin, ParameterSource):
        if origin.name in given:
            return given[origin.name]
        problem = Problem(
            f"the control system did not set the parameter {origin.name}", remedy="send it with the trigger"
        )
        return Reading("parameter", now(), error=problem.explanation)
    if isinstance(origin, ExpressionSource):
        return _computed(origin.expression, source.unit, known)
    raise TypeError(f"{origin} is read from Tango")


def _in_unit_of(source: Source | None, given: Reading) -> Reading:
    """What was set without a unit is in the one that the config has for it."""
    return structs.replace(given, unit=source.unit) if source and source.unit and given.ok and not given.unit else given


def _computed(text: str, unit: str, known: Mapping[str, Reading]) -> Reading:
    """The value of a formula. Without one of its operands it has none."""
    source = f"expression {text}"
    try:
        expression = cached_expression(text)
        used = {name: known[name] for name in expression.names if name in known}
        for name in expression.names:
            if name not in used or not used[name].ok:
                why = used[name].error if name in used else "it was not asked for"
                raise ExpressionError(f"its operand ${{{name}}} has no value: {why}")
        operands = {
            name: Operand(reading.value, reading.unit) for name, reading in used.items() if reading.value is not None
        }
        result = expression.evaluate(operands, unit)
    except ExpressionError as error:
        return Reading(source, now(), error=f"{text} could not be computed; {error}")
    if result.plain:
        # Whoever reads the file can see in which units the numbers entered.
        entered = ", ".join(f"{name} in {operand.unit}" for name, operand in operands.items() if operand.unit)
        source = f"{source} ({entered})" if entered else source
    time_of = max((reading.time for reading in used.values()), default=now())
    quality = worst(reading.quality for reading in used.values())
    defaulted = ", ".join(name for name in expression.names if used[name].is_default)
    details: dict[str, Detail] = {DEFAULTED: defaulted} if defaulted else {}
    return Reading(source, time_of, result.value, result.unit, quality, details=details)


def _default(plan: CapturePlan, name: str, source: Source | None) -> Reading | None:
    if source is not None and source.default is not None:
        return Reading(DEFAULT, now(), np.asarray(source.default), source.unit)
    if name in plan.defaults:
        return Reading(DEFAULT, now(), np.asarray(plan.defaults[name]))
    return None
