"""Which reading fills a field: the order of precedence between what was set, read at the start, and read at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
from msgspec import structs

from nxscribe.model import Field, Phase, Quality, Reading, Snapshot, Template, Value, units
from nxscribe.model.nexus_types import kind
from nxscribe.model.reading import Detail
from nxscribe.projections.nexus import _hdf5_values as hdf5_values
from nxscribe.projections.nexus._hdf5_values import Fitted, UnfitError
from nxscribe.records.built_in import SOURCE, built_in
from nxscribe.records.record import Record

_BY_WEIGHT: Final = (Quality.VALID, Quality.CHANGING, Quality.WARNING, Quality.ALARM, Quality.INVALID)
_DEFINITION: Final = "definition"
_NUMERIC: Final = frozenset({"integer", "float", "number"})


class PendingValueError(UnfitError):
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
    unit: str = ""
    """The unit as the source writes it; empty where it says none."""


class Lookup:
    """The readings of one record, by placeholder and phase."""

    def __init__(self, record: Record) -> None:
        self._given = record.given
        self._initial = _not_of_ours(record.initial)
        self._final = _not_of_ours(record.final) if record.final else {}
        self._built_in = built_in(record)
        self._is_open = record.is_open
        self._places: dict[Phase | None, list[Mapping[str, Reading]]] = {
            Phase.INITIAL: [self._given, self._initial, self._built_in],
            Phase.FINAL: [self._given, self._final, self._built_in],
            None: [self._given, self._initial, self._final, self._built_in],
        }
        """By the phase that is asked for, in the order in which they count."""

    def reading(self, placeholder: str, phase: Phase | None) -> Reading:
        """What fills a placeholder: set by the control system, else read in `phase`, else known to nxscribe itself.

        With no phase, the start's reading is taken, or the end's where the start has no value. A default is taken where
        there is nothing else. Raises UnfitError with the reason where there is no value, PendingValueError where it is
        still to come.
        """
        found = [place[placeholder] for place in self._places[phase] if placeholder in place]
        good = [reading for reading in found if reading.ok]
        if good:
            return next((one for one in good if not one.is_default), good[0]).in_known_unit(found)
        reason = found[-1].error if found else ""
        if self._is_open and phase is not Phase.INITIAL:
            raise PendingValueError(f"read at the end of the scan{f'; at the start: {reason}' if reason else ''}")
        raise UnfitError(reason or f"${{{placeholder}}} was neither read nor set in this scan")

    def unkept(self) -> Iterator[str]:
        """What the control system set and no value can hold, where another value stands in its place."""
        for name, given in self._given.items():
            places = (self._final, self._initial, self._built_in)
            others = [place[name] for place in places if name in place and place[name].ok] if not given.ok else []
            if others:
                yield f"${{{name}}}: {given.error}; the value is that of: {others[0].source}"

    def fit_parameter(self, name: str) -> Fitted:
        """A value that the control system set, as it is. Raises UnfitError with the reason where there is none."""
        given = self._given[name]
        if given.value is None:
            raise UnfitError(given.error)
        return hdf5_values.fit(given.value, given.unit, "NX_CHAR_OR_NUMBER")

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
            fitted = hdf5_values.fit(value, reading.unit, nx_type, unit)
            return Filled(fitted, reading.source, reading.time, reading.quality, details, reading.unit)
        told, unit_of_all = _in_one_unit(readings, unit) if kind(nx_type) in _NUMERIC else (readings, unit)
        text = template.fill({name: _text(reading.value) for name, reading in told.items()})
        fitted = hdf5_values.fit(hdf5_values.parse(text, nx_type), unit_of_all, nx_type, unit)
        if not readings:
            return Filled(fitted, _DEFINITION)
        return Filled(
            fitted,
            source=", ".join(dict.fromkeys(reading.source for reading in readings.values())),
            time=max(reading.time for reading in readings.values()),
            quality=max((reading.quality for reading in readings.values()), key=_BY_WEIGHT.index),
            unit=unit_of_all,
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
    return numbers, {**rest, "enum_label": hdf5_values.as_text(reading.value)}


def _in_one_unit(readings: Mapping[str, Reading], declared: str) -> tuple[Mapping[str, Reading], str]:
    """Readings that become numbers of one field, told in the unit that it declares, or in the one of all of them;
    and this unit. Raises UnfitError where there is none.
    """
    own = {units.spelling(reading.unit) for reading in readings.values()} - {""}
    if len(own) <= 1:
        return readings, own.pop() if own else declared
    told: dict[str, Reading] = {}
    for name, reading in readings.items():
        told[name] = reading
        if reading.unit and reading.value is not None:
            fitted = hdf5_values.fit(reading.value, reading.unit, "NX_NUMBER", declared)
            if fitted.units != units.spelling(declared):
                raise UnfitError(f"its numbers are in {', '.join(sorted(own))}, which cannot be told in one unit")
            told[name] = structs.replace(reading, value=fitted.value)
    return told, declared


def _text(value: Value | None) -> str:
    return "" if value is None else hdf5_values.as_text(value)
