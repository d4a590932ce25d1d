from __future__ import annotations

import importlib.resources
import re
from pathlib import Path

import pytest
from lxml import etree

from nxscribe.model.nexus_types import NX_TYPES, UNIT_CATEGORIES, kind


def members(union: str) -> set[str]:
    schema = Path(str(importlib.resources.files("nexusformat"))) / "definitions" / "nxdlTypes.xsd"
    name = "{http://www.w3.org/2001/XMLSchema}simpleType"
    restriction = next(node for node in etree.parse(schema).iter(name) if node.get("name") == union)
    text = " ".join(node.get("memberTypes", "") for node in restriction.iter())
    return set(re.findall(r"nxdl:(\w+)", text))


def test_every_unit_category_of_the_nexus_schema_is_known():
    assert members("anyUnitsAttr") == UNIT_CATEGORIES


def test_every_type_of_the_nexus_schema_is_known():
    assert members("primitiveType") <= NX_TYPES
    assert "NX_CHAR" in members("primitiveType")


@pytest.mark.parametrize(
    ("type_name", "expected"),
    [
        ("NX_CHAR", "text"),
        ("NX_FLOAT64", "float"),
        ("NX_POSINT", "integer"),
        ("NX_UINT16", "integer"),
        ("NX_NUMBER", "number"),
        ("NX_BOOLEAN", "boolean"),
        ("NX_DATE_TIME", "time"),
        ("NX_CHAR_OR_NUMBER", "any"),
    ],
)
def test_a_type_has_a_kind(type_name: str, expected: str):
    assert kind(type_name) == expected


def test_an_unknown_type_has_no_kind():
    assert "NX_STRING" not in NX_TYPES
    with pytest.raises(KeyError):
        kind("NX_STRING")
