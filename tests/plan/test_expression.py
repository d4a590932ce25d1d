from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxscribe.sources.formula import ExpressionError, Operand, Result, parse_expression


def compute(text: str, unit: str = "", **operands: object) -> Result:
    """Operands are values, or (value, unit)."""
    given = {
        name: Operand(np.asarray(what[0]), what[1]) if isinstance(what, tuple) else Operand(np.asarray(what))
        for name, what in operands.items()
    }
    return parse_expression(text).evaluate(given, unit)


def test_names_come_in_order_and_once():
    expression = parse_expression("${b} + ${a} * ${ b } + ${saxs_definition.version}")
    assert expression.names == ("b", "a", "saxs_definition.version")


@pytest.mark.parametrize(
    ("text", "unit", "operands", "value", "result_unit"),
    [
        ("${a} + ${b}", "", {"a": (1.0, "mm"), "b": (500, "um")}, 1.5, "mm"),
        ("${a} + ${b}", "um", {"a": (1.0, "mm"), "b": (500, "um")}, 1500, "um"),
        ("${a} / ${b}", "", {"a": (1.0, "mm"), "b": (500, "um")}, 2.0, ""),
        ("${a} / ${t}", "mm/s", {"a": (6.0, "um"), "t": (2.0, "ms")}, 3.0, "mm/s"),
        ("sqrt(${area})", "", {"area": (4.0, "mm^2")}, 2.0, "mm"),
        ("max(${a}, ${b})", "", {"a": (1.0, "mm"), "b": (1500, "um")}, 1500, "um"),
        ("mean(${a})", "um", {"a": ([1.0, 2.0], "mm")}, 1500, "um"),
        ("sin(${angle})", "", {"angle": (30.0, "deg")}, 0.5, ""),
        ("arctan(${a} / ${b})", "deg", {"a": (1.0, "mm"), "b": (1000, "um")}, 45.0, "deg"),
        ("number(${e}, 'eV') * 2", "", {"e": (12.0, "keV")}, 24000, ""),
        ("quantity(12.398, 'keV*angstrom') / ${e}", "nm", {"e": (12398.0, "eV")}, 0.1, "nm"),
        ("${t}", "K", {"t": (20.0, "degC")}, 293.15, "K"),
    ],
)
def test_units_are_computed_with(text, unit, operands, value, result_unit):
    result = compute(text, unit, **operands)
    assert result.value == pytest.approx(value)
    assert result.unit == result_unit
    assert not result.plain


@pytest.mark.parametrize(
    ("text", "unit", "operands", "value"),
    [
        ("12.398 / ${energy}", "angstrom", {"energy": (12.398, "keV")}, 1.0),
        ("${t} + 273.15", "K", {"t": (20.0, "degC")}, 293.15),
        ("(${gap} - 5.2) * 3", "mm", {"gap": (7.2, "mm")}, 6.0),
        ("${theta} - 90", "deg", {"theta": (30.0, "deg")}, -60.0),
        ("12.398 / (2 * ${d} * sin(${theta}))", "keV", {"d": (1.0, "angstrom"), "theta": (30.0, "deg")}, 12.398),
    ],
)
def test_constants_without_a_unit_make_plain_numbers_of_the_operands(text, unit, operands, value):
    result = compute(text, unit, **operands)
    assert result.value == pytest.approx(value)
    assert result.unit == unit
    assert result.plain


@pytest.mark.parametrize(
    ("text", "unit", "operands", "words"),
    [
        ("${a} + ${b}", "mm", {"a": (1.0, "mm"), "b": (1.0, "keV")}, "units do not fit"),
        ("${a} + 1", "", {"a": (1.0, "mm")}, "name the result's unit"),
        ("${a} / ${b} + 2", "mm", {"a": (1.0, "mm"), "b": (1.0, "um")}, "mix mm and um"),
        ("${a}", "keV", {"a": (1.0, "mm")}, "it gives mm and not keV"),
        ("quantity(1, 'blah')", "", {}, "'blah' is not a known unit"),
    ],
)
def test_units_that_do_not_work_out_give_a_reason_and_no_number(text, unit, operands, words):
    with pytest.raises(ExpressionError, match=words):
        compute(text, unit, **operands)


def test_a_number_without_dimension_is_in_the_unit_that_is_named():
    assert compute("100 * ${a} / ${b}", "percent", a=(1.0, "mm"), b=(4.0, "mm")) == Result(25.0, "percent")
    assert compute("100 * ${a} / ${b}", "percent", a=1.0, b=4.0) == Result(25.0, "percent")


def test_conditions_and_comparisons():
    text = "'open' if ${current} > 10 else 'shut'"
    assert compute(text, current=(20.0, "mA")).value == "open"
    assert compute(text, current=5).value == "shut"
    assert compute("${a} == ${b}", a=(1.0, "mm"), b=(1000.0, "um")).value
    assert not compute("${a} and not ${b}", a=True, b=True).value
    with pytest.raises(ExpressionError, match="compares"):
        compute("${a} == ${b}", a=(1.0, "mm"), b=(1.0, "keV"))


def test_texts_that_are_numbers_compute_as_such():
    assert compute("${tomo_n} * 2", tomo_n="1500").value == 3000
    assert compute("${material} == 'gold'", material="gold").value
    with pytest.raises(ExpressionError, match="'gold' is a text"):
        compute("${material} * 2", material="gold")


