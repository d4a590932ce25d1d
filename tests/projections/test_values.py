from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nxscribe.model import is_text
from nxscribe.model.nexus_types import NX_TYPES
from nxscribe.projections.nexus._hdf5_values import UnfitError, as_text, fit, parse


def test_a_number_in_the_declared_type_and_unit_is_left_as_it_is() -> None:
    value = np.asarray(12.4, dtype=np.float32)
    fitted = fit(value, "keV", "NX_FLOAT", "keV")
    assert fitted.value is value
    assert (fitted.units, fitted.warnings) == ("keV", ())


def test_a_convertible_unit_is_converted() -> None:
    fitted = fit(np.asarray(1.5), "mm", "NX_FLOAT", "um")
    assert (fitted.value[()], fitted.units, fitted.warnings) == (1500.0, "um", ())


def test_units_are_spelled_as_validators_take_them() -> None:
    assert fit(np.asarray(1.5), "μm", "NX_FLOAT").units == "um"
    assert fit(np.asarray(1.5), "", "NX_FLOAT", "Å").units == "angstrom"


def test_a_unit_of_another_dimension_keeps_value_and_unit_as_read_and_warns() -> None:
    fitted = fit(np.asarray(12.4), "keV", "NX_FLOAT", "mm")
    assert (fitted.value[()], fitted.units) == (12.4, "keV")
    assert fitted.warnings == ("read in keV, which cannot be told in mm: written as read",)


def test_an_unknown_unit_keeps_value_and_unit_as_read_and_warns() -> None:
    fitted = fit(np.asarray(3), "blobs", "NX_INT", "mm")
    assert (fitted.value[()], fitted.units) == (3, "blobs")
    assert fitted.warnings


def test_a_source_that_says_no_unit_has_the_declared_one() -> None:
    assert fit(np.asarray(3), "", "NX_INT", "mm").units == "mm"


@pytest.mark.parametrize(
    ("nx_type", "value", "expected"),
    [
        ("NX_FLOAT", np.asarray(3, dtype=np.int16), np.asarray(3.0)),
        ("NX_FLOAT", np.asarray("12.5"), np.asarray(12.5)),
        ("NX_FLOAT", np.asarray("-1e-3"), np.asarray(-0.001)),
        ("NX_FLOAT32", np.asarray(0.5), np.asarray(0.5, dtype=np.float32)),
        ("NX_INT", np.asarray(3.0), np.asarray(3)),
        ("NX_INT", np.asarray("1500"), np.asarray(1500)),
        ("NX_INT32", np.asarray(7), np.asarray(7, dtype=np.int32)),
        ("NX_UINT8", np.asarray(255), np.asarray(255, dtype=np.uint8)),
        ("NX_NUMBER", np.asarray("7"), np.asarray(7)),
        ("NX_NUMBER", np.asarray("7.0"), np.asarray(7.0)),
        ("NX_NUMBER", np.asarray("1 2.5 3"), np.asarray([1.0, 2.5, 3.0])),
        ("NX_INT", np.asarray(["1", "2"]), np.asarray([1, 2])),
        ("NX_NUMBER", np.asarray("1 NaN -inf"), np.asarray([1.0, np.nan, -np.inf])),
        ("NX_FLOAT", np.asarray(".nan"), np.asarray(np.nan)),
        ("NX_INT", np.asarray("18446744073709551615"), np.asarray(2**64 - 1, dtype=np.uint64)),
        ("NX_BOOLEAN", np.asarray("True"), np.asarray(True)),
        ("NX_BOOLEAN", np.asarray(0), np.asarray(False)),
        ("NX_CHAR", np.asarray(0.1, dtype=np.float32), np.asarray("0.1")),
        ("NX_CHAR", np.asarray(0.1), np.asarray("0.1")),
        ("NX_CHAR", np.asarray(2**53 + 1), np.asarray("9007199254740993")),
        ("NX_CHAR", np.asarray([1.0, 2.5]), np.asarray("1.0 2.5")),
        ("NX_CHAR", np.asarray(["sx", "sy"]), np.asarray("sx sy")),
        ("NX_CHAR", np.asarray(["a b", "c"]), np.asarray(["a b", "c"])),
        ("NX_CHAR", np.asarray(True), np.asarray("true")),
        ("NX_DATE_TIME", np.asarray("2026-03-01T12:00:00+01:00"), np.asarray("2026-03-01T12:00:00+01:00")),
        ("NX_CHAR_OR_NUMBER", np.asarray(3, dtype=np.int8), np.asarray(3, dtype=np.int8)),
    ],
)
def test_a_value_is_written_in_the_declared_type_where_that_changes_nothing(
    nx_type: str, value: np.ndarray, expected: np.ndarray
) -> None:
    fitted = fit(value, "", nx_type)
    assert fitted.warnings == ()
    assert is_text(fitted.value) == is_text(expected)
    assert is_text(expected) or fitted.value.dtype == expected.dtype
    np.testing.assert_array_equal(fitted.value, expected)


@pytest.mark.parametrize(
    ("nx_type", "value"),
    [
        ("NX_INT", np.asarray(1.5)),
        ("NX_INT", np.asarray("1.5")),
        ("NX_INT", np.asarray(np.nan)),
        ("NX_INT8", np.asarray(300)),
        ("NX_UINT", np.asarray(1e300)),
        ("NX_FLOAT", np.asarray(2**53 + 1)),
        ("NX_FLOAT32", np.asarray(0.1)),
        ("NX_BOOLEAN", np.asarray(2)),
    ],
)
def test_a_number_that_the_declared_type_cannot_hold_is_written_as_read_with_a_warning(
    nx_type: str, value: np.ndarray
) -> None:
    fitted = fit(value, "", nx_type)
    assert fitted.warnings
    assert as_text(fitted.value) == as_text(value)
    assert fitted.value.dtype.kind in "iuf"


