from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxscribe.definitions import read_xml
from nxscribe.definitions._document import Document
from nxscribe.errors import InputError, Location
from nxscribe.model import Attribute, Field, Group, Link, Phase, Template


def read(inner: str | bytes, *, root: str = '<group NX_class="NXentry" groupName="${entry}">') -> Document:
    inner = inner.encode() if isinstance(inner, str) else inner
    return read_xml(root.encode() + inner + b"</group>", "f.xml")


def only(inner: str) -> Field:
    child = read(inner).root.children[0]
    assert isinstance(child, Field)
    return child


def refusal(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_xml(data, "f.xml")
    return str(caught.value)


def refused(inner: str) -> str:
    with pytest.raises(InputError) as caught:
        read(inner)
    return str(caught.value)


def test_the_esrfs_own_file_loads_unmodified(esrf_file: Path):
    document = read_xml(esrf_file.read_bytes(), str(esrf_file))
    nodes = [node for _, node in document.root.walk()]
    assert sum(isinstance(node, Field) for node in nodes) == 1267
    assert sum(isinstance(node, Group) for node in nodes) == 152  # below the root
    assert document.warnings == ()


def test_every_node_of_the_esrfs_file_knows_its_line(esrf_file: Path):
    lines = esrf_file.read_text().splitlines()
    for _, node in read_xml(esrf_file.read_bytes(), "f.xml").root.walk():
        found = lines[node.location.line - 1][node.location.column - 1 :]
        assert found.startswith((f"<{node.name} ", "<group ")), node
        assert node.name in found


def test_a_field_takes_everything_that_the_dialect_says():
    assert only(
        '<y_step NAPItype="NX_FLOAT" units="mm" NX_units="NX_LENGTH" record="final" ESRF_mandatory="Mandatory"'
        ' ESRF_description="Step" ESRF_deprecated="Use z" default="0.5" override="true">${TOMO_y_step}</y_step>'
    ) == Field(
        "y_step",
        Template("${TOMO_y_step}"),
        type="NX_FLOAT",
        units="mm",
        unit_category="NX_LENGTH",
        record=Phase.FINAL,
        mandatory=True,
        default="0.5",
        description="Step",
        deprecated="Use z",
        override=True,
        location=Location("f.xml", 1, 48),
    )


def test_a_bare_field_is_a_text():
    assert only("<name>ESRF</name>") == Field("name", Template("ESRF"), location=Location("f.xml", 1, 48))


def test_groups_links_attributes_and_includes_are_read_in_order():
    document = read(
        '<include file="common/entry.xml"/><attribute name="default">plot</attribute>'
        '<group NX_class="NXdata" groupName="plot" ESRF_description="What to plot">'
        '<attribute name="signal">data</attribute><attribute name="n" NAPItype="NX_INT">3</attribute>'
        '<link groupName="data" ref="/instrument/detector01/data"/></group>'
    )
    plot = document.root.groups[0]
    assert [include.file for include in document.includes] == ["common/entry.xml"]
    assert [(one.name, one.template.text) for one in document.root.attributes] == [("default", "plot")]
    assert (plot.nx_class, plot.description) == ("NXdata", "What to plot")
    assert [(one.name, one.type) for one in plot.attributes] == [("signal", "NX_CHAR"), ("n", "NX_INT")]
    assert plot.links[0].target == "/instrument/detector01/data"


def test_the_order_of_xml_attributes_does_not_matter():
    one = read('<group groupName="a" NX_class="NXnote"/>').root.children[0]
    other = read('<group NX_class="NXnote" groupName="a"/>').root.children[0]
    assert one == other


def test_a_field_may_have_attributes_beside_its_text():
    field = only('<angle units="deg">${phi}\n  <attribute name="axis">1</attribute>\n</angle>')
    assert field.template == Template("${phi}")
    assert field.attributes == (Attribute("axis", Template("1"), location=Location("f.xml", 2, 3)),)


def test_a_name_that_xml_cannot_spell_has_a_form_of_its_own():
    assert only('<field name="2theta" NAPItype="NX_FLOAT">${tth}</field>').name == "2theta"
    assert only("<field>${x}</field>").name == "field"


def test_text_may_mix_literals_and_several_placeholders():
    field = only("<title>\n  ${sampleName} - ${scanName}\n</title>")
    assert field.template.text == "${sampleName} - ${scanName}"
    assert field.template.placeholders == ("sampleName", "scanName")


def test_a_placeholder_may_hold_a_dot():
    assert only("<v>${saxs_definition.version}</v>").template.sole_placeholder == "saxs_definition.version"


def test_siblings_of_one_name_are_kept():
    children = read('<i0 record="initial">${a}</i0><i0 record="final">${b}</i0>').root.children
    assert [child.template.text for child in children] == ["${a}", "${b}"]


def test_an_empty_unit_is_none_and_unicode_units_stay_as_they_are():
    assert only('<x units="">${x}</x>').units == ""
    assert only('<x units="μm">${x}</x>').units == "μm"


def test_a_unit_category_in_the_units_place_is_taken_for_what_it_is():
    field = only('<x units="NX_LENGTH">${x}</x>')
    assert (field.units, field.unit_category) == ("", "NX_LENGTH")


def test_a_line_break_that_was_escaped_twice_is_one_again():
    assert only('<x ESRF_description="one&amp;#xA;two">${x}</x>').description == "one\ntwo"


@pytest.mark.parametrize(("kind", "text"), [("NX_DATE_TIME", "yesterday"), ("NX_BOOLEAN", "maybe")])
def test_a_text_that_is_none_of_its_type_is_kept_with_a_warning(kind: str, text: str):
    """Records of former versions have such texts."""
    document = read(f'<a NAPItype="{kind}">{text}</a>')
    assert f"{text!r} is not a value of type {kind}" in str(document.warnings[0])


def test_a_misspelt_attribute_hides_nothing_that_follows():
    told = refused('<group NX_clas="NXdata" groupName="g"><a NAPItyp="NX_X">${x}</a></group>')
    assert [line.split("; ")[0].partition("error: ")[2] for line in told.splitlines()] == [
        "<group> has no attribute 'NX_clas'",
        "<a> has no attribute 'NAPItyp'",
        "unknown type 'NX_X'",
    ]


def test_a_misspelt_class_is_kept_with_a_warning():
    document = read('<group NX_class="NXCollection" groupName="a"/>')
    assert document.root.groups[0].nx_class == "NXCollection"
    assert "did you mean 'NXcollection'?" in str(document.warnings[0])


def test_a_word_that_the_esrfs_file_once_misspelt_is_read_with_a_warning():
    document = read('<x ESRF_desription="How thick">${x}</x>')
    assert document.root.fields[0].description == "How thick"
    assert "'ESRF_desription' is misspelt; it is read as 'ESRF_description'" in str(document.warnings[0])


def test_a_name_that_nexus_does_not_recommend_is_kept_with_a_warning():
    document = read("<a-b>${x}</a-b>")
    assert document.root.fields[0].name == "a-b"
    assert "f.xml:1:48: warning: the name 'a-b' is not one that NeXus allows" in str(document.warnings[0])


def test_encodings_and_line_ends_of_other_systems_are_read():
    text = '<group NX_class="NXentry" groupName="${entry}">\r\n<a>é</a>\r\n</group>'
    latin = b"<?xml version='1.0' encoding='iso-8859-15'?>" + text.encode("latin-1")
    for data in (text.encode(), text.encode("utf-8-sig"), text.encode("utf-16"), latin):
        field = read_xml(data, "f.xml").root.fields[0]
        assert (field.template.text, field.location.line) == ("é", 2)


def test_columns_count_characters():
    assert read("<!-- éé --><a>${x}</a>").root.fields[0].location == Location("f.xml", 1, 59)


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ('<a unit="mm">${x}</a>', "1:51: error: <a> has no attribute 'unit'; did you mean 'units'?"),
        ('<a NAPItype="NX_FLAOT">${x}</a>', "unknown type 'NX_FLAOT'; did you mean 'NX_FLOAT'?"),
        ('<a NX_units="NX_LENGHT">${x}</a>', "unknown unit category 'NX_LENGHT'; did you mean 'NX_LENGTH'?"),
        ('<a record="finale">${x}</a>', "'finale' is not a phase of a scan; did you mean 'final'?"),
        ('<a ESRF_mandatory="perhaps">${x}</a>', "'perhaps' does not say whether the field must be there"),
        ('<a override="yes">${x}</a>', "'yes' is neither true nor false"),
        ("<a>${x</a>", "a placeholder is not closed in '${x'"),
        ("<a>${a b}</a>", "'a b' cannot name a placeholder"),
        ("<a>${}</a>", "'' cannot name a placeholder"),
        ("<a>${a${b}}</a>", "a placeholder is not closed"),
        ('<a NAPItype="NX_INT">1.5</a>', "'1.5' is not a value of type NX_INT"),
        ('<a NAPItype="NX_FLOAT" default="none">${x}</a>', "'none' is not a value of type NX_FLOAT"),
        ('<group groupName="a"/>', "the group has no class"),
        ('<group NX_class="NXnote"/>', "<group> lacks groupName"),
        ('<group NX_class="note" groupName="a"/>', "did you mean 'NXnote'?"),
        ('<group NX_class="NXnote" groupName="${a}"/>', "a placeholder in the name '${a}'"),
        ('<group NX_class="NXnote" groupName="a/b"/>', "the name 'a/b' holds a slash"),
        ('<field name="..">${x}</field>', "'..' is not a valid name"),
        ('<link groupName="a"/>', "<link> lacks ref"),
        ('<link groupName="a" ref="sample/name"/>', "'sample/name' is not a path in the entry"),
        ('<link groupName="a" ref="/../b"/>', "'/../b' is not a path in the entry"),
        ("<attribute>x</attribute>", "<attribute> lacks name"),
        ('<attribute name="NX_class">NXdata</attribute>', "is written by nxscribe itself"),
        ('<a>${x}<attribute name="units">mm</attribute></a>', "is written by nxscribe itself"),
        ('<attribute name="a">1</attribute><attribute name="a">2</attribute>', "is given twice"),
        ("<a><b>${x}</b></a>", "<b> inside <a>; only groups hold other elements"),
        ("<a>${x}</a>loose", "1:59: error: the text 'loose' belongs to no field"),
        ('<a>${x}</a><include file="b.xml"/>', "an <include> in the middle"),
        ('<group NX_class="NXnote" groupName="a"><include file="b.xml"/></group>', "an <include> in the middle"),
        ("<xi:include href='/etc/passwd'/>", "has no attribute 'href'"),
    ],
)
def test_a_mistake_is_refused_with_its_place_and_a_remedy(inner: str, message: str):
    assert "f.xml:1:" in refused(inner)
    assert message in refused(inner)


