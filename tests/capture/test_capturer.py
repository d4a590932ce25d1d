from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import tango
from fake_clock import FakeClock
from fake_source import KEY, FakeConnection, FakeKind, FakeSource

from nxscribe.capture import Capturer, SourceReader
from nxscribe.model import Definition, Field, Group, Phase, Quality, Reading, Snapshot, Template, now
from nxscribe.plan import CapturePlan, Source, compile_plan
from nxscribe.sources import ExpressionSource, LiteralSource, Origin, ParameterSource, PropertySource, TangoSource


@pytest.fixture(scope="module")
def everything(serve_module) -> str:
    return serve_module("everything").device


@pytest.fixture(scope="module")
def _devices(serve_module) -> Iterator[str]:
    return iter(serve_module("faulty", 8).devices)


@pytest.fixture
def device(_devices: Iterator[str]) -> str:
    return next(_devices)


@pytest.fixture
def capture(reader) -> Callable[..., Snapshot]:
    capturer = Capturer(reader.reader)

    def capture(plan: CapturePlan, phase: Phase = Phase.INITIAL, **options: object) -> Snapshot:
        defaults: dict = {"given": {}, "had": {}, "deadline_s": 2.0}
        return capturer.capture(plan, phase, **{**defaults, **options})

    return capture


def attributes(*names: str) -> TangoSource:
    return TangoSource(names)


def plan_of(_fields: dict[str, Field] | None = None, **sources: Origin | Source) -> CapturePlan:
    """A plan with one field for each source, of the same name."""
    fields = [
        (_fields or {}).get(name, Field(name, Template(f"${{{name}}}"), "NX_ANY"))
        for name in {**sources, **(_fields or {})}
    ]
    definition = Definition("any", Group("${entry}", "NXentry", tuple(fields)), "0" * 64)
    offered = {name: source if isinstance(source, Source) else Source(source) for name, source in sources.items()}
    return compile_plan(definition, offered)[0]


def parameter(value: object) -> Reading:
    return Reading("parameter", now(), np.asarray(value))


def test_a_snapshot_says_its_phase_when_it_began_and_how_long_it_took(capture, everything):
    before = now()
    snapshot = capture(plan_of(energy=attributes(f"{everything}/energy")))
    assert snapshot.phase is Phase.INITIAL
    assert before <= snapshot.started <= now()
    assert 0 < snapshot.duration_s < 2
    assert snapshot.readings["energy"].value == 12.5
    assert snapshot.readings["energy"].unit == "keV"


def test_the_time_and_the_duration_of_a_snapshot_are_those_of_the_clock():
    clock = FakeClock()
    connection = FakeConnection(clock, latencies={"a": 0.25})
    with SourceReader(kinds={KEY: FakeKind(one=connection)}, clock=clock.monotonic) as reader:
        began = clock.now()
        plan = plan_of({"none": Field("none", Template("${none}"))}, a=FakeSource("one/a"))
        snapshot = Capturer(reader, clock).capture(plan, Phase.INITIAL, given={}, had={}, deadline_s=2.0)
    assert snapshot.started == began
    assert snapshot.duration_s == pytest.approx(0.25)
    assert snapshot.readings["a"].ok
    assert snapshot.readings["none"].time == clock.now()


def test_what_is_given_wins_and_is_not_read(capture, device):
    tango.DeviceProxy(device).delay = 1.0
    plan = plan_of(slow=attributes(f"{device}/slow"))
    snapshot = capture(plan, given={"slow": parameter(7)})
    assert snapshot.readings["slow"].value == 7
    assert snapshot.readings["slow"].source == "parameter"
    assert snapshot.duration_s < 0.2


def test_literals_parameters_and_properties(capture, everything):
    tango.DeviceProxy(everything).put_property({"Serial": "SN 7"})
    plan = plan_of(
        facility=LiteralSource("ESRF"),
        distances=LiteralSource((1, 2.5)),
        x=ParameterSource("X"),
        y=ParameterSource("Y"),
        serial=PropertySource(f"{everything}/Serial"),
    )
    readings = capture(plan, given={"X": parameter(3)}).readings
    assert readings["facility"].value == "ESRF"
    assert readings["facility"].source == "literal"
    assert readings["distances"].value.tolist() == [1.0, 2.5]
    assert readings["x"].value == 3
    assert readings["serial"].value == "SN 7"
    assert "did not set the parameter Y" in readings["y"].error


def test_a_placeholder_that_nothing_fills_says_so(capture):
    field = Field("tomo_n", Template("${tomo_n}"))
    assert "no source in the config" in capture(plan_of({"tomo_n": field})).readings["tomo_n"].error


