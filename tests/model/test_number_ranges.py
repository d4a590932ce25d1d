from __future__ import annotations

import pytest

from nxscribe.model.number_ranges import expand, is_sequence


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0..3", "0 1 2 3"),
        ("2*4", "2 2 2 2"),
        ("2*0..3 0*4..5", "2 2 2 2 0 0"),
        ("0..180/4", "0.0 45.0 90.0 135.0"),
        ("0..1:5", "0.0 0.25 0.5 0.75 1.0"),
        ("3..3:1", "3.0"),
        ("7 0..1", "7 0 1"),
        ("1.5*2", "1.5 1.5"),
        ("-1..1", "-1 0 1"),
        ("5..4", ""),
    ],
)
def test_a_sequence_stands_for_numbers(text: str, numbers: str) -> None:
    assert expand(text) == numbers


@pytest.mark.parametrize("text", ["1 2 3", "sx sy", "2e3", "a..b", ""])
def test_other_texts_are_left_alone(text: str) -> None:
    assert not is_sequence(text)
    assert expand(text) == text


@pytest.mark.parametrize("text", ["0..99999999999", "2*99999999999", "0.5..2", "5..3"])
def test_a_sequence_without_end_or_sense_is_refused(text: str) -> None:
    if text == "5..3":
        with pytest.raises(ValueError, match="a sequence of -1 values"):
            expand(text)
    else:
        with pytest.raises(ValueError, match="sequence"):
            expand(text)
