"""Compiling a definition and its sources: phases, needs, and everything that can be told before a scan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nxscribe.errors import InputError, Location, Severity
from nxscribe.model import Attribute, Definition, Field, Group, Node, Phase, Snapshot, Template
from nxscribe.plan import BUILT_IN, LimaDetector, Source, compile_plan
from nxscribe.records import DefinitionText, EndReason, Record, ScanIdentity, built_in
from nxscribe.sources import ExpressionSource, Item, LiteralSource, TangoSource

PCO = LimaDetector("pco", "id16a/limaccds/pco", "instrument/detector01")


def tango(attribute: str = "a/b/c/d", **rules: object) -> Source:
    return Source(TangoSource((attribute,)), **rules)  # type: ignore[arg-type]  # the rules of Source, by name


def formula(text: str, line: int = 1) -> Source:
    return Source(ExpressionSource(text), location=Location("config.yaml", line, 3))


def asked(name: str, text: str | None = None, *, line: int = 1, type_: str = "NX_CHAR", **rest: object) -> Field:
    template = Template(f"${{{name}}}" if text is None else text)
    return Field(name, template, type_, location=Location("tomo.xml", line, 5), **rest)  # type: ignore[arg-type]


def definition(*children: Node, attributes: tuple[Attribute, ...] = ()) -> Definition:
    return Definition("tomo", Group("${entry}", "NXentry", children, attributes), "0" * 64)


def errors_of(call: Callable[[], object]) -> list[str]:
    with pytest.raises(InputError) as raised:
        call()
    return [str(problem) for problem in raised.value.problems if problem.severity is Severity.ERROR]


def test_each_phase_reads_what_its_fields_ask_for() -> None:
    plan, warnings = compile_plan(
        definition(
            asked("before", record=Phase.INITIAL), asked("after", record=Phase.FINAL), asked("any"), asked("other")
        ),
        {name: tango() for name in ("before", "after", "any", "other")},
    )
    assert plan.wanted(Phase.INITIAL) == {"before", "any", "other"}
    assert plan.wanted(Phase.FINAL, had={"before", "any"}) == {"after", "other"}
    assert warnings == ()


def test_a_placeholder_of_both_phases_is_read_twice() -> None:
    i0 = [Field("i0", Template("${i0}"), record=phase) for phase in Phase]
    plan, _ = compile_plan(definition(*i0), {"i0": tango()})
    assert plan.wanted(Phase.INITIAL) == {"i0"}
    assert plan.wanted(Phase.FINAL, had={"i0"}) == {"i0"}


def test_every_placeholder_of_a_text_and_of_attributes_is_read() -> None:
    plan, _ = compile_plan(
        definition(
            asked("title", "${a} - ${b.c}"),
            Field("x", Template("1"), attributes=(Attribute("offset", Template("${d}")),)),
            attributes=(Attribute("version", Template("${e}")),),
        ),
        {name: tango() for name in ("a", "b.c", "d", "e", "unused")},
    )
    assert plan.wanted(Phase.INITIAL) == {"a", "b.c", "d", "e"}
    assert set(plan.sources) == {"a", "b.c", "d", "e"}


def test_an_attribute_is_read_in_its_fields_phase() -> None:
    field = asked("x", "1", record=Phase.FINAL, attributes=(Attribute("offset", Template("${d}")),))
    plan, _ = compile_plan(definition(field), {"d": tango()})
    assert plan.wanted(Phase.INITIAL) == set()
    assert plan.wanted(Phase.FINAL) == {"d"}


def test_expressions_bring_their_operands_however_indirect() -> None:
    plan, _ = compile_plan(
        definition(asked("wavelength", record=Phase.FINAL)),
        {"wavelength": formula("12.398 / ${keV}"), "keV": formula("${eV} / 1000"), "eV": tango("mono/energy/a/b")},
    )
    assert plan.wanted(Phase.INITIAL) == set()
    assert plan.wanted(Phase.FINAL) == {"wavelength", "keV", "eV"}
    assert {item.name for item in plan.items} == {"mono/energy/a/b"}


def test_a_final_expression_reads_its_operand_afresh_unless_that_is_of_the_start_alone() -> None:
    plan, _ = compile_plan(
        definition(asked("loss", record=Phase.FINAL), asked("start", record=Phase.INITIAL), asked("gain")),
        {"loss": formula("${start} - ${gain}"), "start": tango(), "gain": tango("a/b/c/e")},
    )
    assert plan.wanted(Phase.FINAL, had={"start", "gain"}) == {"loss", "gain"}
    assert plan.wanted(Phase.FINAL, had=()) == {"loss", "gain", "start"}


def test_expressions_that_need_each_other_are_told_with_all_places() -> None:
    errors = errors_of(
        lambda: compile_plan(
            definition(asked("a")), {"a": formula("${b}", 3), "b": formula("${c}", 4), "c": formula("${a}", 5)}
        )
    )
    assert len(errors) == 1
    assert errors[0].startswith("config.yaml:3:3: error: expressions need each other in a circle: ")
    assert "config.yaml:4:3, config.yaml:5:3" in errors[0]


@pytest.mark.parametrize("text", ["12.398 /", "__import__('os')", "energy * 2", "${energy} if"])
def test_an_expression_that_is_no_formula_is_an_error_where_it_stands(text: str) -> None:
    sources = {"w": formula(text, 6), "energy": tango()}
    errors = errors_of(lambda: compile_plan(definition(asked("w"), asked("energy")), sources))
    assert len(errors) == 1
    assert errors[0].startswith(f"config.yaml:6:3: error: the expression of ${{w}}, {text}, cannot be computed; ")


@pytest.mark.parametrize(
    ("text", "unit", "wrong"),
    [
        ("12.398 / ${energy}", "angstrom", False),
        ("12.398 / ${energy}", "", False),  # in 1/keV
        ("${energy} + ${gap}", "", True),
        ("${energy} - ${gap} / ${gap}", "", True),
        ("${gap}", "angstrom", False),
        ("${energy}", "angstrom", True),
        ("1 / (${gap} - ${gap})", "1/mm", False),  # that depends on the numbers, which nobody knows yet
        ("${energy} + ${number}", "keV", False),  # the number's unit is the device's to tell
    ],
)
def test_units_that_cannot_work_out_are_told_before_a_scan(text: str, unit: str, wrong: object) -> None:
    known = {"energy": tango(unit="keV"), "gap": tango(unit="mm"), "number": tango("a/b/c/e")}
    source = Source(ExpressionSource(text), unit=unit, location=Location("config.yaml", 6, 3))
    fields = definition(asked("w"), *(asked(name) for name in known))
    if not wrong:
        compile_plan(fields, {"w": source, **known})
        return
    [error] = errors_of(lambda: compile_plan(fields, {"w": source, **known}))
    assert error.startswith("config.yaml:6:3: error: the expression of ${w}, ")
    assert error.endswith("; correct the formula, or the unit of the result or of an operand")


def test_two_separate_circles_are_both_told() -> None:
    sources = {"a": formula("${b}"), "b": formula("${a}"), "c": formula("${c}")}
    assert len(errors_of(lambda: compile_plan(definition(asked("a")), sources))) == 2


def test_circles_that_have_a_part_in_common_are_all_broken() -> None:
    sources = {"a": formula("${b} + ${c}"), "b": formula("${a}"), "c": formula("${a} + ${d}"), "d": formula("${c}")}
    errors = errors_of(lambda: compile_plan(definition(asked("a")), sources))
    assert len(errors) == 2
    assert all("in a circle" in error for error in errors)


def test_a_circle_of_thousands_is_told_in_one_line() -> None:
    sources = {f"f{number}": formula(f"${{f{(number + 1) % 3000}}}") for number in range(3000)}
    [error] = errors_of(lambda: compile_plan(definition(asked("f0")), sources))
    assert "more ← ${" in error
    assert len(error) < 2000


def test_a_chain_of_thousands_of_formulas_is_as_good_as_a_short_one() -> None:
    last = 5000
    sources = {f"f{number}": formula(f"${{f{number + 1}}} + 1", number + 1) for number in range(last)}
    fields = definition(asked("f0", mandatory=True, type_="NX_FLOAT"))
    plan, warnings = compile_plan(fields, {**sources, f"f{last}": tango()})
    assert warnings == ()
    assert plan.wanted(Phase.INITIAL) == {*sources, f"f{last}"}
    assert list(plan.operands) == [f"f{number}" for number in reversed(range(last))]
    [error] = errors_of(lambda: compile_plan(fields, sources))
    assert error.startswith(f"config.yaml:{last}:3: error: the expression of ${{f{last - 1}}} needs ${{f{last}}}")
    assert "the mandatory ${f0} can never have a value" in error


def test_the_end_is_missed_at_the_start_through_a_chain_of_formulas() -> None:
    last = 2000
    sources = {f"f{number}": formula(f"${{f{number + 1}}}") for number in range(last)}
    sources[f"f{last}"] = formula("number(${endDate})")
    [error] = errors_of(lambda: compile_plan(definition(asked("f0", record=Phase.INITIAL)), sources))
    assert "the formula of ${f0} needs ${endDate}" in error


def test_a_detector_adds_its_saving_attributes_to_both_phases() -> None:
    plan, warnings = compile_plan(definition(), {}, {"pco": PCO})
    assert "pco.saving_directory" in plan.wanted(Phase.INITIAL)
    assert "pco.saving_next_number" in plan.wanted(Phase.FINAL, had=plan.wanted(Phase.INITIAL))
    assert Item("tango", "id16a/limaccds/pco/saving_prefix") in plan.items
    assert warnings == ()


@pytest.mark.parametrize(
    ("device", "prefix"),
    [
        ("pilatus", "pilatus/saving_prefix"),
        ("//orion:10000/id16a/limaccds/pco", "//orion:10000/id16a/limaccds/pco/saving_prefix"),
        ("a:1,b:2/id16a/limaccds/pco", "a:1,b:2/id16a/limaccds/pco/saving_prefix"),
        ("orion:10000/id16a/limaccds/pco#dbase=no", "orion:10000/id16a/limaccds/pco/saving_prefix#dbase=no"),
    ],
)
def test_a_detectors_device_may_be_written_in_each_form_that_tango_knows(device: str, prefix: str) -> None:
    plan, _ = compile_plan(definition(), {}, {"pco": replace(PCO, device=device)})
    assert Item("tango", prefix) in plan.items


def test_built_in_placeholders_need_no_source_and_are_not_read() -> None:
    plan, warnings = compile_plan(definition(*(asked(name, mandatory=True) for name in sorted(BUILT_IN))), {})
    assert plan.wanted(Phase.INITIAL) == plan.wanted(Phase.FINAL) == set()
    assert plan.mandatory == set()
    assert warnings == ()


def test_a_source_takes_the_place_of_a_built_in_placeholder() -> None:
    plan, _ = compile_plan(definition(asked("sampleName")), {"sampleName": tango()})
    assert plan.wanted(Phase.INITIAL) == {"sampleName"}


def test_built_in_names_are_those_that_the_record_fills() -> None:
    time = datetime(2026, 3, 1, tzinfo=UTC)
    record = Record(
        id="x",
        identity=ScanIdentity("id16a", "ma2210", "s", "scan", "tomo"),
        number=1,
        session="a/b/c",
        master="m.h5",
        directory="/d",
        definition=DefinitionText("tomo", "", ""),
        start_time=time,
        initial=Snapshot(Phase.INITIAL, time, 0.0),
        end_time=time,
        end_reason=EndReason.FINISHED,
    )
    assert built_in(record).keys() == BUILT_IN


def test_a_placeholder_without_source_is_a_warning_at_its_line() -> None:
    plan, warnings = compile_plan(definition(asked("humidity", line=7)), {})
    assert [str(warning).split("; ") for warning in warnings] == [
        [
            "tomo.xml:7:5: warning: the placeholder ${humidity} of /humidity has no source",
            "only the control system can set it",
            "give it a source in the config, or list it there under `parameters`",
        ]
    ]
    assert plan.wanted(Phase.INITIAL) == {"humidity"}


def test_a_misspelt_placeholder_gets_a_suggestion() -> None:
    _, warnings = compile_plan(definition(asked("wavelenght")), {"wavelength": tango()})
    assert "did you mean ${wavelength}?" in str(warnings[0])


def test_detectors_of_another_number_are_no_misspelling() -> None:
    _, warnings = compile_plan(definition(asked("Detector02_name")), {"Detector01_name": tango()})
    assert "did you mean" not in str(warnings[0])


@pytest.mark.parametrize("pattern", ["TOMO_n", "TOMO_*", "*"])
def test_listed_parameters_are_missed_by_nobody(pattern: str) -> None:
    _, warnings = compile_plan(definition(asked("TOMO_n", mandatory=True)), {}, parameters=[pattern])
    assert warnings == ()


def test_a_mandatory_field_that_nothing_can_fill_is_an_error() -> None:
    errors = errors_of(lambda: compile_plan(definition(asked("dose", mandatory=True)), {}))
    assert len(errors) == 1
    assert "the mandatory placeholder ${dose} of /dose has no source" in errors[0]


def test_a_mandatory_field_without_a_text_is_an_error() -> None:
    [error] = errors_of(lambda: compile_plan(definition(asked("dose", "", mandatory=True)), {}))
    assert "tomo.xml:1:5: error: the mandatory /dose can never have a value" in error


def test_an_operand_that_nothing_can_fill_is_an_error_where_a_mandatory_value_needs_it() -> None:
    sources = {"w": formula("2 * ${v}"), "v": formula("1 / ${gone}", 9)}
    [error] = errors_of(lambda: compile_plan(definition(asked("w", mandatory=True)), sources))
    assert error.startswith(
        "config.yaml:9:3: error: the expression of ${v} needs ${gone}, which has no source; the man"
    )
    sources["v"] = replace(sources["v"], default="1")
    compile_plan(definition(asked("w", mandatory=True)), sources)


def test_a_formula_of_the_start_cannot_have_what_is_known_at_the_end_only() -> None:
    at_start = definition(asked("w", record=Phase.INITIAL))
    [error] = errors_of(lambda: compile_plan(at_start, {"w": formula("${v}"), "v": formula("number(${endDate})")}))
    assert error.startswith(
        "tomo.xml:1:5: error: /w is recorded at the start, but the formula of ${w} needs ${endDate}"
    )
    compile_plan(definition(asked("w", record=Phase.FINAL)), {"w": formula("number(${endDate})")})


def test_the_end_recorded_at_the_start_is_told() -> None:
    _, [warning] = compile_plan(definition(asked("endDate", record=Phase.INITIAL)), {})
    assert "/endDate is recorded at the start, but ${endDate} is known at the end only" in warning.what


def test_values_of_the_config_that_are_none_of_the_fields_type_are_errors() -> None:
    def errors(type_: str, value: object) -> list[str]:
        source = Source(LiteralSource(value))  # type: ignore[arg-type]  # of any kind
        return errors_of(lambda: compile_plan(definition(asked("a", type_=type_)), {"a": source}))

    assert "'soon'; that is not a time" in errors("NX_DATE_TIME", "soon")[0]
    assert "gives 3; that is not a time" in errors("NX_DATE_TIME", 3)[0]
    assert "'maybe'; that is not a boolean" in errors("NX_BOOLEAN", "maybe")[0]
    assert "'1 x'; that is not a number" in errors("NX_FLOAT", "1 x")[0]


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("NX_DATE_TIME", "2026-03-01T12:00:00+01:00"),
        ("NX_BOOLEAN", "True"),
        ("NX_FLOAT", "1 2.5"),
        ("NX_INT", "1.5"),
        ("NX_CHAR", 3),
        ("NX_CHAR_OR_NUMBER", "any"),
    ],
)
def test_values_of_the_config_that_can_be_written_are_none(type_: str, value: str | int) -> None:
    compile_plan(definition(asked("a", type_=type_)), {"a": Source(LiteralSource(value))})


def test_a_default_fills_a_mandatory_field() -> None:
    plan, _ = compile_plan(definition(asked("dose", mandatory=True, default="0")), {})
    assert plan.defaults == {"dose": "0"}


def test_an_operand_without_source_is_told_at_the_expression() -> None:
    _, warnings = compile_plan(definition(asked("w")), {"w": formula("1 / ${enrgy}", 9), "energy": tango()})
    assert str(warnings[0]).startswith("config.yaml:9:3: warning: the expression of ${w} needs ${enrgy}")
    assert "did you mean ${energy}?" in str(warnings[0])


def test_an_operand_that_is_a_listed_parameter_is_missed_by_nobody() -> None:
    _, warnings = compile_plan(definition(asked("w")), {"w": formula("1 / ${TOMO_n}")}, parameters=["TOMO_*"])
    assert warnings == ()


def test_mandatory_values_are_due_in_their_phase() -> None:
    plan, _ = compile_plan(
        definition(
            asked("before", record=Phase.INITIAL, mandatory=True),
            asked("after", record=Phase.FINAL, mandatory=True),
            asked("any", mandatory=True),
            asked("set_later", mandatory=True),
            asked("of_config"),
        ),
        {
            "before": tango(),
            "after": tango(),
            "any": tango(),
            "of_config": tango(mandatory=True),
        },
        parameters=["set_later"],
    )
    assert plan.mandatory_in(Phase.INITIAL) == {"before", "any", "of_config"}
    assert plan.mandatory_in(Phase.FINAL) == {"after", "any", "set_later", "of_config"}


def test_a_unit_of_another_category_is_an_error() -> None:
    errors = errors_of(
        lambda: compile_plan(definition(asked("e", units="keV", unit_category="NX_LENGTH")), {"e": tango()})
    )
    assert errors[0].startswith("tomo.xml:1:5: error: /e has the unit 'keV', which is not of NX_LENGTH")


def test_a_source_in_another_dimension_is_an_error_that_names_both_places() -> None:
    source = tango(unit="keV", location=Location("config.yaml", 4, 3))
    errors = errors_of(lambda: compile_plan(definition(asked("e", units="mm")), {"e": source}))
    assert "/e is in 'mm', but the source of ${e} is in 'keV'" in errors[0]
    assert errors[0].endswith("(see also config.yaml:4:3)")


def test_a_source_of_another_category_is_an_error() -> None:
    errors = errors_of(
        lambda: compile_plan(definition(asked("e", unit_category="NX_LENGTH")), {"e": tango(unit="keV")})
    )
    assert "/e is of NX_LENGTH, but the source of ${e} is in 'keV'" in errors[0]


def test_a_source_that_converts_is_fine() -> None:
    _, warnings = compile_plan(
        definition(asked("gap", units="um", unit_category="NX_LENGTH")), {"gap": tango(unit="mm")}
    )
    assert warnings == ()


def test_an_unknown_unit_is_a_warning() -> None:
    _, warnings = compile_plan(definition(asked("gap", units="steps")), {"gap": tango(unit="mm")})
    assert "'steps', the unit of /gap, is not a known unit" in str(warnings[0])


@pytest.mark.parametrize("value", ["ESRF", ("1", "two")])
def test_a_text_for_a_number_is_an_error(value: str | tuple[str, ...]) -> None:
    errors = errors_of(
        lambda: compile_plan(definition(asked("n", type_="NX_FLOAT")), {"n": Source(LiteralSource(value))})
    )
    assert "/n is of type NX_FLOAT, but the source of ${n} gives" in errors[0]


def test_all_errors_come_at_once() -> None:
    broken = definition(
        asked("a", units="keV", unit_category="NX_LENGTH"), asked("b", mandatory=True), asked("c", type_="NX_INT")
    )
    assert len(errors_of(lambda: compile_plan(broken, {"a": tango(), "c": Source(LiteralSource("x"))}))) == 3
