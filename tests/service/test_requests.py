from __future__ import annotations

import numpy as np
import pytest

from nxscribe.errors import TriggerRefusedError
from nxscribe.model import now
from nxscribe.service.requests import EndRequest, StartRequest, decode_parameters, decode_request, parameter_readings


def reading(value):
    return parameter_readings({"x": value}, now())["x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "truncated"),
        ("[]", "Expected `object`"),
        ('{"proposal": "a"}', "sample"),
        ('{"proposal": "a", "sample": "b", "scan": "c", "technique": "tomo", "tecnique": "x"}', "tecnique"),
        ('{"proposal": 3, "sample": "b", "scan": "c", "technique": "tomo"}', "proposal"),
    ],
)
def test_an_unusable_start_is_refused_with_what_is_wrong_and_the_form_wanted(text: str, expected: str):
    with pytest.raises(TriggerRefusedError) as refused:
        decode_request(text, StartRequest)
    assert expected in str(refused.value)
    assert '"proposal"' in str(refused.value)


def test_a_number_of_frames_that_no_file_can_hold_is_refused():
    assert decode_request(f'{{"frames": {{"pco": {2**63 - 1}}}}}', EndRequest).frames == {"pco": 2**63 - 1}
    for count in (2**63, 10**22, -1):
        with pytest.raises(TriggerRefusedError, match="frames"):
            decode_request(f'{{"frames": {{"pco": {count}}}}}', EndRequest)


def test_an_empty_argument_ends_a_scan_with_nothing_more():
    assert decode_request("", EndRequest) == EndRequest()


def test_parameters_that_are_no_object_are_refused():
    with pytest.raises(TriggerRefusedError, match="one JSON object"):
        decode_parameters("[1]")


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(3, np.int64), (2.5, np.float64), (True, np.bool_), ([1, 2], np.int64), ([1, 2.5], np.float64), ([], np.int64)],
)
def test_a_number_keeps_its_kind(value, dtype):
    found = reading(value).value
    assert found.dtype == dtype
    assert found.tolist() == value


def test_texts_stay_texts():
    assert reading(["1", "é"]).value.tolist() == ["1", "é"]


def test_a_value_may_name_its_unit():
    assert reading({"value": 3, "unit": "mm"}).unit == "mm"


@pytest.mark.parametrize(
    "value",
    [None, [1, None], [1, "a"], [True, 1], [[1], [1, 2]], {"a": 1}, 2**64, [2**53 + 1, 0.5], {"value": 1, "unit": 3}],
)
def test_a_value_without_a_faithful_form_is_a_reading_that_says_why(value):
    found = reading(value)
    assert found.value is None
    assert "cannot be kept" in found.error
