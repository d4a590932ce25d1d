"""Errors of Tango in the words of a beamline."""

from __future__ import annotations

import tango

from nxscribe.sources.tango.tango_errors import explain, explain_answer
from nxscribe.tango_text import words_of


def entry(reason: str, desc: str) -> tango.DevError:
    error = tango.DevError()
    error.reason, error.desc, error.origin, error.severity = reason, desc, "", tango.ErrSeverity.ERR
    return error


def test_of_several_entries_the_origin_comes_first_and_the_others_after_it():
    stack = (
        entry("Axis_Limit", "limit switch 3 is open\n"),
        entry("Motor_Failed", "axis 3 did not move"),
        entry("API_AttributeFailed", "Failed to read_attribute on device a/b/c, attribute d"),
    )
    told = explain_answer("a/b/c/d", stack)
    assert "its device says: limit switch 3 is open (and after it: axis 3 did not move) (Axis_Limit)" in told
    assert "Failed to read_attribute" not in told
    assert explain("a/b/c/d", stack) == told


def test_what_an_entry_repeats_is_said_once():
    stack = (entry("PyDs_PythonError", "RuntimeError: off"), entry("PyDs_PythonError", "RuntimeError: off"))
    assert explain_answer("a/b/c/d", stack).count("RuntimeError: off") == 1


def test_a_timeout_between_a_device_and_another_one_is_not_told_as_its_own():
    stack = (
        entry("API_DeviceTimedOut", "Timeout (3000 mS) exceeded on device x/y/z"),
        entry("PyDs_PythonError", "no position"),
    )
    told = explain_answer("a/b/c/d", stack)
    assert "its device did not answer in time" not in told
    assert "exceeded on device x/y/z (and after it: no position)" in told
    assert "its device did not answer in time" in explain("a/b/c/d", stack)


def test_an_empty_stack_is_no_failure_of_the_explanation():
    assert "Tango gave no reason" in explain_answer("a/b/c/d", ())
    assert words_of((entry("Any", " "),)) == "Tango gave no reason"
