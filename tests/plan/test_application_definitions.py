"""Claims of NeXus application definitions, judged before there is any file."""

from __future__ import annotations

from pathlib import Path

import pytest

from nxscribe.definitions import load_definition, nxdl
from nxscribe.definitions.nxdl import NoNxdlError, application, applications
from nxscribe.plan._application_definitions import check_claims

TOMO = """\
<group NX_class="NXentry" groupName="${entry}">
<definition>NXtomo</definition>
<group NX_class="NXinstrument" groupName="instrument">
<link groupName="detector" ref="/instrument/detector01"/>
<group NX_class="NXdetector" groupName="detector01">
<image_key NAPItype="NX_INT">${image_key}</image_key>
</group>
<group NX_class="NXsource" groupName="source"><probe>x-ray</probe></group>
</group>
<group NX_class="NXsample" groupName="sample">
<name>${sampleName}</name>
<rotation_angle NAPItype="NX_FLOAT" units="deg">${rotation_angle}</rotation_angle>
</group>
<group NX_class="NXdata" groupName="data">
<link groupName="data" ref="/instrument/detector/data"/>
<link groupName="rotation_angle" ref="/sample/rotation_angle"/>
<link groupName="image_key" ref="/instrument/detector01/image_key"/>
</group>
</group>
"""


@pytest.fixture
def complaints(tmp_path: Path):
    def complaints(text: str, *detectors: str) -> dict[int, str]:
        """What is wrong, by line."""
        (tmp_path / "t.xml").write_text(text)
        found = check_claims(load_definition("t", tmp_path / "t.xml").definition, detectors)
        return {problem.location.line: problem.what for problem in found}

    return complaints


def test_a_claim_that_is_kept_is_no_matter(complaints) -> None:
    assert complaints(TOMO, "instrument/detector01") == {}


@pytest.mark.parametrize(
    ("before", "after", "line", "what"),
    [
        ("<name>${sampleName}</name>", "", 10, "/sample/name (NX_CHAR) is missing"),
        ('NX_class="NXsample"', 'NX_class="NXcollection"', 10, "/sample is an NXcollection, not an NXsample"),
        ("NX_INT", "NX_FLOAT", 6, "/instrument/detector/image_key is of type NX_FLOAT, not NX_INT"),
        ('units="deg"', 'units="mm"', 12, "/sample/rotation_angle is in 'mm', which is not of NX_ANGLE"),
        (">x-ray<", ">xray<", 8, "/instrument/source/probe is 'xray'"),
        ('groupName="detector" ref', 'groupName="camera" ref', 3, "/instrument/detector (NXdetector) is missing"),
        (">NXtomo<", ">NXtomography<", 2, "the entry claims 'NXtomography'"),
    ],
)
def test_what_is_not_kept_is_told_at_the_definitions_line(complaints, before: str, after: str, line: int, what: str):
    assert before in TOMO
    assert complaints(TOMO.replace(before, after), "instrument/detector01")[line] == what


def test_the_frames_come_with_a_detector_of_the_config(complaints) -> None:
    assert complaints(TOMO)[5] == "/instrument/detector/data (NX_INT) is missing"


def test_links_may_lead_through_as_many_others_as_there_are(complaints) -> None:
    angle = '<rotation_angle NAPItype="NX_FLOAT" units="deg">${rotation_angle}</rotation_angle>'
    chain = [f'<link groupName="l{number}" ref="/sample/l{number + 1}"/>' for number in range(500)]
    chain.append(f'<link groupName="l500" ref="/sample/angle"/>{angle.replace("rotation_angle ", "angle ", 1)}')
    through = "".join(chain).replace("</rotation_angle>", "</angle>")
    text = TOMO.replace(angle, f'<link groupName="rotation_angle" ref="/sample/l0"/>{through}')
    assert complaints(text, "instrument/detector01") == {}


def test_links_that_lead_to_themselves_or_into_themselves_lead_nowhere(complaints) -> None:
    for ref in ("/sample/name", "/sample/name/further"):
        text = TOMO.replace("<name>${sampleName}</name>", f'<link groupName="name" ref="{ref}"/>')
        found = complaints(text, "instrument/detector01")
        assert [what for what in found.values() if "/sample/name" in what] == ["/sample/name (NX_CHAR) is missing"]


def test_a_subentry_may_claim_what_its_entry_does_not(complaints) -> None:
    text = '<group NX_class="NXentry" groupName="${entry}">\n<group NX_class="NXsubentry" groupName="sas">\n'
    assert complaints(f"{text}<definition>NXsas</definition></group></group>") == {2: "/NXdata is missing"}


def test_an_entry_that_claims_nothing_is_free(complaints) -> None:
    assert complaints(TOMO.replace("<definition>NXtomo</definition>", "")) == {}


def test_one_of_several_detectors_is_enough(complaints) -> None:
    other = '<group NX_class="NXdetector" groupName="detector02"/>'
    assert (
        complaints(
            TOMO.replace('<group NX_class="NXsource"', other + '<group NX_class="NXsource"'), "instrument/detector01"
        )
        == {}
    )


def test_every_application_definition_can_be_asked() -> None:
    assert {"NXtomo", "NXfluo", "NXsas", "NXmx"} <= applications()
    for name in applications():
        assert application(name).type in ("NXentry", "NXsubentry")


def test_one_that_extends_another_asks_for_what_the_other_asks() -> None:
    asked = {one.name for one in application("NXxrot").children}
    assert {"title", "start_time"} <= asked  # of NXxbase


def test_without_the_standard_at_hand_it_says_so(complaints, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(_name: str) -> None:
        raise NoNxdlError

    monkeypatch.setattr("nxscribe.plan._application_definitions.application", no)
    assert complaints(TOMO) == {2: "whether the entry is an NXtomo cannot be checked"}
    monkeypatch.setattr(nxdl, "find_spec", lambda _name: None)
    nxdl._folder.cache_clear()
    with pytest.raises(NoNxdlError):
        applications()
    nxdl._folder.cache_clear()
