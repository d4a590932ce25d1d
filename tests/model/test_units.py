"""Units: spelled as validators take them, compared by dimension, converted without noise."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxscribe.model import units
from nxscribe.model.nexus_types import UNIT_CATEGORIES


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("μm", "um"),  # U+03BC, the Greek letter
        ("µm", "um"),  # U+00B5, the micro sign
        ("micron", "um"),
        ("Å", "angstrom"),
        ("\u212b", "angstrom"),  # the angstrom sign
        ("Å²", "angstrom^2"),
        ("Angstrom", "angstrom"),
        ("electrons/Å²", "electrons/angstrom^2"),
        ("nm·rad", "nm*rad"),
        ("nm³", "nm^3"),
        ("s⁻¹", "s^-1"),
        ("m**2", "m^2"),
        ("°", "deg"),
        ("degrees", "deg"),
        ("°/s", "deg/s"),
        ("°C", "degC"),
        ("deg C", "degC"),
        ("Celsius", "degC"),
        ("kev", "keV"),
        ("KeV", "keV"),
        ("ph/s", "photons/s"),
        ("kΩ", "kohm"),
        ("No unit", ""),
        ("  mm ", "mm"),
        ("mm", "mm"),
        ("mA", "mA"),
        ("nA", "nA"),
        ("pH", "pH"),
        ("MeV", "MeV"),
        ("furlongs per fortnight or so", "furlongs per fortnight or so"),
        ("º", "deg"),  # U+00BA, which keyboards have
        ("º C", "degC"),
        ("deg. C", "degC"),
        ("\u2103/min", "degC/min"),
        ("°K", "K"),
        ("Δ°C", "K"),
        ("A\N{COMBINING RING ABOVE}", "angstrom"),  # one letter of two characters
        ("1/Ångström", "1/angstrom"),
        ("A°", "angstrom"),
        ("mTorr", "mtorr"),
        ("microTorr", "utorr"),
        ("mBar", "mbar"),
        ("KHZ", "kHz"),
        ("MHz", "MHz"),
        ("mVolts", "mV"),
        ("µAmps", "uA"),
        ("kG", "kgauss"),
        ("MOhm", "Mohm"),
        ("msec", "ms"),
        ("milliDegrees", "mdeg"),
        ("Kcps", "kcounts/s"),
        ("photons per second", "photons/s"),
        ("Percent", "%"),
        ("/s", "1/s"),
        ("mm\u00a0/\tsec\0", "mm/s"),
    ],
)
def test_spelling_is_what_validators_take(written: str, spelled: str) -> None:
    assert units.spelling(written) == spelled


@given(st.text(max_size=12))
def test_spelling_is_stable(text: str) -> None:
    assert units.spelling(units.spelling(text)) == units.spelling(text)


PIECES = (
    *(
        "Å",
        "ngström",
        "°",
        "º",
        "C",
        "deg",
        "mTorr",
        "µ",
        "M",
        "m",
        "k",
        "eV",
        "dBm",
        "cps",
        "ph",
        "Volts",
        "degC",
        "%",
    ),
    *("^", "*", "/", ".", "(", ")", "-1", "2", "²", " ", "per", "1e400", "\ud800", "\0", "?"),
)
UNITS = st.text(max_size=12) | st.lists(st.sampled_from(PIECES), max_size=5).map("".join)


@given(UNITS)
def test_a_unit_is_spelled_as_a_whole_or_stays_as_it_is_written(text: str) -> None:
    spelled = units.spelling(text)
    if spelled.isascii():
        assert units.spelling(spelled) == spelled
    else:
        assert spelled in (text, " ".join("".join(c if c.isprintable() else " " for c in text).split()))


@given(UNITS, UNITS)
def test_no_text_in_the_place_of_a_unit_raises(one: str, other: str) -> None:
    assert units.convertible(one, one)
    for category in UNIT_CATEGORIES:
        units.fits(one, category)
    if units.convertible(one, other):
        assert units.convert(np.array([1.5, 2.5]), one, other).shape == (2,)
    else:
        with pytest.raises(units.UnitError):
            units.convert(np.array(1.5), one, other)


@pytest.mark.parametrize("text", ["MM", "Mm", "MA", "MBAR", "Mvolts", "mhz", "MEV", "mpa", "PA", "KG", "C?", "µ m"])
def test_what_may_be_either_of_two_units_is_neither(text: str) -> None:
    assert units.spelling(text) == text
    assert not units.is_known(text)


def test_every_unit_of_the_esrf_definition_is_known() -> None:
    text = resources.files("icat_esrf_definitions").joinpath("hdf5_cfg.xml").read_text("utf-8")
    written = {node.get("units", "") for node in ET.fromstring(text).iter()}  # noqa: S314 - a file of a test dependency
    assert len(written) > 30
    assert [unit for unit in written if not units.is_known(unit)] == []


@pytest.mark.parametrize(
    "text",
    ["steps", "a.u.", "NX_LENGTH", "2theta", "1e3", "9^9^9^9", "m^9^9^9^9", "__import__('os')", "(" * 1000],
)
def test_what_is_no_unit_is_not_known(text: str) -> None:
    assert not units.is_known(text)


@pytest.mark.parametrize("text", ["m2", "s-1", "m.s-1", "m s-1", "1/s", "Gy/s/mA", "%", "1", "counts", ""])
def test_udunits_forms_are_known(text: str) -> None:
    assert units.is_known(text)


@pytest.mark.parametrize(
    ("unit", "category", "fitting"),
    [
        ("um", "NX_LENGTH", True),
        ("keV", "NX_LENGTH", False),
        ("deg", "NX_ANGLE", True),
        ("deg", "NX_COUNT", False),
        ("counts", "NX_ANGLE", False),
        ("nm·rad", "NX_EMITTANCE", True),
        ("photons/s", "NX_FLUX", True),
        ("mm", "NX_TRANSFORMATION", True),
        ("deg", "NX_TRANSFORMATION", True),
        ("s", "NX_TRANSFORMATION", False),
        ("anything", "NX_ANY", True),
        ("anything", "NX_NO_SUCH_CATEGORY", True),
        ("anything", "", True),
        ("anything", "NX_LENGTH", False),
        ("", "NX_LENGTH", True),
    ],
)
def test_unit_fits_its_category(unit: str, category: str, fitting: bool) -> None:  # noqa: FBT001
    assert units.fits(unit, category) is fitting


@pytest.mark.parametrize("category", sorted(UNIT_CATEGORIES - {"NX_ANY"}))
def test_every_category_of_nexus_has_its_dimension(category: str) -> None:
    assert not units.fits("mol/K", category)


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (np.array(7), "um", "mm", 0.007),
        (np.array(5), "mm", "um", 5000.0),
        (np.array(0.1), "mm", "μm", 100.0),
        (np.array(17.05), "keV", "eV", 17050.0),
        (np.array(200), "mA", "A", 0.2),
        (np.array(20.0), "°C", "K", 293.15),
        (np.array(0.0), "K", "degC", -273.15),
        (np.array(180.0), "deg", "rad", np.pi),
        (np.array(3.0), "h", "s", 10800.0),
        (np.array(1.0), "turn", "deg", 360.0),
        (np.array(25.0), "kG", "T", 2.5),
        (np.array(6.0), "°C/min", "K/s", 0.1),  # a difference: no zero of the scale
        (np.array(2.0), "J/degC", "J/K", 2.0),
        (np.array(3.0), "Kcps", "1/s", 3000.0),
    ],
)
def test_conversion_adds_no_noise(value: np.ndarray, unit: str, to: str, expected: float) -> None:
    result = units.convert(value, unit, to)
    assert result.shape == ()
    assert result.dtype == np.float64
    assert result == expected


def test_equal_spelling_leaves_the_value_untouched() -> None:
    for value in (np.array(5), np.array("text"), np.array([1, 2], "u1")):
        assert units.convert(value, "μm", "um") is value


def test_single_precision_stays_single() -> None:
    result = units.convert(np.full((2, 3), 0.1, "f4"), "mm", "um")
    assert result.dtype == np.float32
    assert result.tolist() == [[100.0] * 3] * 2


def test_nan_and_infinity_survive() -> None:
    result = units.convert(np.array([np.nan, np.inf]), "mm", "um")
    assert np.isnan(result[0])
    assert np.isposinf(result[1])


@given(
    st.floats(-1e12, 1e12), st.sampled_from([("mm", "um"), ("keV", "J"), ("deg", "rad"), ("degC", "K"), ("mbar", "Pa")])
)
def test_there_and_back_is_the_same(number: float, pair: tuple[str, str]) -> None:
    there = units.convert(np.array(number), *pair)
    back = units.convert(there, *reversed(pair))
    assert back == pytest.approx(number, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(
    ("value", "unit", "to", "reason"),
    [
        (np.array(1.0), "keV", "mm", "different things"),
        (np.array(1.0), "mm", "steps", "'steps' is not a known unit"),
        (np.array(1.0), "", "mm", "says nothing"),
        (np.array(1.0), "dBm", "mW", "not linear"),
        (np.array("text"), "mm", "um", "not a number"),
        (np.array(True), "mm", "um", "not a number"),
    ],
)
def test_what_cannot_be_converted_says_why(value: np.ndarray, unit: str, to: str, reason: str) -> None:
    with pytest.raises(units.UnitError, match=reason):
        units.convert(value, unit, to)


def test_pint_is_not_imported_by_spelling() -> None:
    code = "import sys; from nxscribe.model import units; units.spelling('μm'); sys.exit('pint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_threads_share_one_registry() -> None:
    code = """
import threading, numpy
from nxscribe.model import units
from nxscribe.model.nexus_types import UNIT_CATEGORIES
results, start = [], threading.Barrier(4)
def work():
    start.wait()
    results.append(float(units.convert(numpy.array(1.0), "mm", "um")))
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
assert results == [1000.0] * 4, results
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
