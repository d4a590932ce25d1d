from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxscribe.definitions import read_yaml
from nxscribe.definitions._document import Document
from nxscribe.errors import InputError, Location
from nxscribe.model import Attribute, Field, Group, Link, Phase, Template


def read(*lines: str) -> Document:
    return read_yaml(("entry(NXentry):\n" + "\n".join(f"  {line}" for line in lines)).encode(), "f.yaml")


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read_yaml(text.encode(), "f.yaml")
    return str(caught.value)


def refused(*lines: str) -> str:
    with pytest.raises(InputError) as caught:
        read(*lines)
    return str(caught.value)


def test_a_field_takes_everything_that_the_dialect_says():
    document = read(
        "y_step(NX_FLOAT):",
        "  doc: Step",
        '  value: "${TOMO_y_step}"',
        "  unit: mm",
        "  unit_category: NX_LENGTH",
        "  record: final",
        "  exists: required",
        "  default: 0.50",
        "  deprecated: Use z",
        "  override: true",
        "  \\@axis: 1",
    )
    assert document.root.children == (
        Field(
            "y_step",
            Template("${TOMO_y_step}"),
            type="NX_FLOAT",
            units="mm",
            unit_category="NX_LENGTH",
            record=Phase.FINAL,
            mandatory=True,
            default="0.50",
            description="Step",
            deprecated="Use z",
            override=True,
            attributes=(Attribute("axis", Template("1"), location=Location("f.yaml", 12, 5)),),
            location=Location("f.yaml", 2, 3),
        ),
    )


def test_the_short_form_of_a_field_is_its_value():
    document = read('energy(NX_FLOAT): "${energy}"', "facility: ESRF", "run(NX_INT): 3")
    assert [(field.name, field.type, field.template.text) for field in document.root.fields] == [
        ("energy", "NX_FLOAT", "${energy}"),
        ("facility", "NX_CHAR", "ESRF"),
        ("run", "NX_INT", "3"),
    ]


def test_quotes_around_a_placeholder_are_a_matter_of_taste():
    assert read("x(NX_FLOAT): ${x}").root.children == read("x(NX_FLOAT): '${x}'").root.children


def test_groups_hold_groups_and_may_be_empty():
    document = read("instrument(NXinstrument):", "  doc: All of it", "  beam(NXbeam):", "notes(NXnote):")
    assert [(group.name, group.nx_class) for group in document.root.groups] == [
        ("instrument", "NXinstrument"),
        ("notes", "NXnote"),
    ]
    assert document.root.groups[0].description == "All of it"
    assert document.root.groups[0].groups[0].name == "beam"


def test_attributes_may_have_a_type():
    document = read("\\@default: plot", "\\@count(NX_INT): 3", "\\@version: {value: '1.0', override: true}")
    assert [(one.name, one.type, one.template.text, one.override) for one in document.root.attributes] == [
        ("default", "NX_CHAR", "plot", False),
        ("count", "NX_INT", "3", False),
        ("version", "NX_CHAR", "1.0", True),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ("current(link): /instrument/source/current",),
        ("current(link):", "  target: /instrument/source/current"),
        ("current:", "  link: /instrument/source/current"),
    ],
)
def test_a_link_has_a_short_and_two_long_forms(lines: tuple[str, ...]):
    assert read(*lines).root.children == (
        Link("current", "/instrument/source/current", location=Location("f.yaml", 2, 3)),
    )


def test_siblings_of_one_name_are_told_apart_by_number():
    document = read("i0(NX_FLOAT): {value: '${a}', record: initial}", "i0(NX_FLOAT)#2: {value: '${b}', record: final}")
    assert [(field.name, field.template.text) for field in document.root.fields] == [("i0", "${a}"), ("i0", "${b}")]


def test_a_field_may_be_called_as_a_word_of_the_dialect_is():
    document = read("doc: The entry", "doc(NX_CHAR): ${x}", "override(NX_CHAR): ${y}")
    assert document.root.description == "The entry"
    assert [field.name for field in document.root.fields] == ["doc", "override"]


def test_includes_are_one_or_many():
    assert [one.file for one in read_yaml(b"include: a.xml\nentry(NXentry):\n", "f").includes] == ["a.xml"]
    both = read_yaml(b"include: [a.xml, b.yaml]\nentry(NXentry):\n", "f").includes
    assert [(one.file, one.location.column) for one in both] == [("a.xml", 11), ("b.yaml", 18)]


def test_a_unit_category_in_the_units_place_is_taken_for_what_it_is():
    field = read("x(NX_FLOAT): {value: '${x}', unit: NX_LENGTH}").root.fields[0]
    assert (field.units, field.unit_category) == ("", "NX_LENGTH")


def test_a_field_without_a_value_is_kept_with_a_warning():
    document = read("x(NX_FLOAT):")
    assert document.root.fields[0].template.text == ""
    assert "'x' says nothing" in str(document.warnings[0])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["x(NX_FLOAT): {units: mm}"], "2:17: error: the field 'x' has no 'units'; did you mean 'unit'?"),
        (["x(NX_FLAOT): ${x}"], "2:3: error: unknown type 'NX_FLAOT'; did you mean 'NX_FLOAT'?"),
        (["x(float): ${x}"], "unknown type 'float'; did you mean 'NX_FLOAT'?"),
        (["x(NXcolection):"], ""),
        (["sample: {name: '${x}'}"], "if it is a group, write name(NXclass)"),
        (["x: {value: a, record: finale}"], "2:25: error: 'finale' is not a phase of a scan; did you mean 'final'?"),
        (["x: {value: a, exists: recommended}"], "known here: mandatory, optional, required"),
        (["x: [1, 2]"], "a list as the field 'x'"),
        (["x: {value: {a: 1}}"], "a mapping as value"),
        (["x: {value: a, doc: }"], "doc is empty"),
        (["x(NX_INT): 1.5"], "2:14: error: '1.5' is not a value of type NX_INT"),
        (["x(link): {target: /a, doc: b}"], "the link 'x' has no 'doc'"),
        (["x(link):"], "'' is not a path in the entry"),
        (["a/b: x"], "the name 'a/b' holds a slash"),
        (["x: a", "x: b"], "'x' is written twice"),
        (["\\@NX_class: NXdata"], "is written by nxscribe itself"),
        (["\\@a: 1", "\\@a(NX_INT): 1"], "is given twice"),
    ],
)
def test_a_mistake_is_refused_with_its_place_and_a_remedy(lines: list[str], message: str):
    if message:
        assert message in refused(*lines)
    else:
        assert "did you mean 'NXcollection'?" in str(read(*lines).warnings[0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: error: the root is not the entry; a definition describes one NXentry"),
        ("- a", "the root is not the entry"),
        ("entry:\n  a: b", "unknown key 'entry' at the top; did you mean 'entry(NXentry)'?"),
        ("includes: a.xml\nentry(NXentry):", "1:1: error: unknown key 'includes' at the top; did you mean 'include'?"),
        ("entry(NXentry): text", "holds a bare value"),
        ("include:\nentry(NXentry):", "the file to include is empty"),
        ("entry(NXentry): !!python/object:a.b {}", "the tag"),
    ],
)
def test_a_file_that_is_no_definition_is_refused(text: str, message: str):
    assert message in refusal(text)


@given(st.text("ab:()[]{}#@\\\n  'NX_\"-${}", max_size=60))
def test_any_text_is_read_or_refused(text: str):
    for one in (text, "entry(NXentry):\n  " + text):
        try:
            document = read_yaml(one.encode(), "f.yaml")
        except InputError:
            continue
        assert isinstance(document.root, Group)
