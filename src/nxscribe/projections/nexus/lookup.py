"""Which reading fills a field: the order of precedence between what was set, read at the start, and read at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
from msgspec import structs

from nxscribe.model import Field, Phase, Quality, Reading, Snapshot, Template, Value
from nxscribe.model.nxtypes import kind
from nxscribe.model.reading import Detail
from nxscribe.projections.nexus import values
from nxscribe.projections.nexus.values import Fitted, UnfitError
from nxscribe.records.built_in import SOURCE, built_in
from nxscribe.records.record import Record

_BY_WEIGHT: Final = (Quality.VALID, Quality.CHANGING, Quality.WARNING, Quality.ALARM, Quality.INVALID)
_DEFINITION: Final = "definition"
_NUMERIC: Final = frozenset({"integer", "float", "number"})


class NotYetError(UnfitError):
    """It will be read at the end of the scan, which still runs."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A value with where it came from."""

    fitted: Fitted
    source: str
    time: datetime | None = None
    """None for a text of the definition itself, which is of no moment."""
    quality: Quality = Quality.VALID
    details: Mapping[str, Detail] = field(default_factory=dict)


class Lookup:
    """The readings of one record, by placeholder and phase."""

    def __init__(self, record: Record) -> None:
        self._given = record.given
        self._initial = _not_of_ours(record.initial)
        self._final = _not_of_ours(record.final) if record.final else {}
        self._built_in = built_in(record)
        self._is_open = record.is_open

    def reading(self, placeholder: str, phase: Phase | None) -> Reading:
        """What fills a placeholder: set by the control system, else read in `phase`, else known to nxscribe itself.

        With no phase, the start's reading is taken, or the end's where the start has no value. A default is taken where
        there is nothing else. Raises UnfitError with the reason where there is no value, NotYetError where it is still
        to come.
        """
        snapshots = {
            Phase.INITIAL: [self._initial],
            Phase.FINAL: [self._final],
            None: [self._initial, self._final],
        }[phase]
        found = [place[placeholder] for place in [self._given, *snapshots, self._built_in] if placeholder in place]
        for reading in sorted(found, key=lambda reading: reading.is_default):
            if reading.ok:
                # What the control system sets without a unit is in the one that the config has for it.
                units = [reading.unit, *(other.unit for other in found if other.source == reading.source)]
                return structs.replace(reading, unit=next(filter(None, units), ""))
        reason = found[-1].error if found else ""
        if self._is_open and phase is not Phase.INITIAL:
            raise NotYetError(f"read at the end of the scan{f'; at the start: {reason}' if reason else ''}")
        raise UnfitError(reason or f"${{{placeholder}}} was neither read nor set in this scan")

    def fill(self, field: Field) -> Filled:
        """A field's value. Raises UnfitError with the reason where there is none."""
        return self.fill_template(field.template, field.type, field.record, field.units)

    def fill_template(self, template: Template, nx_type: str, phase: Phase | None, unit: str = "") -> Filled:
        """The value of a template in a declared type and unit. Raises UnfitError with the reason where there is none.

        A sole placeholder keeps its reading's type and unit; texts around placeholders make a text, which is then read
        as the declared type.
        """
        readings = {name: self.reading(name, phase) for name in template.placeholders}
        if sole := template.sole_placeholder:
            reading = readings[sole]
            if reading.value is None:  # pragma: no cover - `reading` gives none without a value
                raise UnfitError(reading.error)
            value, details = _as_number(reading) if kind(nx_type) in _NUMERIC else (reading.value, reading.details)
            fitted = values.fit(value, reading.unit, nx_type, unit)
            return Filled(fitted, reading.source, reading.time, reading.quality, details)
        text = template.fill({name: _text(reading.value) for name, reading in readings.items()})
        # Numbers made of several readings are in the unit of those that have one, if they agree.
        own = {reading.unit for reading in readings.values() if reading.unit}
        unit_of_all = own.pop() if len(own) == 1 and kind(nx_type) in _NUMERIC else unit
        fitted = values.fit(values.parse(text, nx_type), unit_of_all, nx_type, unit)
        if not readings:
            return Filled(fitted, _DEFINITION)
        return Filled(
            fitted,
            source=", ".join(dict.fromkeys(reading.source for reading in readings.values())),
            time=max(reading.time for reading in readings.values()),
            quality=max((reading.quality for reading in readings.values()), key=_BY_WEIGHT.index),
        )


def _not_of_ours(snapshot: Snapshot) -> dict[str, Reading]:
    """Without what nxscribe itself said at the time: the record knows better since, should it have been renumbered."""
    return {name: reading for name, reading in snapshot.readings.items() if reading.source != SOURCE}


def _as_number(reading: Reading) -> tuple[Value, Mapping[str, Detail]]:
    """The value for a field of numbers: an enumeration's own number, with the label beside it. Raises UnfitError where
    there are not as many numbers as labels.
    """
    if reading.value is None or "enum_value" not in reading.details:
        return np.asarray(reading.value), reading.details
    numbers = np.asarray(reading.details["enum_value"])
    if numbers.size != reading.value.size:
        raise UnfitError(f"{reading.source} has {reading.value.size} labels, and {numbers.size} numbers behind them")
    numbers = numbers.reshape(reading.value.shape)
    rest = {name: detail for name, detail in reading.details.items() if name != "enum_value"}
    return numbers, {**rest, "enum_label": values.as_text(reading.value)}


def _text(value: Value | None) -> str:
    return "" if value is None else values.as_text(value)
