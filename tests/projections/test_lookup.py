"""Which reading fills a field."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs
from some_scans import ended, reading, started

from nxscribe.model import Reading, Template, now
from nxscribe.model.reading import DEFAULT, DEFAULTED
from nxscribe.projections.nexus._hdf5_values import UnfitError
from nxscribe.projections.nexus._value_resolution import Lookup
from nxscribe.records import Record


def scan(root: Path, initial: Reading, final: Reading | None = None, **given: Reading) -> Record:
    record = started(root)
    record = ended(replace(record, given=given, initial=replace(record.initial, readings={"a": initial})))
    assert record.final
    return replace(record, final=replace(record.final, readings={"a": final} if final else {}))


def of_default(value: str) -> Reading:
    return Reading(DEFAULT, now(), np.asarray(value))


def test_a_value_that_came_at_the_end_is_better_than_a_default_taken_at_the_start(tmp_path: Path) -> None:
    record = scan(tmp_path, of_default("none"), reading("iron"))
    assert Lookup(record).reading("a", None).value == "iron"


def test_a_value_computed_from_a_default_gives_way_like_one(tmp_path: Path) -> None:
    computed = Reading("expression ${b}", now(), np.asarray("half"), details={DEFAULTED: "b"})
    assert Lookup(scan(tmp_path, computed, reading("whole"))).reading("a", None).value == "whole"


def test_a_default_stands_where_nothing_better_came(tmp_path: Path) -> None:
    failed = Reading("x", now(), error="no answer")
    assert Lookup(scan(tmp_path, of_default("none"), failed)).reading("a", None).value == "none"
    assert Lookup(scan(tmp_path, of_default("none"))).reading("a", None).value == "none"


def test_the_first_of_two_values_counts_and_what_was_set_before_both(tmp_path: Path) -> None:
    assert Lookup(scan(tmp_path, reading("iron"), reading("gold"))).reading("a", None).value == "iron"
    assert Lookup(scan(tmp_path, reading("iron"), a=reading("salt"))).reading("a", None).value == "salt"


def test_a_parameter_that_cannot_be_kept_is_told_where_another_value_stands(tmp_path: Path) -> None:
    unfit = Reading("parameter", now(), error="the control system's value cannot be kept: its unit is not a text")
    [told] = Lookup(scan(tmp_path, reading("iron"), a=unfit)).unkept()
    assert told.startswith("${a}: the control system's value cannot be kept: its unit is not a text; ")
    assert told.endswith(reading("iron").source)
    assert list(Lookup(scan(tmp_path, reading("iron"), a=reading("salt"))).unkept()) == []
    nothing = Reading("x", now(), error="no answer")
    assert list(Lookup(scan(tmp_path, nothing, a=unfit)).unkept()) == []  # it is missing, with that reason


def of_mode(*numbers: int) -> Reading:
    labels = ("MANUAL", "AUTOMATIC", "REMOTE")
    scalar = len(numbers) == 1
    value = np.asarray(labels[numbers[0]] if scalar else [labels[number] for number in numbers])
    return Reading("x/y/z/mode", now(), value, details={"enum_value": numbers[0] if scalar else list(numbers)})


def test_an_enumeration_is_its_label_in_a_text_and_its_number_in_a_number_each_beside_the_other(tmp_path: Path) -> None:
    lookup = Lookup(scan(tmp_path, of_mode(1)))
    text = lookup.fill_template(Template("${a}"), "NX_CHAR", None)
    assert (text.fitted.value[()], text.details) == ("AUTOMATIC", {"enum_value": 1})
    number = lookup.fill_template(Template("${a}"), "NX_INT", None)
    assert (number.fitted.value[()], number.details) == (1, {"enum_label": "AUTOMATIC"})


def test_numbers_that_are_not_as_many_as_their_labels_are_a_missing_value(tmp_path: Path) -> None:
    mode = structs.replace(of_mode(2, 0), details={"enum_value": [2, 0, 1]})
    lookup = Lookup(scan(tmp_path, mode))
    with pytest.raises(UnfitError, match="x/y/z/mode has 2 labels, and 3 numbers behind them"):
        lookup.fill_template(Template("${a}"), "NX_INT", None)
    assert lookup.fill_template(Template("${a}"), "NX_CHAR", None).fitted.value == "REMOTE MANUAL"


def test_a_list_of_enumerations_keeps_its_numbers_in_order(tmp_path: Path) -> None:
    number = Lookup(scan(tmp_path, of_mode(2, 0))).fill_template(Template("${a}"), "NX_INT", None)
    assert number.fitted.value.tolist() == [2, 0]
    assert number.details == {"enum_label": "REMOTE MANUAL"}


def of_units(root: Path, a: Reading, b: Reading) -> Lookup:
    record = started(root)
    return Lookup(replace(record, initial=replace(record.initial, readings={"a": a, "b": b})))


def test_numbers_of_several_readings_are_told_in_one_unit(tmp_path: Path) -> None:
    there, beyond = (Reading("x", now(), np.asarray(1.5), unit) for unit in ("mm", "um"))
    both = of_units(tmp_path, there, beyond).fill_template(Template("${a} ${b}"), "NX_FLOAT", None, "um").fitted
    assert both.value.tolist() == [1500.0, 1.5]
    assert both.units == "um"


def test_numbers_of_several_readings_that_have_no_unit_in_common_are_a_missing_value(tmp_path: Path) -> None:
    lookup = of_units(tmp_path, Reading("x", now(), np.asarray(1.5), "mm"), Reading("y", now(), np.asarray(7.0), "keV"))
    for unit in ("mm", ""):
        with pytest.raises(UnfitError, match="keV, mm, which cannot be told in one unit"):
            lookup.fill_template(Template("${a} ${b}"), "NX_FLOAT", None, unit)
