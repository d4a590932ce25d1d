from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxscribe.model import now
from nxscribe.service._json_text import Unfit, decode_json
from nxscribe.service.scan.requests import decode_parameters, decode_start, parameter_readings

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(plain)
def test_what_python_writes_is_read_back(value: object) -> None:
    assert decode_json(json.dumps(value)) == value
    assert decode_json("\ufeff" + json.dumps(value, ensure_ascii=False)) == value


def test_nan_and_the_infinities_are_numbers() -> None:
    nan, *infinities = decode_json("[NaN, Infinity, -Infinity]")  # type: ignore[misc]
    assert math.isnan(nan)
    assert infinities == [math.inf, -math.inf]


@pytest.mark.parametrize("number", ["1e999", "-4E+400", "3e-999", "0.1e-5000", "7" * 450, "8" * 9000])
def test_a_number_that_no_float_holds_stands_apart_from_the_rest(number: str) -> None:
    one, other = decode_json(f"[{number}, 1]")  # type: ignore[misc]
    assert isinstance(one, Unfit)
    assert other == 1


def test_a_name_given_twice_has_no_value() -> None:
    found = decode_json('{"a": 1, "b": 2, "a": 1}')
    assert found == {"a": Unfit("it is given twice in one object"), "b": 2}


@pytest.mark.parametrize("depth", [33, 900, 5_000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"k": ', "}"), ('[{"value": ', "}]")])
def test_depth_without_measure_spoils_one_parameter_and_nothing_beside_it(
    depth: int, opening: str, closing: str
) -> None:
    deep = opening * depth + '"] }"' + closing * depth
    text = (
        f'{{"proposal": "p", "sample": "s", "scan": "n", "technique": "t", "parameters": {{"deep": {deep}, "q": 5}}}}'
    )
    request = decode_start(text)
    readings = parameter_readings(request.parameters, now())
    assert "cannot be kept" in readings["deep"].error
    assert readings["q"].value == 5


def test_brackets_that_are_never_closed_are_no_json() -> None:
    with pytest.raises(ValueError, match="not closed"):
        decode_json("[" * 100_000)


def test_a_parameter_given_twice_is_listed_and_a_name_given_twice_is_refused() -> None:
    (reading,) = parameter_readings(decode_parameters('{"q": 1, "q": 2}'), now()).values()
    assert "twice" in reading.error
