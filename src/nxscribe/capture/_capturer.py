"""The snapshot of a phase: all values that the plan wants, set, read, computed or taken from defaults by a deadline."""

from __future__ import annotations

import threading
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from msgspec import structs

from nxscribe.capture._request import ReadRequest
from nxscribe.capture._source_reader import SourceReader
from nxscribe.errors import Problem
from nxscribe.model import Phase, Reading, Snapshot, texts
from nxscribe.model.reading import DEFAULT, NO_SOURCE
from nxscribe.plan import CapturePlan, Source
from nxscribe.plan.source import max_ages
from nxscribe.runtime import SYSTEM_CLOCK, Clock
from nxscribe.runtime.logger import get_logger
from nxscribe.sources import NO_SCAN, Item, KnownValues, Origin, ScanNames

log = get_logger()

_PREPARED: Final = 32
"""How many prepared captures are kept: two for each technique that is in use."""


@dataclass(frozen=True, slots=True)
class _PreparedCapture:
    """The preparation of a capture, which is the same for each scan of a technique."""

    order: tuple[str, ...]
    """The placeholders to fill, operands before the formulas that need them."""
    request: ReadRequest
    origins: Mapping[str, Origin]
    """The origins that are read, by placeholder."""
    items: Mapping[str, tuple[Item, ...]]
    """The names that are read for each placeholder."""


