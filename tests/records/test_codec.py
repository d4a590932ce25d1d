from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from string import printable

import numpy as np
import pytest
from examples import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from some_records import ended, some_record

from nxscribe.errors import JournalError
from nxscribe.model import Phase, Quality, RawSeries, Reading, Snapshot, Value, is_text
from nxscribe.records import (
    DefinitionText,
    EndReason,
    Record,
    ScanIdentity,
    record_from_json,
    record_to_json,
)

WHEN = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
times = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - the zone is the strategy's own
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-720, 840).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
dtypes = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(endianness="?"),
    npst.unsigned_integer_dtypes(endianness="?"),
    npst.floating_dtypes(endianness="?"),
    npst.unicode_string_dtypes(endianness="="),
)
values = npst.arrays(dtypes, npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9))
readings = st.one_of(
    st.builds(Reading, source=texts, time=times, value=values, unit=texts, quality=st.sampled_from(Quality)),
    st.builds(Reading, source=texts, time=times, error=texts),
)


def snapshots(phase: Phase) -> st.SearchStrategy[Snapshot]:
    return st.builds(Snapshot, st.just(phase), times, st.floats(0, 1e6), st.dictionaries(texts, readings, max_size=4))


records = st.builds(
    Record,
    id=texts,
    identity=st.builds(ScanIdentity, texts, texts, texts, texts, texts),
    number=st.integers(0, 10**9),
    session=texts,
    master=texts,
    directory=texts,
    definition=st.builds(DefinitionText, texts, texts, texts),
    start_time=times,
    initial=snapshots(Phase.INITIAL),
    detectors=st.dictionaries(texts, texts, max_size=3),
    end_time=st.none() | times,
    final=st.none() | snapshots(Phase.FINAL),
    end_reason=st.none() | st.sampled_from(EndReason),
    given=st.dictionaries(texts, readings, max_size=2),
    raw=st.lists(
        st.builds(RawSeries, texts, texts, texts, st.integers(0, 10**9), st.integers(0, 10**9)), max_size=2
    ).map(tuple),
    notes=st.lists(texts, max_size=2).map(tuple),
)