def test_all_mistakes_are_told_at_once_in_order():
    message = refused('<a NAPItype="NX_X">${x}</a>\n<b unit="mm">${x</b>\n<c record="x">${x}</c>')
    assert [line.split(": ")[0] for line in message.splitlines()] == [
        "f.xml:1:61",
        "f.xml:2:4",
        "f.xml:2:14",
        "f.xml:3:12",
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "1:1: error: the file is empty"),
        (b"<sample>${x}</sample>", "the root is not the entry"),
        (b'<group NX_class="NXentry" groupName="scan"/>', "the root is not the entry"),
        (b'<group NX_class="NXentry" groupName="${entry}">\n <a></b></group>', "<a> is still open"),
        (b'<group NX_class="NXentry" groupName="${entry}">\n <a>', "f.xml:2:5: error: not XML"),
        (b'<group NX_class="NXentry" groupName="${entry}"><a>AT&T</a></group>', "write &amp; for &"),
        (b'<group NX_class="NXentry" groupName="${entry}"><a>&nbsp;</a></group>', "undefined entity"),
        (b'<group NX_class="NXentry" groupName="${entry}"><a>\xe9</a></group>', "the byte 0xe9"),
        (b'<group NX_class="NXentry" groupName="${entry}"><a>\x00</a></group>', "control character U+0000"),
        (b'<group NX_class="NXentry" groupName="${entry}"><a>&#x7f;</a></group>', "control character U+007F"),
        (b"<?xml version='1.0' encoding='rot13'?><group/>", "unusable encoding"),
        (b"<?xml version='1.0' encoding='utf-7'?><group/>", "unusable encoding"),
        (b"<?xml version='1.0' encoding='nowhere'?><group/>", "encoding"),
        (b"<group/><group/>", "the one root group"),
        (b"<a>" * 10_000, "nested deeper than 64 levels"),
        (b'<group NX_class="NXentry" groupName="${entry}">' + b"<a>x</a>" * 60_000, "more than 50000 elements"),
        (b'<group NX_class="NXentry" groupName="${entry}">' + b"<a x='1'/>" * 10_000, "more problems than these"),
        (b"<group>" + b" " * 3_000_000, "more than 2.1 MB"),
    ],
)
def test_what_is_broken_or_too_large_is_refused(data: bytes, message: str):
    assert message in refusal(data)


def test_a_message_quotes_no_more_than_one_reads():
    assert len(refused(f"<a>{'${' * 10_000}</a>")) < 500


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/dtd">',
        '<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1:9/dtd"> %b;]>',
    ],
)
def test_no_dtd_is_ever_read(doctype: str):
    assert "a DOCTYPE is not allowed" in refusal(f"{doctype}<group>&b;</group>".encode())


def test_loose_text_without_end_is_refused_in_bounded_time():
    assert "belongs to no field" in refused("\n" * 500_000 + "x\n" * 500_000)


@given(st.binary(max_size=100) | st.text("<>/&;=\"'! ag${}", max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes):
    for one in (data, b'<group NX_class="NXentry" groupName="${entry}">' + data + b"</group>"):
        try:
            document = read_xml(one, "f.xml")
        except InputError:
            continue
        assert isinstance(document.root, Group)


def test_a_link_is_a_link():
    link = read('<link groupName="SR_Current" ref="/instrument/source/current_start"/>').root.children[0]
    assert link == Link("SR_Current", "/instrument/source/current_start", location=Location("f.xml", 1, 48))