@pytest.mark.parametrize(
    ("nx_type", "value", "reason"),
    [
        ("NX_FLOAT", np.asarray("abc"), "'abc' is not a float"),
        ("NX_FLOAT", np.asarray("1,5"), "'1,5' is not a float"),
        ("NX_FLOAT", np.asarray("12 keV"), "'keV' is not a float"),
        ("NX_FLOAT", np.asarray("1_000"), "'1_000' is not a float"),
        ("NX_INT", np.asarray(""), "empty"),
        ("NX_INT", np.asarray("9" * 30), "beyond 64 bits"),
        ("NX_NUMBER", np.asarray("9" * 6000), "beyond"),
        ("NX_FLOAT", np.asarray("1e999"), "beyond"),
        ("NX_FLOAT", np.asarray(["2.5", "9007199254740993"]), "beyond"),
        ("NX_INT", np.asarray(["18446744073709551615", "-1"]), "beyond"),
        ("NX_BOOLEAN", np.asarray("maybe"), "'maybe' is not a boolean"),
        ("NX_DATE_TIME", np.asarray("yesterday"), "'yesterday' is not an ISO 8601"),
        ("NX_DATE_TIME", np.asarray(1.7e9), "number"),
        ("NX_CHAR", np.asarray(["a\0b"]), "NUL"),
        ("NX_CHAR", np.asarray("\udc80"), "Unicode"),
    ],
)
def test_what_is_not_of_the_declared_kind_is_refused_with_the_reason(
    nx_type: str, value: np.ndarray, reason: str
) -> None:
    with pytest.raises(UnfitError, match=reason):
        fit(value, "", nx_type)


def test_a_time_without_a_zone_is_written_as_read_with_a_warning() -> None:
    fitted = fit(np.asarray("2026-03-01T12:00:00"), "", "NX_DATE_TIME")
    assert fitted.value[()] == "2026-03-01T12:00:00"
    assert fitted.warnings == ("the time 2026-03-01T12:00:00 has no zone: written as read",)


def test_a_text_of_numbers_with_a_unit_is_converted_as_numbers_are() -> None:
    fitted = fit(np.asarray("1.5"), "mm", "NX_FLOAT", "um")
    assert (fitted.value[()], fitted.units) == (1500.0, "um")


def test_an_integer_that_a_conversion_makes_whole_is_an_integer() -> None:
    fitted = fit(np.asarray(2), "mm", "NX_INT", "um")
    assert (fitted.value[()], fitted.value.dtype.kind) == (2000, "i")


def test_a_literal_is_parsed_by_its_declared_type() -> None:
    assert parse("3", "NX_INT").dtype.kind == "i"
    assert is_text(parse("3", "NX_CHAR"))


numbers = arrays.arrays(
    dtype=st.one_of(arrays.integer_dtypes(), arrays.unsigned_integer_dtypes(), arrays.floating_dtypes(sizes=(32, 64))),
    shape=arrays.array_shapes(min_dims=0, max_dims=2, max_side=3),
)


@given(
    value=numbers.map(lambda value: value.astype(value.dtype.newbyteorder("="))),
    nx_type=st.sampled_from(sorted(NX_TYPES)),
)
def test_no_type_ever_changes_a_number(value: np.ndarray, nx_type: str) -> None:
    try:
        fitted = fit(value, "", nx_type)
    except UnfitError:
        return
    if is_text(fitted.value):
        back = np.asarray([value.dtype.type(text) for text in str(fitted.value).split()])
        np.testing.assert_array_equal(back, value.ravel())
    elif fitted.value.dtype.kind == "b":
        np.testing.assert_array_equal(fitted.value.astype(value.dtype), value)
    else:
        assert fitted.value.astype(object).tolist() == value.astype(object).tolist() or np.isnan(value).any()
        np.testing.assert_array_equal(fitted.value.astype(value.dtype), value)


@given(value=arrays.arrays(np.float64, arrays.array_shapes(min_dims=0, max_dims=1, max_side=4)))
def test_a_float_sent_as_text_is_the_same_float(value: np.ndarray) -> None:
    texts = np.asarray([repr(float(element)) for element in value.flat]).reshape(value.shape)
    np.testing.assert_array_equal(fit(texts, "", "NX_FLOAT").value, value)


@given(st.text(max_size=8) | st.sampled_from(("°C/min", "dBm", "Mm", "1/degF", "eV999")), st.text(max_size=8))
def test_a_number_is_written_whatever_its_unit(unit: str, declared: str) -> None:
    for one, other in ((unit, declared), (unit, "mW"), (unit, "K/s"), ("mm", unit)):
        assert fit(np.asarray(1.5), one, "NX_FLOAT", other).value.shape == ()


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
        (" 2026-03-01t12:00:00z\n", "2026-03-01T12:00:00+00:00"),
        ("2026-060T24:00:00+01:00", "2026-03-02T00:00:00+01:00"),
    ],
)
def test_a_time_of_a_rare_form_is_written_in_the_usual_one(read: str, written: str) -> None:
    fitted = fit(np.asarray(read), "", "NX_DATE_TIME")
    assert (fitted.value.item(), fitted.warnings) == (written, ())