def strict_json(data: bytes) -> dict[str, object]:
    """By Python's own parser, which takes NaN unless told not to."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not standard JSON")

    parsed: dict[str, object] = json.loads(data, parse_constant=refuse)
    return parsed


def one_value(value: Value) -> Record:
    reading = Reading("sim/motor/sx/position", WHEN, value)
    return replace(some_record(), initial=Snapshot(Phase.INITIAL, WHEN, 0.1, {"x": reading}))


def written(value: Value) -> dict[str, object]:
    line = strict_json(record_to_json(one_value(value)))
    return line["record"]["initial"]["readings"]["x"]["value"]  # type: ignore[index, no-any-return, call-overload]


def there_and_back(value: Value) -> Value:
    back = record_from_json(record_to_json(one_value(value))).initial.readings["x"].value
    assert back is not None
    return back


@examples(150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(records)
def test_every_record_comes_back_equal_from_one_line_of_standard_json(record: Record) -> None:
    line = record_to_json(record)
    assert b"\n" not in line
    strict_json(line)
    assert record_from_json(line) == record


@examples(300)
@given(values)
def test_every_value_comes_back_with_its_dtype_shape_and_bits(value: Value) -> None:
    back = there_and_back(value)
    assert back.shape == value.shape
    if is_text(value):
        # A text's width is numpy's own affair: only what it says matters.
        assert back.tolist() == value.tolist()
        return
    assert back.dtype == value.dtype
    if value.dtype.kind == "f":
        assert np.array_equal(np.isnan(back), np.isnan(value))
        back, value = np.nan_to_num(back, nan=0.0), np.nan_to_num(value, nan=0.0)
        assert np.array_equal(np.signbit(back), np.signbit(value))
    assert back.tobytes() == value.tobytes()


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (np.array(12.4), 12.4),
        (np.array(-3, np.int16), -3),
        (np.array(True), True),
        (np.array("bone"), "bone"),
        (np.array([1.5, np.nan, -np.inf]), [1.5, "NaN", "-Infinity"]),
        (np.array(2**63, np.uint64), "9223372036854775808"),
        (np.array([], np.float32), []),
    ],
)
def test_a_small_value_is_readable_in_the_json(value: Value, data: object) -> None:
    assert written(value)["data"] == data


def test_a_long_array_is_base64_and_can_be_changed_after_reading() -> None:
    value = np.arange(2000, dtype=np.int32).reshape(4, 500)
    assert set(written(value)) == {"dtype", "shape", "base64"}
    back = there_and_back(value)
    assert np.array_equal(back, value)
    assert back.flags.writeable


def test_a_text_that_utf8_cannot_hold_comes_back_all_the_same() -> None:
    value = np.array(["bone", "\ud800"])
    assert there_and_back(value).tolist() == value.tolist()


def test_integers_that_another_program_wrote_for_whole_floats_are_floats() -> None:
    line = record_to_json(one_value(np.array(10.0))).replace(b'"data":10.0', b'"data":10')
    back = record_from_json(line).initial.readings["x"].value
    assert back is not None
    assert back.dtype == np.float64


@pytest.mark.parametrize("value", [np.array([object()]), np.array(1j), np.array(b"bytes"), np.array("2026", "M8[s]")])
def test_a_value_that_no_reading_may_have_is_refused_with_its_dtype(value: Value) -> None:
    with pytest.raises(JournalError, match=re.escape(str(value.dtype))):
        record_to_json(one_value(value))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"format":1,"record":{}}',
        b'{"format":"1"}',
        record_to_json(one_value(np.array(1.0))).replace(b'"float64"', b'"no such type"'),
        record_to_json(one_value(np.array(1.0))).replace(b'"data":1.0', b'"data":"one"'),
        record_to_json(one_value(np.arange(3))).replace(b'"shape":[3]', b'"shape":[4]'),
        record_to_json(one_value(np.arange(999))).replace(b'"base64":"', b'"base64":"?'),
    ],
)
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(JournalError, match="not a record of nxscribe"):
        record_from_json(line)


@examples(200)
@given(st.integers(0, 5000), st.text(printable, min_size=1, max_size=5))
def test_a_garbled_line_is_a_record_or_is_refused_and_nothing_else(place: int, garbage: str) -> None:
    line = record_to_json(ended(some_record()))
    place %= len(line)
    try:
        record_from_json(line[:place] + garbage.encode() + line[place + len(garbage) :])
    except JournalError as error:
        assert "not a record" in str(error) or "later version" in str(error)  # noqa: PT017 - either is right


def test_a_form_of_a_later_version_is_refused_as_such() -> None:
    line = record_to_json(some_record()).replace(b'{"format":1,', b'{"format":2,')
    with pytest.raises(JournalError, match="a later version wrote it"):
        record_from_json(line)


def test_fields_that_a_later_version_adds_are_passed_over() -> None:
    record = some_record()
    line = record_to_json(record).replace(b'"record":{', b'"record":{"mood":"good",')
    assert record_from_json(line) == record


def test_a_line_of_the_first_version_is_still_read() -> None:
    record = record_from_json((Path(__file__).parent / "record-format-1.jsonl").read_bytes())
    assert record.entry == "entry_0029"
    assert record.end_reason is EndReason.FINISHED
    assert record.raw[0].count == 1500
    assert record.final is not None
    frames = record.final.readings["image_key"].value
    assert frames is not None
    assert frames.dtype == np.int8
    assert frames.sum() == 410
    energy = record.initial.readings["energy"]
    assert energy == Reading(
        "localhost:10000/sim/mono/dcm/energy",
        datetime(2026, 3, 1, 12, 0, 0, 250000, tzinfo=timezone(timedelta(hours=1))),
        np.array(17.05),
        "keV",
        Quality.ALARM,
    )
    assert record.initial.missing["pressure"].error == "no answer in 0.5 s"


def test_what_stands_beside_a_value_comes_back() -> None:
    details = {"enum_value": [2, 0], "age": 1.25, "display_unit": "eV", "number": 3}
    reading = Reading("sim/mono/dcm/mode", WHEN, np.asarray(["REMOTE", "MANUAL"]), details=details)
    kept = replace(some_record(), given={"mode": reading})
    assert record_from_json(record_to_json(kept)).given["mode"] == reading
