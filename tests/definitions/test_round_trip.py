from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from nxscribe.definitions import read_xml, read_yaml, to_xml, to_yaml
from nxscribe.definitions._document import Document, Include
from nxscribe.errors import Location
from nxscribe.model import Attribute, Field, Group, Link, Node, Phase, Template
from nxscribe.model.nexus_types import NX_TYPES, UNIT_CATEGORIES, kind

NOWHERE = Location("")


def bare(node: Node) -> Node:
    """The node without places: what a conversion must keep."""
    if isinstance(node, Link):
        return dataclasses.replace(node, location=None)
    attributes = tuple(dataclasses.replace(one, location=None) for one in node.attributes)
    if isinstance(node, Field):
        return dataclasses.replace(node, location=None, attributes=attributes)
    children = tuple(bare(child) for child in node.children)
    return dataclasses.replace(node, location=None, attributes=attributes, children=children)


def content(document: Document) -> tuple[Node, list[str]]:
    return bare(document.root), [include.file for include in document.includes]


def from_xml(text: str) -> Document:
    return read_xml(text.encode(), "f.xml")


def from_yaml(text: str) -> Document:
    return read_yaml(text.encode(), "f.yaml")


characters = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
texts = (
    (
        st.text(characters | st.sampled_from("\n\r\t\x85\u2028\ufeff &<>\"':#-[]{}%@`|\\"), max_size=30)
        | st.text(" ab\n", max_size=200)
    )
    .map(str.strip)
    .filter(lambda text: "${" not in text and not re.search("&#(?i:x0*[ad]|0*1[03]);", text))
)
names = st.from_regex(r"[A-Za-z0-9_]([A-Za-z0-9_.]{0,8}[A-Za-z0-9_])?", fullmatch=True) | st.sampled_from(
    ["group", "link", "field", "attribute", "include", "doc", "override", "value", "2theta", "a(b)", "a b", "é",
     "a\\@b", "a-b", "a#2", "null", "true", "1.0", "-", "~", "xml:a", "a:", "entry(NXentry)", " a", "a(NX_INT)#3"]
)  # fmt: skip
placeholders = st.from_regex(r"\$\{[\w.\-]{1,8}\}", fullmatch=True)
templates = st.lists(texts | placeholders, max_size=3).map("".join).map(str.strip).map(Template)
types = st.sampled_from(sorted(NX_TYPES))
numbers = st.integers(-9, 9).map(str)


def value_of(type_name: str) -> st.SearchStrategy[str]:
    """What may stand in a value of the type. Words beside a placeholder make neither a number nor a time."""
    wanted = kind(type_name)
    if wanted in ("integer", "float", "number"):
        return numbers | placeholders
    if wanted in ("time", "boolean"):
        return texts | placeholders
    return templates.map(lambda template: template.text)


@st.composite
def attributes(draw: st.DrawFn) -> tuple[Attribute, ...]:
    own = {"units", "description", "source", "timestamp", "quality", "doc", "target", "NX_class"}
    return tuple(
        Attribute(name, Template(draw(value_of(type_name))), type_name, draw(st.booleans()))
        for name in draw(st.lists(names.filter(lambda name: name not in own), max_size=2, unique=True))
        for type_name in [draw(types)]
    )


@st.composite
def fields(draw: st.DrawFn) -> Field:
    type_name = draw(types)
    return Field(
        draw(names),
        Template(draw(value_of(type_name))),
        type=type_name,
        units=draw(texts.filter(lambda text: not text.startswith("NX_"))),
        unit_category=draw(st.sampled_from(["", *sorted(UNIT_CATEGORIES)])),
        record=draw(st.sampled_from([None, *Phase])),
        mandatory=draw(st.booleans()),
        default=draw(st.none() | value_of(type_name)),
        description=draw(texts),
        deprecated=draw(texts),
        override=draw(st.booleans()),
        attributes=draw(attributes()),
    )


paths = st.lists(names.filter(lambda name: name.strip() == name), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)
links = st.builds(
    Link,
    names,
    paths,
    override=st.booleans(),
    frames=st.sampled_from([None, Template("0..3 7"), Template("${first}..${last}")]),
)
classes = st.sampled_from(["NXcollection", "NXsample", "NXCollection", "NXdata"])


def groups(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Group]:
    return st.builds(
        Group,
        names,
        classes,
        children=st.lists(children, max_size=4).map(tuple),
        attributes=attributes(),
        description=texts,
        override=st.booleans(),
    )


entries = groups(st.recursive(fields() | links, groups, max_leaves=6)).map(
    lambda group: dataclasses.replace(group, name="${entry}", nx_class="NXentry")
)
documents = st.builds(
    Document, entries, st.lists(st.builds(Include, texts.filter(bool), st.just(NOWHERE)), max_size=2).map(tuple)
)


@given(documents)
@examples(60)
def test_a_document_comes_back_from_xml_as_it_was(document: Document):
    assert content(from_xml(to_xml(document))) == content(document)


@given(documents)
@examples(60)
def test_a_document_comes_back_from_yaml_as_it_was(document: Document):
    assert content(from_yaml(to_yaml(document))) == content(document)


def test_the_esrfs_own_file_goes_to_yaml_and_back(esrf_file: Path):
    original = read_xml(esrf_file.read_bytes(), "f.xml")
    through = from_yaml(to_yaml(original))
    assert content(through) == content(original)
    assert to_xml(through) == to_xml(original)


def test_yaml_is_written_as_a_person_would():
    document = from_xml(
        '<group NX_class="NXentry" groupName="${entry}"><include file="common/entry.xml"/>'
        '<attribute name="default">plot</attribute><facility>ESRF</facility>'
        '<group NX_class="NXcollection" groupName="initial" ESRF_description="At the start">'
        '<energy NAPItype="NX_FLOAT" units="keV">${energy}</energy>'
        '<link groupName="current" ref="/instrument/source/current_start"/></group></group>'
    )
    assert to_yaml(document) == (
        "include:\n"
        "  - common/entry.xml\n"
        "\n"
        "entry(NXentry):\n"
        "  \\@default: plot\n"
        "  facility(NX_CHAR): ESRF\n"
        "\n"
        "  initial(NXcollection):\n"
        "    doc: At the start\n"
        "    energy(NX_FLOAT):\n"
        '      value: "${energy}"\n'
        "      unit: keV\n"
        "    current(link): /instrument/source/current_start\n"
    )
