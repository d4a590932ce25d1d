"""Common slips in definitions: each is told at its place, and who does what the remedy says has a file that passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nxscribe.definitions import load_definition
from nxscribe.errors import InputError, Problem

XML = '<group NX_class="NXentry" groupName="${entry}">\n%s\n</group>\n'
YAML = "entry(NXentry):\n%s\n"

# The slip, words of the message, and the text after the remedy was followed to the letter.
IN_XML = [
    ("<slit>${slit</slit>", "write it as ${slit}", "<slit>${slit}</slit>"),
    ("<slit>at ${slit mm</slit>", "write it as ${slit}", "<slit>at ${slit} mm</slit>"),
    ("<slit>${two words}</slit>", "write it as ${two_words}", "<slit>${two_words}</slit>"),
    ('<slit NAPItype="NX_FLOAT">{slit}</slit>', "write ${slit} for", '<slit NAPItype="NX_FLOAT">${slit}</slit>'),
    ("<slit>$slit</slit>", "write ${slit}", "<slit>${slit}</slit>"),
    ("<slit>$(slit)</slit>", "write ${slit}", "<slit>${slit}</slit>"),
    ("<slit>{{ slit }}</slit>", "write ${slit}", "<slit>${slit}</slit>"),
    ("<slit>%(slit)s</slit>", "write ${slit}", "<slit>${slit}</slit>"),
    ("<slit><%= slit %></slit>", "write ${slit}", "<slit>${slit}</slit>"),
    ("<!-- slits -- all of them --><a>${a}</a>", "write - or =", "<!-- slits - all of them --><a>${a}</a>"),
    ("<!-- slits ---><a>${a}</a>", "a comment ends with -->", "<!-- slits --><a>${a}</a>"),
    ("<! slits --><a>${a}</a>", "write <!-- without spaces", "<!-- slits --><a>${a}</a>"),
    ("<a>salt & pepper ${a}</a>", "write &amp; for &", "<a>salt &amp; pepper ${a}</a>"),
    ("<a>below < above ${a}</a>", "write &lt; for <", "<a>below &lt; above ${a}</a>"),
    ("<a units=mm>${a}</a>", 'write units="mm"', '<a units="mm">${a}</a>'),
    ("<a units=”mm”>${a}</a>", 'write " in its place', '<a units="mm">${a}</a>'),
    ("<a units='mm'record='final'>${a}</a>", "write it before r", "<a units='mm' record='final'>${a}</a>"),
    ('<a units="mm>${a}</a>', "close them", '<a units="mm">${a}</a>'),
    ('<a\u00a0units="mm">${a}</a>', "write an ordinary space", '<a units="mm">${a}</a>'),
    ('<a units="mm" units="mm">${a}</a>', "remove one of the two", '<a units="mm">${a}</a>'),
    ("<a>${a}</A>", "write </a>", "<a>${a}</a>"),
    ("<a>${a}", "close <a> with </a>", "<a>${a}</a>"),
    ('<a units="&Aring;">${a}</a>', "write Å itself", '<a units="Å">${a}</a>'),
    ("<3rd>${a}</3rd>", 'write <field name="3rd">…</field>', '<field name="3rd">${a}</field>'),
    ("<my slit>${a}</my slit>", "my_slit if it is one name", "<my_slit>${a}</my_slit>"),
    ('<a unit="mm" Record="Final">${a}</a>', "did you mean 'units'?", '<a units="mm" record="final">${a}</a>'),
    ('<a NAPItype="double">${a}</a>', "did you mean 'NX_FLOAT'?", '<a NAPItype="NX_FLOAT">${a}</a>'),
    ('<a record="end">${a}</a>', "did you mean 'final'?", '<a record="final">${a}</a>'),
    ('<a required="yes">${a}</a>', "did you mean 'mandatory'?", '<a ESRF_mandatory="mandatory">${a}</a>'),
    ('<a value="${a}"/>', "write it between the tags: <a>${a}</a>", "<a>${a}</a>"),
    ('<attribute name="@default">a</attribute>', '<attribute name="default">', '<attribute name="title">a</attribute>'),
    (
        '<Group nx_class="NXnote" groupname="a"><b>${b}</b></Group>',
        "write <group> and </group>",
        '<group NX_class="NXnote" groupName="a"><b>${b}</b></group>',
    ),
    (
        '<group type="NXnote" name="a"><b>${b}</b></group>',
        "did you mean 'NX_class'?",
        '<group NX_class="NXnote" groupName="a"><b>${b}</b></group>',
    ),
]
IN_YAML = [
    ("  slit: ${slit", "write it as ${slit}", "  slit: ${slit}"),
    ("  slit(NX_FLOAT): {slit}", "write ${slit} if", "  slit(NX_FLOAT): ${slit}"),
    ("  slit: {value: ${slit}, unit: mm}", 'put "${slit}" into quotes', '  slit: {value: "${slit}", unit: mm}'),
    ("  slit: %{slit}", "write ${slit}", "  slit: ${slit}"),
    ("\tslit: ${slit}", "indent with spaces", "  slit: ${slit}"),
    ("  slit: ${slit}\n   size: ${size}", "column 3, like slit", "  slit: ${slit}\n  size: ${size}"),
    ("  slit: ${slit}\n size: ${size}", "column 3, like slit", "  slit: ${slit}\n  size: ${size}"),
    (
        "  slit:\n      value: ${slit}\n     unit: mm",
        "column 7, like value",
        "  slit:\n      value: ${slit}\n      unit: mm",
    ),
    ("  slit:${slit}", "slit: ${slit}", "  slit: ${slit}"),
    ("  slit:${slit}\n  size: ${size}", "write slit: ${slit}", "  slit: ${slit}\n  size: ${size}"),
    ("  slit ${slit}", "slit: ${slit}", "  slit: ${slit}"),
    ("  slit:\n    value:${slit}", "write value: ${slit}", "  slit:\n    value: ${slit}"),
    ("  slit:\u00a0${slit}", "slit: ${slit}", "  slit: ${slit}"),
    ("  @short_name: a\n  b: ${b}", r"write \@short_name:", "  \\@short_name: a\n  b: ${b}"),
    ('  "\\@short_name": a\n  b: ${b}', r"write \@short_name without quotes", "  \\@short_name: a\n  b: ${b}"),
    ("  slit:\n    source: ${slit}", "did you mean 'value'?", "  slit:\n    value: ${slit}"),
    ("  slit:\n    value: ${slit}\n    units: mm", "did you mean 'unit'?", "  slit:\n    value: ${slit}\n    unit: mm"),
    ("  slit(nx_float): ${slit}", "did you mean 'NX_FLOAT'?", "  slit(NX_FLOAT): ${slit}"),
    ("  slit:\n    value: ${s}\n    type: NX_INT", "name(NX_INT)", "  slit(NX_INT):\n    value: ${s}"),
    ("  a: seen: ${b}", "write a: 'seen: ${b}'", "  a: 'seen: ${b}'"),
    ("  a: 'it's ${b}'", 'between " and "', '  a: "it\'s ${b}"'),
    ('  a: "${b}\n  c: ${d}', "close the quote that begins here", '  a: "${b}"\n  c: ${d}'),
    ("  a: `${b}`", 'put it into quotes: "`${b}`"', '  a: "`${b}`"'),
    ("  - a: ${b}", "without dashes", "  a: ${b}"),
    ("  a: “${b}”", "leave them out", "  a: ${b}"),
    ('  a: "C:\\data ${b}"', "write single quotes", "  a: 'C:\\data ${b}'"),
    ("  default: a\n  a: ${b}", "write it as an attribute: \\@default", "  \\@title: a\n  a: ${b}"),
]


def problems(folder: Path, dialect: str, text: str) -> tuple[Problem, ...]:
    path = folder / f"slips.{dialect}"
    path.write_text({"xml": XML, "yaml": YAML}[dialect] % text, "utf-8")
    try:
        return load_definition("slips", path).warnings
    except InputError as error:
        return error.problems


@pytest.mark.parametrize(
    ("dialect", "slip", "remedy", "mended"),
    [*(("xml", *one) for one in IN_XML), *(("yaml", *one) for one in IN_YAML)],
)
def test_who_follows_the_remedy_has_a_definition(
    tmp_path: Path, dialect: str, slip: str, remedy: str, mended: str
) -> None:
    found = problems(tmp_path, dialect, slip)
    assert any(remedy in problem.remedy for problem in found), found
    assert all(problem.location and problem.location.line > 1 and problem.location.column for problem in found)
    assert problems(tmp_path, dialect, mended) == ()


@pytest.mark.parametrize("text", ["${slit}", "${ slit }", "${a.b-c}", "{111}", "5 $", "$5", "100 % {x y}", "a{0}b"])
def test_what_is_no_slip_is_not_told(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, "xml", f"<slit>{text}</slit>") == ()


@pytest.mark.parametrize("encoding", ["utf8", "UTF_8"])
def test_the_one_encoding_that_is_always_misspelt_is_told(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "slips.xml"
    path.write_text(f'<?xml version="1.0" encoding="{encoding}"?>{XML % "<a>é ${a}</a>"}', "utf-8")
    with pytest.raises(InputError, match=re.escape('write encoding="utf-8"')):
        load_definition("slips", path)


def test_a_file_in_the_other_dialect_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(YAML % "  a: ${b}")
    (tmp_path / "b.yaml").write_text(XML % "<a>${b}</a>")
    for name, remedy in (("a.xml", "name the file .yaml"), ("b.yaml", "name the file .xml")):
        with pytest.raises(InputError) as caught:
            load_definition("slips", tmp_path / name)
        assert remedy in str(caught.value)
