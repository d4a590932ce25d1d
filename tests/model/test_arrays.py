from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxscribe.model.arrays import BeyondError, exact_array, exact_value, is_text, number_of, texts

numbers = st.lists(st.integers(-(2**70), 2**70) | st.floats(), max_size=6)


@given(numbers)
def test_every_number_is_in_the_array_exactly_or_there_is_no_array(elements: list[int | float]) -> None:
    try:
        array = exact_array(elements)
    except BeyondError:
        return
    for kept, element in zip(array.tolist(), elements, strict=True):
        assert kept == element or (math.isnan(kept) and math.isnan(element))


@pytest.mark.parametrize(
    ("elements", "dtype"),
    [
        ([], np.int64),
        ([2**63 - 1, -(2**63)], np.int64),
        ([2**63, 1], np.uint64),
        ([2**64 - 1], np.uint64),
        ([2**53, 0.5], np.float64),
        ([3, "NaN", "-Infinity"], np.float64),
        ([True, False], np.bool_),
    ],
)
def test_the_type_is_the_narrowest_that_holds_all(elements: list[object], dtype: type) -> None:
    assert exact_array(elements).dtype == dtype


def test_the_names_of_numbers_that_json_lacks_are_numbers_among_numbers_and_texts_among_texts() -> None:
    assert exact_array([1, "-Infinity"]).tolist() == [1.0, -math.inf]
    assert exact_array(["NaN", "Infinity"]).tolist() == ["NaN", "Infinity"]


@pytest.mark.parametrize("elements", [[2**63, -1], [10**400], [2**53 + 1, 0.5], [10**400, 0.5]])
def test_numbers_that_no_one_type_holds_are_refused(elements: list[object]) -> None:
    with pytest.raises(BeyondError, match="beyond"):
        exact_array(elements)


@pytest.mark.parametrize("elements", [[1, "two"], [True, 1], [None], [{}], ["a", 1.5], ["\udc41"]])
def test_what_is_not_of_one_kind_is_refused(elements: list[object]) -> None:
    with pytest.raises(ValueError, match=r"null|mixes|Unicode"):
        exact_array(elements)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("-0", 0),
        ("1e-3", 0.001),
        ("+.5", 0.5),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("Infinity", math.inf),
    ],
)
def test_a_number_is_read_from_its_text(text: str, number: float) -> None:
    assert number_of(text) == number
    assert type(number_of(text)) is type(number)


@pytest.mark.parametrize("text", ["nan", "NaN", ".NaN", "-nan"])
def test_nan_is_read_in_each_of_its_spellings(text: str) -> None:
    assert math.isnan(number_of(text))


def test_minus_zero_keeps_its_sign() -> None:
    assert math.copysign(1, float(exact_value(number_of("-0.0")))) == -1


@pytest.mark.parametrize("text", ["1e400", "-1e309", "1e-400", "0.0001e-330", "9" * 5000])
def test_a_number_that_no_float_holds_is_never_read_as_another(text: str) -> None:
    with pytest.raises(ValueError, match=r"beyond|below|not a number"):
        number_of(text)


@pytest.mark.parametrize("text", ["", "1_000", "12 keV", "0x10", "\N{ARABIC-INDIC DIGIT ONE}", "in", "e5"])
def test_what_only_looks_like_a_number_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        number_of(text)


def test_a_text_keeps_a_nul_at_its_end() -> None:
    assert exact_value("gold\0").item() == "gold\0"
    assert texts(["gold\0"]).tolist() == ["gold\0"]


def test_a_list_of_texts_takes_the_memory_of_its_texts_not_of_the_longest_for_each() -> None:
    lines = ["ok"] * 20_000 + ["z" * 500_000]
    tracemalloc.start()
    array = exact_array(lines)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert is_text(array)
    assert array.tolist() == lines
    assert peak < 3_000_000