def test_arrays_are_computed_element_by_element_and_can_be_picked_from():
    result = compute("(${angles} - 1) / 2", angles=[1.0, 3.0])
    assert result.value.tolist() == [0.0, 1.0]
    assert compute("${positions}[1]", positions=([1.0, 2.0], "mm")) == Result(2.0, "mm")
    assert compute("sum(where(${v} > 2, 1, 0))", v=[1, 3, 5]).value == 2


@pytest.mark.parametrize("value", [np.uint16(65535), np.int32(2**31 - 1), np.int64(2**53), np.uint8(255)])
def test_small_integers_do_not_overflow(value):
    assert compute("${n} + 1", n=value).value == int(value) + 1


@pytest.mark.parametrize(
    ("text", "operands"),
    [
        ("1 / ${z}", {"z": 0}),
        ("1 / ${z}", {"z": [0.0, 1.0]}),
        ("log(${z})", {"z": 0.0}),
        ("sqrt(${z})", {"z": -1.0}),
        ("${z} ** 999", {"z": 1e99}),
        ("${z}[9]", {"z": [1.0]}),
        ("${z} ** 2000", {"z": 2.0}),
        ("9 ** 9 ** 9", {}),
    ],
)
def test_what_has_no_value_gives_a_reason_and_no_number(text, operands):
    with pytest.raises(ExpressionError):
        compute(text, **operands)


def test_nan_goes_through():
    assert np.isnan(compute("${a} * 2", a=np.nan).value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 +",
        "a = 1",
        "${a} +* 2",
        "__import__('os').system('true')",
        "(1).__class__",
        "${a}.real",
        "[x for x in (1, 2)]",
        "lambda: 1",
        "f'{1}'",
        "open('/etc/passwd')",
        "unknown + 1",
        "number(quantity=1)",
        "(" * 300 + "1" + ")" * 300,
        "1 + " * 900 + "1",
        "${a} @ ${b}",
        "1 << 9",
        "(yield)",
        "(a := 1)",
        "1; 2",
        "\0",
    ],
)
def test_what_is_no_formula_is_refused_when_it_is_read(text):
    with pytest.raises(ExpressionError):
        parse_expression(text)


@given(st.text(max_size=60))
def test_any_text_is_a_formula_or_is_refused(text):
    try:
        parse_expression(text)
    except ExpressionError as error:
        assert str(error)  # noqa: PT017 - the reason is the point


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.floats(-1e6, 1e6))
def test_sums_are_those_of_python(a, b):
    assert compute("${a} + ${b} * 2", a=a, b=b).value == a + b * 2


def test_a_missing_operand_is_a_key_error():
    with pytest.raises(KeyError):
        parse_expression("${a}").evaluate({})


UNIT = st.sampled_from(
    ("V", "mVolts", "°C", "degF", "dBm", "%", "cps", "kG", "eV", "steps", "eV9^9", "Mm", "")
) | st.text(max_size=6)
FORMULAS = (
    "${a} + ${b}",
    "12.4 / ${a}",
    "sqrt(${a})",
    "sin(${a})",
    "${a} ** 2",
    "${a} > ${b}",
    "where(${a} > 1, 1, ${b})",
)


@given(st.sampled_from(FORMULAS), UNIT, UNIT, UNIT, st.sampled_from((0.0, -1.5, 1e308, float("nan"))))
def test_a_formula_fails_for_no_other_reason_than_its_own_whatever_the_units(text, one, other, unit, number):
    with contextlib.suppress(ExpressionError):
        assert compute(text, unit, a=(number, one), b=(2.0, other)).value.shape == ()


def test_units_of_devices_are_understood_in_formulas_however_they_are_spelled():
    assert compute("${a} + ${b}", "V", a=(1.0, "Volts"), b=(500.0, "mVolt")).value == pytest.approx(1.5)
    assert compute("number(${a}, 'Degrees') / 2", "", a=(90.0, "º")).value == pytest.approx(45)


@pytest.mark.parametrize(
    ("formula", "remedy", "mended"),
    [
        ("${a} ^ 2", "a power is written **", "${a} ** 2"),
        ("{a} * 2", "write ${a}", "${a} * 2"),
        ("2 + {{a}}", "write ${a}", "2 + ${a}"),
        ("$a * 2", "write it as ${a}", "${a} * 2"),
        ("2 * ${a", "write it as ${a}", "2 * ${a}"),
        ("${a} × 2", "write *", "${a} * 2"),  # noqa: RUF001 - a sign of formulas on paper
        ("${a}²", "write **2", "${a}**2"),
        ("12,398 / ${a}", "write the decimal point as .", "12.398 / ${a}"),
        ("2 ${a}", "write * between them", "2 * ${a}"),
        ("${a} = 2", "== to compare", "${a} == 2"),
        ("(${a} + 1", "write ) where it lacks", "(${a} + 1)"),
        ("${a} − 1", "write -", "${a} - 1"),  # noqa: RUF001 - the minus sign of print
    ],
)
def test_a_slip_in_a_formula_is_told_with_a_remedy_that_helps(formula: str, remedy: str, mended: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(formula)
    assert remedy in caught.value.remedy
    parse_expression(mended)