def test_the_sources_unit_goes_before_the_devices(capture, everything):
    plan = plan_of(energy=Source(attributes(f"{everything}/energy"), unit="eV"))
    assert capture(plan).readings["energy"].unit == "eV"


def test_a_default_is_taken_and_said_to_be_one(capture, everything):
    broken = attributes(f"{everything}/throwing")
    of_field = Field("b", Template("${b}"), default="from the definition")
    both = Field("c", Template("${c}"), default="not this one")
    plan = plan_of(
        {"b": of_field, "c": both}, a=Source(broken, default="5", unit="mm"), b=broken, c=Source(broken, default="this")
    )
    readings = capture(plan).readings
    assert [readings[name].value.item() for name in "abc"] == ["5", "from the definition", "this"]
    assert {reading.source for reading in readings.values()} == {"default"}
    assert readings["a"].unit == "mm"


def test_a_default_taken_at_the_start_is_asked_for_again_at_the_end(capture, everything):
    broken = capture(plan_of(a=Source(attributes(f"{everything}/throwing"), default="5")))
    plan = plan_of(a=Source(attributes(f"{everything}/energy"), default="5"))
    final = capture(plan, Phase.FINAL, had=broken.readings)
    assert final.readings["a"].value == 12.5
    assert capture(plan, Phase.FINAL, had=final.readings).readings == {}


def test_what_was_computed_from_a_default_says_so_and_is_computed_again_at_the_end(capture, everything):
    def plan(attribute: str) -> CapturePlan:
        energy = Source(attributes(f"{everything}/{attribute}"), unit="keV", default="10")
        definition = Definition("any", Group("${entry}", "NXentry", (Field("e", Template("${double}")),)), "0" * 64)
        sources = {
            "energy": energy,
            "two": Source(ExpressionSource("${energy} * 2")),
            "double": Source(ExpressionSource("${two} + 0 * ${fine}")),
            "fine": Source(LiteralSource(1)),
        }
        return compile_plan(definition, sources)[0]

    started = capture(plan("throwing")).readings
    assert started["double"].value == 20
    assert started["double"].is_default
    assert started["double"].details == {"defaulted": "two"}
    ended = capture(plan("energy"), Phase.FINAL, had=started).readings
    assert ended["double"].value == 25
    assert not ended["double"].is_default
    assert capture(plan("energy"), Phase.FINAL, had=ended).readings == {}


def test_a_list_of_numbers_is_an_array_in_one_unit(capture, everything):
    names = [f"{everything}/{name}" for name in ("energy", "scalar_DevShort")]
    reading = capture(plan_of(several=TangoSource(tuple(names), is_list=True))).readings["several"]
    assert reading.value.tolist() == [12.5, -12345]
    assert reading.unit == ""  # keV and none
    assert reading.source.count(everything) == 2


def test_a_list_of_one_is_an_array_of_one(capture, everything):
    source = TangoSource((f"{everything}/energy",), is_list=True)
    reading = capture(plan_of(one=source)).readings["one"]
    assert reading.value.tolist() == [12.5]
    assert reading.unit == "keV"


def test_a_list_of_numbers_and_texts_is_one_of_texts(capture, everything):
    names = tuple(f"{everything}/{name}" for name in ("text_plain", "scalar_DevShort", "mode"))
    assert capture(plan_of(a=TangoSource(names, is_list=True))).readings["a"].value.tolist() == [
        "gold",
        "-12345",
        "AUTOMATIC",
    ]


def test_a_list_of_enumerations_has_the_numbers_of_all_in_order(capture, everything):
    def numbers(*names: str) -> object:
        source = TangoSource(tuple(f"{everything}/{name}" for name in names), is_list=True)
        return capture(plan_of(a=source)).readings["a"].details.get("enum_value")

    assert numbers("mode", "mode") == [1, 1]
    assert numbers("spectrum_DevEnum", "spectrum_DevEnum") == [2, 0, 2, 0]
    assert numbers("image_DevEnum", "image_DevEnum") == [2, 0, 2, 0]
    assert numbers("mode", "text_plain") is None


def test_a_list_without_one_of_its_members_is_missing_with_that_ones_reason(capture, everything):
    names = tuple(f"{everything}/{name}" for name in ("energy", "throwing"))
    reading = capture(plan_of(a=TangoSource(names, is_list=True))).readings["a"]
    assert not reading.ok
    assert "throwing" in reading.error
    assert "the crate is off" in reading.error


def test_a_list_of_different_shapes_is_missing_with_the_reason(capture, everything):
    names = tuple(f"{everything}/{name}" for name in ("energy", "spectrum_DevDouble"))
    assert "no common shape" in capture(plan_of(a=TangoSource(names, is_list=True))).readings["a"].error


