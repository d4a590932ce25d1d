"""The motors of a config's lists, each by itself at the start and at the end of a scan."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from nxscribe.model import Field, Phase
from nxscribe.service.beamline import Beamline, load_beamline
from nxscribe.service.config import load_config
from nxscribe.sources import TangoSource

LISTS = """\
<group NX_class="NXsample" groupName="sample">
  <group NX_class="NXpositioner" groupName="positioners"><name>${names}</name><value>${places}</value></group>
</group>
"""
TABLE = ("bl/table/x/position", "bl/table/z/position")


@pytest.fixture
def load(tmp_path: Path):
    def load(sources: str, definition: str = LISTS) -> Beamline:
        (tmp_path / "scan.xml").write_text(
            f'<group NX_class="NXentry" groupName="${{entry}}">\n{definition}\n</group>\n'
        )
        path = tmp_path / "bl.yaml"
        path.write_text(
            "beamline: bl\ndata_root: data\ntechniques: {scan: {definition: scan.xml}}\nsources:\n"
            + textwrap.indent(textwrap.dedent(sources), "  ")
        )
        return load_beamline(load_config(path))

    return load


def motors(beamline: Beamline) -> dict[str, tuple[Phase | None, str]]:
    """Each motor's field by its path, with its phase and its attribute."""
    plan = beamline.plan("scan")
    found = {}
    for path, node in plan.definition.root.walk():
        if isinstance(node, Field) and path.startswith("/instrument/positioners_"):
            placeholder = node.template.sole_placeholder or ""
            origin = plan.sources[placeholder].origin if placeholder in plan.sources else None
            found[path] = (node.record, origin.attributes[0] if isinstance(origin, TangoSource) else "")
    return found


@pytest.mark.parametrize("names", ["tx tz", "[tx, tz]"])
def test_each_motor_of_a_list_is_read_at_both_ends(load, names: str) -> None:
    beamline = load(f"names: {{value: {names}}}\nplaces: [{', '.join(TABLE)}]")
    assert motors(beamline) == {
        "/instrument/positioners_start/tx": (Phase.INITIAL, TABLE[0]),
        "/instrument/positioners_start/tz": (Phase.INITIAL, TABLE[1]),
        "/instrument/positioners_end/tx": (Phase.FINAL, TABLE[0]),
        "/instrument/positioners_end/tz": (Phase.FINAL, TABLE[1]),
    }
    plan = beamline.plan("scan")
    assert {"places.tx", "places.tz"} <= plan.wanted(Phase.FINAL, {"names", "places", "places.tx", "places.tz"})
    assert beamline.warnings == ()
    assert "positioners_end" in beamline.texts["scan"].text
    assert beamline.texts["scan"].sha256 == plan.definition.sha256


@pytest.mark.parametrize(
    "sources",
    [
        f"places: [{', '.join(TABLE)}]",
        "names: {value: tx tz}\nplaces: bl/table/x/positions",
        f"names: bl/table/x/names\nplaces: [{', '.join(TABLE)}]",
    ],
)
def test_without_two_lists_side_by_side_nothing_is_made(load, sources: str) -> None:
    assert motors(load(sources)) == {}


def test_other_lists_of_names_and_values_are_no_motors(load) -> None:
    definition = LISTS.replace('groupName="positioners"', 'groupName="rois"')
    assert motors(load(f"names: {{value: a b}}\nplaces: [{', '.join(TABLE)}]", definition)) == {}


def test_lists_of_unlike_lengths_are_told_and_give_no_motors(load) -> None:
    beamline = load(f"names: {{value: tx ty tz}}\nplaces: [{', '.join(TABLE)}]")
    assert motors(beamline) == {}
    assert "/sample/positioners has 3 names and 2 positions" in [warning.what for warning in beamline.warnings]


def test_what_the_definition_has_itself_stands(load) -> None:
    own = """\
    <group NX_class="NXinstrument" groupName="instrument">
      <group NX_class="NXcollection" groupName="positioners_end"><tx NAPItype="NX_FLOAT" units="um">${own}</tx></group>
    </group>
    """
    beamline = load(f"names: {{value: tx tz}}\nplaces: [{', '.join(TABLE)}]\nown: bl/encoder/x/position", own + LISTS)
    found = motors(beamline)
    assert found["/instrument/positioners_end/tx"] == (None, "bl/encoder/x/position")
    assert found["/instrument/positioners_end/tz"] == (Phase.FINAL, TABLE[1])
    assert found["/instrument/positioners_start/tx"] == (Phase.INITIAL, TABLE[0])


def test_a_name_in_two_lists_with_two_attributes_is_told(load) -> None:
    other = '<group NX_class="NXcollection" groupName="positioners"><name>${n}</name><value>${p}</value></group>'
    beamline = load(
        f"names: {{value: tx tz}}\nplaces: [{', '.join(TABLE)}]\nn: {{value: tx}}\np: [bl/other/x/position]",
        LISTS + other,
    )
    assert motors(beamline)["/instrument/positioners_start/tx"][1] == TABLE[0]
    assert [warning.what for warning in beamline.warnings] == ["the motor tx is in two lists with two attributes"]


def test_a_name_that_hdf5_cannot_hold_is_told_and_left_out(load) -> None:
    beamline = load(f"names: {{value: a/b tz}}\nplaces: [{', '.join(TABLE)}]")
    assert set(motors(beamline)) == {"/instrument/positioners_start/tz", "/instrument/positioners_end/tz"}
    assert [warning.what for warning in beamline.warnings] == ["the name 'a/b' holds a slash"]
