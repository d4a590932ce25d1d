"""The forms in which Tango names may be written, and what each of them means."""

from __future__ import annotations

import pytest

from nxscribe.errors import InputError
from nxscribe.model.tango_names import attribute_of, tango_hosts
from nxscribe.sources.tango._addresses import attribute_address, property_address

HERE = "here:10000"


@pytest.mark.parametrize(
    ("text", "device", "member", "full"),
    [
        ("a/b/c/d", "tango://here:10000/a/b/c", "d", "here:10000/a/b/c/d"),
        (" A/b/C/D ", "tango://here:10000/a/b/c", "d", "here:10000/A/b/C/D"),
        ("//Orion:1/a/b/c/d", "tango://orion:1/a/b/c", "d", "orion:1/a/b/c/d"),
        ("TANGO://orion.esrf.fr:1/a/b/c/d", "tango://orion.esrf.fr:1/a/b/c", "d", "orion.esrf.fr:1/a/b/c/d"),
        ("tango:a/b/c/d", "tango://here:10000/a/b/c", "d", "here:10000/a/b/c/d"),
        ("tango:10000/a/b/c/d", "tango://tango:10000/a/b/c", "d", "tango:10000/a/b/c/d"),
        ("//a/b/c/d", "tango://here:10000/a/b/c", "d", "here:10000/a/b/c/d"),
        ("x:1,y:2/a/b/c/d", "tango://x:1,y:2/a/b/c", "d", "x:1,y:2/a/b/c/d"),
        ("a/b/c/d#dbase=yes", "tango://here:10000/a/b/c", "d", "here:10000/a/b/c/d"),
        ("x:1/a/b/c/d#dbase=no", "tango://x:1/a/b/c#dbase=no", "d", "x:1/a/b/c/d#dbase=no"),
        ("X:1/a/b/c/d#DBASE=NO", "tango://x:1/a/b/c#dbase=no", "d", "x:1/a/b/c/d#dbase=no"),
        ("a/b/c/Beam Current", "tango://here:10000/a/b/c", "beam current", "here:10000/a/b/c/Beam Current"),
        ("a/b/c/Öffnung_X", "tango://here:10000/a/b/c", "Öffnung_x", "here:10000/a/b/c/Öffnung_X"),
        ("my dom/b.1/c-2/d[3]", "tango://here:10000/my dom/b.1/c-2", "d[3]", "here:10000/my dom/b.1/c-2/d[3]"),
        ("Phi/Position", "tango://here:10000/phi", "position", "here:10000/Phi/Position"),
        ("//x:1/Phi/Position", "tango://x:1/phi", "position", "x:1/Phi/Position"),
        ("Current", "alias in here:10000/current", "current", "here:10000/Current"),
        ("tango://x:1,y:2/Current", "alias in x:1,y:2/current", "current", "x:1,y:2/Current"),
    ],
)
def test_each_form_of_an_attributes_name(text: str, device: str, member: str, full: str) -> None:
    name = attribute_address(text, HERE)
    assert (name.endpoint.name, name.member, name.full, name.part) == (device, member, full, "")
    written = attribute_address(f"{text.strip()}#write", HERE)
    assert (written.endpoint.name, written.member, written.full) == (device, member, f"{full}#write")
    assert written.part == "write"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a/b/c",
        "a/b/c/d/e",
        "a//c/d",
        "a/b/c/",
        "here/a/b/c/d",
        "x:y/a/b/c/d",
        "http://x:1/a/b/c/d",
        "x:1,/a/b/c/d",
        "a/b/c/d#dbase=no",
        "x:1,y:2/a/b/c/d#dbase=no",
        "x:1/phi/position#dbase=no",
        "a/b/c/d#dbase=perhaps",
        "a/b/c/d#set",
        "Grenoble, France",
        "a/b/c/d\te",
    ],
)
def test_what_is_no_attribute_is_refused_with_the_form_wanted(text: str) -> None:
    with pytest.raises(InputError, match=r"is not a Tango attribute; its form is domain/family/member/attribute"):
        attribute_address(text, HERE)


@pytest.mark.parametrize(
    ("text", "device", "member", "full"),
    [
        ("a/b/c/Axis", "here:10000", "a/b/c/axis", "here:10000/a/b/c/Axis"),
        ("//x:1,y:2/a/b/c/d/__value", "x:1,y:2", "a/b/c/d/__value", "x:1,y:2/a/b/c/d/__value"),
        ("phi/Axis", "here:10000", "phi/axis", "here:10000/phi/Axis"),
        ("tango://x:1/phi/position/unit", "x:1", "phi/position/unit", "x:1/phi/position/unit"),
    ],
)
def test_each_form_of_a_propertys_name(text: str, device: str, member: str, full: str) -> None:
    name = property_address(text, HERE)
    assert (name.endpoint.name, name.member, name.full) == (device, member, full)


@pytest.mark.parametrize("text", ["Axis", "a/b/c/d/e/f", "x:1/a/b/c/d#dbase=no", "a/b/c/d#write"])
def test_what_is_no_property_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a Tango property"):
        property_address(text, HERE)


def test_a_name_without_a_database_needs_the_default_one() -> None:
    with pytest.raises(InputError, match="TANGO_HOST is not set"):
        attribute_address("a/b/c/d", "")
    with pytest.raises(InputError, match="'orion' is not the address of a Tango database"):
        attribute_address("a/b/c/d", "orion")
    assert attribute_address("x:1/a/b/c/d", "").full == "x:1/a/b/c/d"


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("orion:10000", ("orion:10000",)),
        ("//Orion:10000", ("orion:10000",)),
        ("tango://orion:10000/", ("orion:10000",)),
        ("tango:10000", ("tango:10000",)),
        ("a.b.c:1,d:2", ("a.b.c:1", "d:2")),
        ("a:1 , d:2,e:3", ("a:1", "d:2", "e:3")),
    ],
)
def test_a_database_may_have_several_servers(text: str, hosts: tuple[str, ...]) -> None:
    assert tango_hosts(text) == hosts


@pytest.mark.parametrize("text", ["", "orion", "orion:", ":10000", "a:1,", "a:1;b:2", "a:1 b:2"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not the address of a Tango database"):
        tango_hosts(text)


def test_an_attribute_of_a_device_stands_before_what_marks_the_device() -> None:
    assert attribute_of("x:1/a/b/c#dbase=no", "d") == "x:1/a/b/c/d#dbase=no"
    assert attribute_of("phi", "d") == "phi/d"