def test_a_list_has_the_worst_quality(capture, everything):
    names = tuple(f"{everything}/quality_{name}" for name in ("valid", "alarm", "changing"))
    assert capture(plan_of(a=TangoSource(names, is_list=True))).readings["a"].quality is Quality.ALARM


def test_formulas_are_computed_in_the_order_of_their_needs(capture, everything):
    plan = plan_of(
        a_third=ExpressionSource("${b_second} * 2"),
        b_second=Source(ExpressionSource("12.5 / ${energy}"), unit="angstrom"),
        energy=attributes(f"{everything}/energy"),
    )
    readings = capture(plan).readings
    assert readings["a_third"].value == 2.0
    assert readings["a_third"].unit == "angstrom"
    assert readings["b_second"].value == 1.0
    assert readings["b_second"].unit == "angstrom"
    assert readings["b_second"].source == "expression 12.5 / ${energy} (energy in keV)"
    assert readings["b_second"].time == readings["energy"].time


def test_a_missing_operand_makes_a_missing_value_with_its_reason(capture, everything):
    plan = plan_of(
        derived=ExpressionSource("${broken} + 1"),
        further=ExpressionSource("${derived} + 1"),
        broken=attributes(f"{everything}/throwing"),
    )
    readings = capture(plan).readings
    for name in ("derived", "further"):
        assert not readings[name].ok
        assert "the crate is off" in readings[name].error


def test_a_long_chain_of_formulas_says_once_what_it_lacks_at_its_end(capture, everything):
    last = 300
    chain = {f"f{number}": ExpressionSource(f"${{f{number + 1}}} + 1") for number in range(last)}
    readings = capture(plan_of(**chain, **{f"f{last}": attributes(f"{everything}/throwing")})).readings
    assert "its operand ${f1} has no value, for ${f300} has no value" in readings["f0"].error
    assert "the crate is off" in readings["f0"].error
    assert len(readings["f0"].error) < 2 * len(readings["f298"].error)
    readings = capture(plan_of(**chain, **{f"f{last}": LiteralSource(1)})).readings
    assert readings["f0"].value == 1 + last


def test_a_formula_uses_what_the_control_system_set_and_what_the_start_had(capture, everything):
    early = Field("early", Template("${early}"), record=Phase.INITIAL)
    late = Field("late", Template("${late}"), record=Phase.FINAL)
    plan = plan_of(
        {"early": early, "late": late},
        early=attributes(f"{everything}/scalar_DevShort"),
        late=ExpressionSource("${early} + ${tomo_n}"),
    )
    had = {"early": parameter(40)}
    readings = capture(plan, Phase.FINAL, given={"tomo_n": parameter("2")}, had=had).readings
    assert readings["late"].value == 42
    assert "early" not in readings


def test_a_formulas_quality_is_its_operands_worst(capture, everything):
    plan = plan_of(
        a=attributes(f"{everything}/quality_warning"),
        b=attributes(f"{everything}/energy"),
        c=ExpressionSource("number(${a}, '') * number(${b}, 'keV')"),
    )
    assert capture(plan).readings["c"].quality is Quality.WARNING


def test_what_came_too_late_for_the_start_is_used_at_the_end_with_its_own_time(capture, device, reader):
    tango.DeviceProxy(device).delay = 0.6
    plan = plan_of(slow=attributes(f"{device}/slow"), healthy=attributes(f"{device}/healthy"))
    start = capture(plan, deadline_s=0.3)
    assert not start.readings["slow"].ok
    until = time.monotonic() + 10
    while reader.troubles:
        assert time.monotonic() < until
        time.sleep(0.02)
    before = now()
    end = capture(plan, Phase.FINAL, had=start.readings, deadline_s=0.3)
    assert end.readings["slow"].value == 4.0
    assert start.started < end.readings["slow"].time < before
    # But it is of that scan alone: the next one begins anew.
    assert not capture(plan, deadline_s=0.3).readings["slow"].ok


def test_a_sources_timeout_is_its_own(capture, device):
    tango.DeviceProxy(device).delay = 0.6
    plan = plan_of(slow=Source(attributes(f"{device}/slow"), timeout_s=0.1), healthy=attributes(f"{device}/healthy"))
    snapshot = capture(plan)
    assert snapshot.duration_s < 0.4
    assert snapshot.readings["healthy"].ok
    assert not snapshot.readings["slow"].ok


def test_stop_ends_a_capture_at_once(capture, device):
    tango.DeviceProxy(device).delay = 2.0
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    plan = plan_of(slow=attributes(f"{device}/slow"), facility=LiteralSource("ESRF"))
    snapshot = capture(plan, deadline_s=10, stop=stop)
    assert snapshot.duration_s < 0.3
    assert snapshot.readings["facility"].ok
    assert not snapshot.readings["slow"].ok