class Capturer:
    """Makes snapshots. Several threads can use it at the same time."""

    def __init__(self, reader: SourceReader, clock: Clock = SYSTEM_CLOCK) -> None:
        """`reader` reads the sources. `clock` must be the clock of the reader."""
        self._reader = reader
        self._clock = clock
        self._prepared = lru_cache(_PREPARED)(self._prepare)

    def capture(
        self,
        plan: CapturePlan,
        phase: Phase,
        *,
        given: Mapping[str, Reading],
        had: Mapping[str, Reading],
        deadline_s: float,
        scan: ScanNames = NO_SCAN,
        afresh: bool = False,
        stop: threading.Event | None = None,
    ) -> Snapshot:
        """Take a reading for each placeholder that the plan wants in this phase: a value, or the reason for none.

        Args:
            plan: The capture plan.
            phase: The phase.
            given: Built-in values and parameters of the trigger. They replace sources, which are then not read.
            had: The readings of the initial snapshot.
            deadline_s: How many seconds the sources have.
            scan: The names of the scan.
            afresh: Whether everything is read, also values that are kept fresh.
            stop: Ends the capture immediately when it is set, with the readings that have arrived.
        """
        started, begun = self._clock.now(), self._clock.monotonic()
        # A default was not had, nor what was computed from one: at the end its source is asked again.
        wanted = plan.wanted(phase, {name for name, reading in had.items() if reading.ok and not reading.is_default})
        prepared = self._prepared(plan, wanted, frozenset(plan.sources.keys() & given.keys()), self._reader.generation)
        missed = {name: reading.time for name, reading in had.items() if not reading.ok and phase is Phase.FINAL}

        def made(found: Mapping[Item, Reading]) -> tuple[dict[str, Reading], float]:
            read = self._read(prepared, found, missed, scan)
            readings: dict[str, Reading] = {}
            known = KnownValues(given, ChainMap(dict(given), readings, dict(had)))
            for name in prepared.order:
                try:
                    readings[name] = self._reading(plan, name, read, known)
                except Exception as error:  # noqa: BLE001 - it is logged and told there
                    readings[name] = self._unforeseen(name, error)
            return readings, _span_s(read.values())

        deadline = begun + deadline_s
        readings, span_s = self._reader.ask_for(made, prepared.request, deadline, scan=scan, afresh=afresh, stop=stop)
        return Snapshot(phase, started, self._clock.monotonic() - begun, readings, span_s)

    def _prepare(
        self, plan: CapturePlan, wanted: frozenset[str], given: frozenset[str], generation: int
    ) -> _PreparedCapture:
        """What to do for these placeholders; the sources of those that are given are not asked."""
        del generation
        sources = {name: plan.sources[name] for name in wanted if name in plan.sources and name not in given}
        items = {name: those for name, source in sources.items() if (those := source.origin.items)}
        limits: dict[Item, float | None] = {}
        for name, those in items.items():
            timeout_s = sources[name].timeout_s
            for item in those:
                # One item may serve two placeholders: the patient one decides.
                limit = limits.get(item, 0.0)
                patient = timeout_s is None or limit is None
                limits[item] = None if patient else max(limit or 0.0, timeout_s or 0.0)
        # Who allows no age has an item read for all: one snapshot has one value of it.
        ages, needed = max_ages(sources.values())
        request = self._reader.request(
            limits,
            timeouts={item: limit for item, limit in limits.items() if limit is not None},
            max_ages={item: age_s for item, age_s in ages.items() if item not in needed},
        )
        origins = {name: sources[name].origin for name in items}
        return _PreparedCapture(tuple(_in_order(wanted, plan)), request, origins, items)

    def _read(
        self,
        prepared: _PreparedCapture,
        found: Mapping[Item, Reading],
        missed: Mapping[str, datetime],
        scan: ScanNames,
    ) -> dict[str, Reading]:
        """The readings of the placeholders that are read. `missed` are those that the start missed, with when."""
        readings: dict[str, Reading] = {}
        for name, items in prepared.items.items():
            several = [found[item] for item in items]
            if name in missed:
                # What came too late for the start is better than nothing at the end: its time tells its age.
                several = [
                    reading if reading.ok else self._reader.late(item, missed[name], scan) or reading
                    for reading, item in zip(several, items, strict=True)
                ]
            try:
                readings[name] = prepared.origins[name].value(several)
            except Exception as error:  # noqa: BLE001 - it is logged and told there
                readings[name] = self._unforeseen(name, error)
        return readings

    def _reading(self, plan: CapturePlan, name: str, read: Mapping[str, Reading], known: KnownValues) -> Reading:
        """The reading of one placeholder: what was given, what was read, or what is made of what is known."""
        source = plan.sources.get(name)
        if name in known.given:
            return _in_unit_of(source, known.given[name])
        if name in read:
            reading = read[name]
        elif source is None:
            reading = Reading(
                NO_SOURCE, self._clock.now(), error="no source in the config, and not set by the control system"
            )
        else:
            reading = source.origin.resolve(name, source.unit, known)
        if not reading.ok:
            return self._default(plan, name, source) or reading
        if source and source.unit and not source.origin.converts_to_unit:
            return structs.replace(reading, unit=source.unit)
        return reading

    def _unforeseen(self, name: str, error: Exception) -> Reading:
        """The reading for an unexpected error, which affects only this placeholder."""
        log.error("no value, for an unforeseen reason", placeholder=name, exc_info=error)
        why = f"making its value failed for an unforeseen reason: {type(error).__name__}: {error}"
        return Reading(
            "none", self._clock.now(), error=Problem(why, remedy="report it with the trace back in the log").explanation
        )

    def _default(self, plan: CapturePlan, name: str, source: Source | None) -> Reading | None:
        if source is not None and source.default is not None:
            return Reading(DEFAULT, self._clock.now(), texts(source.default), source.unit)
        if name in plan.defaults:
            return Reading(DEFAULT, self._clock.now(), texts(plan.defaults[name]))
        return None


def _span_s(readings: Iterable[Reading]) -> float:
    times = [reading.time for reading in readings if reading.ok]
    return (max(times) - min(times)).total_seconds() if times else 0.0


def _in_order(wanted: frozenset[str], plan: CapturePlan) -> Iterator[str]:
    """Operands before the expressions that need them. The plan was checked to have no circles."""
    yield from sorted(name for name in wanted if name not in plan.operands)
    yield from (name for name in plan.operands if name in wanted)


def _in_unit_of(source: Source | None, given: Reading) -> Reading:
    """What was set without a unit is in the one that the config has for it."""
    return structs.replace(given, unit=source.unit) if source and source.unit and given.ok and not given.unit else given
