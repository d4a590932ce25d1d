"""The XML dialect as an XML Schema (XSD 1.0) for editors. `nxscribe check` finds more errors.

The tag of a field is its name, and XSD cannot express "any other tag". Therefore each name that is in use is declared.
A field with another name is allowed, and its attributes are not checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from nxscribe.definitions import _xml_vocabulary as xml_vocabulary
from nxscribe.model import Phase
from nxscribe.model.nexus_types import NX_TYPES, UNIT_CATEGORIES

_TYPES: Final = {
    "type": "NAPItype",
    "unit_category": "NX_units",
    "record": "record",
    "mandatory": "mandatory",
    "override": "flag",
    "nx_class": "NX_class",
}
_HEAD: Final = """\
<?xml version="1.0" encoding="utf-8"?>
<!-- Made by `python -m nxscribe.service.schemas`: do not edit. -->
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:annotation>
    <xs:documentation>A definition of nxscribe, in the XML dialect, which is the ESRF's and more.</xs:documentation>
  </xs:annotation>
"""


def xml_schema(field_names: Iterable[str]) -> str:
    """The text of the schema. `field_names` are the tags that it declares."""
    names = sorted(set(field_names) - xml_vocabulary.RESERVED.keys() - {"field"})
    return "".join(
        [
            _HEAD,
            _choices("NAPItype", sorted(NX_TYPES)),
            _choices("NX_units", ["", *sorted(UNIT_CATEGORIES)]),
            _choices("record", ["", *(phase.value for phase in Phase)]),
            _pattern("mandatory", "([Mm]andatory|[Rr]equired|[Oo]ptional)?"),
            _choices("flag", ["", "true", "false"]),
            _pattern("NX_class", "NX[A-Za-z0-9_]+"),
            _complex("Group", xml_vocabulary.GROUP, xml_vocabulary.REQUIRED["group"], _ANYTHING),
            _complex("Field", xml_vocabulary.FIELD, (), _ATTRIBUTES),
            _complex("NamedField", xml_vocabulary.NAMED_FIELD, (), _ATTRIBUTES),
            _complex("Link", xml_vocabulary.LINK, xml_vocabulary.REQUIRED["link"]),
            _complex("Attribute", xml_vocabulary.ATTRIBUTE, xml_vocabulary.REQUIRED["attribute"], mixed=True),
            _complex("Include", xml_vocabulary.INCLUDE, xml_vocabulary.REQUIRED["include"]),
            *(_element(tag, tag.capitalize()) for tag in xml_vocabulary.RESERVED),
            _element("field", "NamedField"),
            *(_element(name, "Field") for name in names),
            "</xs:schema>\n",
        ]
    )


_ANYTHING: Final = '<xs:any namespace="##local" processContents="lax" minOccurs="0" maxOccurs="unbounded"/>'
_ATTRIBUTES: Final = '<xs:element ref="attribute" minOccurs="0" maxOccurs="unbounded"/>'


def _element(name: str, kind: str) -> str:
    return f'  <xs:element name="{name}" type="{kind}"/>\n'


def _choices(name: str, choices: Iterable[str]) -> str:
    items = "".join(f'      <xs:enumeration value="{choice}"/>\n' for choice in choices)
    return _simple(name, items)


def _pattern(name: str, pattern: str) -> str:
    return _simple(name, f'      <xs:pattern value="{pattern}"/>\n')


def _simple(name: str, restriction: str) -> str:
    return (
        f'  <xs:simpleType name="{name}">\n    <xs:restriction base="xs:token">\n{restriction}'
        "    </xs:restriction>\n  </xs:simpleType>\n"
    )


def _complex(
    name: str, words: Mapping[str, str], required: Iterable[str], content: str = "", *, mixed: bool = False
) -> str:
    mixed = mixed or content == _ATTRIBUTES
    lines = [f'  <xs:complexType name="{name}"{" mixed=" + chr(34) + "true" + chr(34) if mixed else ""}>']
    if content:
        lines += ["    <xs:sequence>", f"      {content}", "    </xs:sequence>"]
    for word, meaning in words.items():
        use = ' use="required"' if word in required else ""
        lines.append(f'    <xs:attribute name="{word}" type="{_TYPES.get(meaning, "xs:string")}"{use}/>')
    return "\n".join([*lines, "  </xs:complexType>\n"])
