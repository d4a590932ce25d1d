"""How units stand in files: so that the programs of data analysts read them."""

from __future__ import annotations

import re

import pytest

from nxscribe.cli._shipped import shipped
from nxscribe.definitions import read_definition
from nxscribe.model import Field, units

DECLARED = sorted(
    {
        node.units
        for path in (shipped() / "definitions").rglob("*.[xy]*ml")
        for _, node in read_definition(path).root.walk()
        if isinstance(node, Field) and node.units
    }
)
OF_DEVICES = ["ph/s", "kphotons/s/mA", "electrons", "°", "mdeg", "deg/s", "l/min", "1/h", "ºC", "mTorr", "cps", "Å^-1"]


@pytest.mark.parametrize(
    ("own", "declared", "written"),
    [
        ("photons/s", "", "counts/s"),
        ("photons/s", "photons/s", "counts/s"),
        ("", "Mphotons/s/mA", "Mcounts/s/mA"),
        ("electrons", "", "counts"),
        ("°", "", "degree"),
        ("mdeg/min", "", "mdegree/minute"),
        ("Degrees", "deg", "deg"),
        ("deg", "degree", "degree"),
        ("hr", "h", "h"),
        ("arcmin", "", "arcmin"),
        ("degC", "", "degC"),
        ("steps per h", "", "steps per h"),
        ("photons of sorts", "", "photons of sorts"),
        ("No unit", "", ""),
        ("", "", ""),
    ],
)
def test_a_unit_is_written_as_most_programs_read_it(own: str, declared: str, written: str) -> None:
    assert units.written(own, declared) == written


@pytest.mark.parametrize("unit", [*OF_DEVICES, *DECLARED])
def test_what_is_written_is_a_unit_of_scipp_and_of_pynxtools_and_the_same_one_to_nxscribe(unit: str) -> None:
    import scipp  # noqa: PLC0415 - slow to import
    from pynxtools.units import ureg  # noqa: PLC0415

    written = units.written("", unit) if unit in DECLARED else units.written(unit)
    scipp.Unit(written)
    # pint takes `1/s` for an expression only.
    ureg.parse_expression(re.sub(r"([A-Za-z])(-?\d)", r"\1^\2", written))
    assert units.convertible(written, unit)
