from __future__ import annotations

import numpy as np
import pytest

from nxscribe.errors import TriggerRefusedError
from nxscribe.model import now
from nxscribe.records import EndReason
from nxscribe.service.scan.requests import (
    EndRequest,
    decode_end,
    decode_parameters,
    decode_start,
    parameter_readings,
    raw_files,
)


def reading(value):
    return parameter_readings({"x": value}, now())["x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "line 1 column 2"),
        ("[]", "Expected `object`"),
        ('{"proposal": "a"}', "sample"),
        ('{"proposal": "a", "sample": "b", "scan": "c", "technique": "tomo", "tecnique": "x"}', "tecnique"),
        ('{"proposal": "a", "sample": "b", "scan": "c", "scan": "d", "technique": "tomo"}', "twice"),
        ('{"proposal": 1e999, "sample": "b", "scan": "c", "technique": "tomo"}', "beyond"),
        ('{"proposal": 3, "sample": "b", "scan": "c", "technique": "tomo"}', "proposal"),
    ],
)
def test_an_unusable_start_is_refused_with_what_is_wrong_and_the_form_wanted(text: str, expected: str):
    with pytest.raises(TriggerRefusedError) as refused:
        decode_start(text)
    assert expected in str(refused.value)
    assert '"proposal"' in str(refused.value)


def test_a_number_of_frames_that_no_file_can_hold_is_left_out_of_the_end():
    assert decode_end(f'{{"frames": {{"pco": {2**63 - 1}}}}}').frames == {"pco": 2**63 - 1}
    for count in (2**63, 10**22, -1):
        request = decode_end(f'{{"frames": {{"pco": {count}, "eiger": 5}}}}')
        assert request.frames == {"eiger": 5}
        assert "frames of 'pco'" in request.unusable[0]


@pytest.mark.parametrize("text", ["{", "[]", '"finished"', '{"record": 3}', '{"scan": 1e999}'])
def test_an_end_that_does_not_tell_which_scan_is_meant_is_refused_with_the_form_wanted(text: str):
    with pytest.raises(TriggerRefusedError, match='"end_reason"'):
        decode_end(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"reason": 5}', "reason"),
        ('{"reason": "a", "reason": "b"}', "twice"),
        ('{"parameters": [1]}', "parameters"),
        ('{"files": {"pco": "/raw/a.h5"}}', "files of 'pco'"),
        ('{"files": ["/raw/a.h5"]}', "files"),
        ('{"parmeters": {"a": 1}}', "'parmeters' is no key"),
        ('{"end_reason": "exploded"}', "'exploded' is none of finished, stopped, aborted, failed, interrupted"),
        ('{"unusable": ["x"]}', "'unusable' is no key"),
    ],
)
def test_what_cannot_be_used_of_an_end_is_told_and_the_rest_is_used(text: str, told: str):
    request = decode_end(text[:-1] + ', "record": "r1", "abort": null}')
    assert request.record == "r1"
    assert len(request.unusable) == 1
    assert told in request.unusable[0]


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("failed", EndReason.FAILED),
        ("FAILURE", EndReason.FAILED),
        ("Exception", EndReason.FAILED),
        ("Stop", EndReason.STOPPED),
        ("USER_ABORT", EndReason.ABORTED),
        ("success", EndReason.FINISHED),
        ("interrupted", EndReason.INTERRUPTED),
        ("", None),
    ],
)
def test_the_words_of_control_systems_for_an_end_are_understood(word: str, outcome: EndReason | None):
    request = decode_end(f'{{"end_reason": "{word}", "reason": " limit switch \\ud800 "}}')
    assert request.outcome is outcome
    assert request.reason == "limit switch \\ud800"
    assert request.unusable == ()


def test_an_empty_argument_ends_a_scan_with_nothing_more():
    assert decode_end("") == EndRequest()


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


def test_numbers_that_are_not_finite_are_values():
    assert np.array_equal(reading([0.5, float("nan"), float("-inf")]).value, [0.5, np.nan, -np.inf], equal_nan=True)


def test_lists_of_lists_keep_their_shape():
    assert reading([[[1, 2, 3]], [[4, 5, 6]]]).value.shape == (2, 1, 3)
    assert reading([[], []]).value.shape == (2, 0)


def test_a_name_that_no_journal_can_hold_is_told_escaped():
    assert set(parameter_readings({"a\ud800": 1}, now())) == {"a\\ud800"}


def test_texts_stay_texts():
    assert reading(["1", "é"]).value.tolist() == ["1", "é"]


def test_a_value_may_name_its_unit():
    assert reading({"value": 3, "unit": "mm"}).unit == "mm"


@pytest.mark.parametrize(
    "value",
    [
        None,
        [1, None],
        [1, "a"],
        [True, 1],
        [[1], [1, 2]],
        [[1], 2],
        [[[1], [2]], [[3], 4]],
        {"a": 1},
        [{"value": 1}],
        2**64,
        [2**63, -1],
        [10**400, 0.5],
        [2**53 + 1, 0.5],
        "\udcff",
        {"value": 1, "unit": 3},
        {"value": 1, "unit": "m\0m"},
        {"value": 1, "unit": "\ud800"},
    ],
)
def test_a_value_without_a_faithful_form_is_a_reading_that_says_why(value):
    found = reading(value)
    assert found.value is None
    assert "cannot be kept" in found.error


@pytest.mark.parametrize(
    "path", ["/raw/a\0.h5", "/raw/\0/a.h5", "/raw/", "/raw/..", "/raw/" + "n" * 300, "/raw/\udcff.h5"]
)
def test_a_raw_file_that_no_file_system_or_master_can_name_is_left_out_of_the_end(path: str):
    listed = raw_files(EndRequest(files={"pco": ["/raw/a.h5", path]}), {"pco": ""}, "/data/s1")
    assert [(series.directory, list(series)) for series in listed.series] == [("/raw", ["a.h5"])]
    assert "a raw file is left out" in listed.unusable[0]


def test_a_second_path_of_frames_in_the_files_of_a_detector_is_told():
    files = ["/d/a.h5::/1.1/data", "/d/a.h5::/2.1/data", "/d/b.h5", "/d/b.h5::/1.1/data"]
    listed = raw_files(EndRequest(files={"pco": files}), {"pco": ""}, "/data/s1")
    assert {one.dataset for one in listed.series} == {"1.1/data"}
    (told,) = listed.unusable
    assert "'pco' are looked for at '1.1/data', not at '2.1/data'" in told


def test_raw_files_of_an_end_are_those_of_the_scans_folder_and_of_nobody_where_the_detector_is_unknown():
    request = EndRequest(files={"pco": ["b.h5"], "frelon": ["/raw/c.edf"]}, frames={"frelon": 3, "pco": 4})
    listed = raw_files(request, {"pco": ""}, "/data/s1")
    assert [(one.detector, one.directory, *one) for one in listed.series] == [
        ("pco", "/data/s1", "b.h5"),
        ("", "/raw", "c.edf"),
    ]
    assert listed.frames == {"pco": 4}
    assert all("no detector 'frelon', only pco" in one for one in listed.unusable)
