"""From a document to the XML dialect: one line for each node, in a fixed order, so that equal trees give equal texts.

A record contains this text, and the checksum of a definition is that of this text. A change here changes both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from nxscribe.definitions import _xml_vocabulary as xml_vocabulary
from nxscribe.definitions._document import Document
from nxscribe.model import Attribute, Field, Group, Link, Node

# The part of XML's names that is also fit for every reader: no colon, ASCII letters first.
_TAG = re.compile(r"[A-Za-z_][\w.\-]*", re.ASCII)
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE_ESCAPES = _ESCAPES | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})


def to_xml(document: Document) -> str:
    """The document in the XML dialect. `read_xml` gives an equal document; comments and the layout are lost."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', *_group(document.root, "", document)]
    return "\n".join(lines) + "\n"


def _node(node: Node, indent: str) -> Iterator[str]:
    match node:
        case Group():
            yield from _group(node, indent)
        case Field():
            yield from _field(node, indent)
        case Link():
            frames = node.frames.text if node.frames else ""
            properties = {"name": node.name, "target": node.target, "frames": frames, "override": _flag(node.override)}
            yield f"{indent}<link{_attributes(xml_vocabulary.LINK, properties)}/>"
        case _:
            assert_never(node)


def _group(group: Group, indent: str, document: Document | None = None) -> Iterator[str]:
    properties = {
        "name": group.name,
        "nx_class": group.nx_class,
        "description": group.description,
        "override": _flag(group.override),
    }
    head = f"{indent}<group{_attributes(xml_vocabulary.GROUP, properties)}"
    inner = indent + "  "
    includes = document.includes if document else ()
    body = [f"{inner}<include{_attributes(xml_vocabulary.INCLUDE, {'file': include.file})}/>" for include in includes]
    body += _hdf5_attributes(group.attributes, inner)
    for child in group.children:
        body += _node(child, inner)
    yield from (f"{head}>", *body, f"{indent}</group>") if body else (f"{head}/>",)


def _field(field: Field, indent: str) -> Iterator[str]:
    properties = {
        "type": field.type,
        "units": field.units,
        "unit_category": field.unit_category,
        "record": field.record or "",
        "mandatory": "Mandatory" if field.mandatory else "",
        "description": field.description,
        "deprecated": field.deprecated,
        "override": _flag(field.override),
    }
    plain = _TAG.fullmatch(field.name) and field.name not in (*xml_vocabulary.RESERVED, "field")
    tag = field.name if plain else "field"
    if not plain:
        properties["name"] = field.name
    head = f"{indent}<{tag}{_attributes(xml_vocabulary.NAMED_FIELD, properties, default=field.default)}>"
    text = field.template.text.translate(_ESCAPES)
    if not field.attributes:
        yield f"{head}{text}</{tag}>"
    else:
        yield f"{head}{text}"
        yield from _hdf5_attributes(field.attributes, indent + "  ")
        yield f"{indent}</{tag}>"


def _hdf5_attributes(attributes: Iterable[Attribute], indent: str) -> Iterator[str]:
    for attribute in attributes:
        kind = "" if attribute.type == "NX_CHAR" else attribute.type
        properties = {"name": attribute.name, "type": kind, "override": _flag(attribute.override)}
        text = attribute.template.text.translate(_ESCAPES)
        yield f"{indent}<attribute{_attributes(xml_vocabulary.ATTRIBUTE, properties)}>{text}</attribute>"


def _attributes(words: Mapping[str, str], properties: Mapping[str, str], default: str | None = None) -> str:
    """The properties that say something, in the order of the dialect's table; an empty default says something too."""
    said = {key: text for key, text in properties.items() if text}
    if default is not None:
        said["default"] = default
    return "".join(f' {word}="{said[key].translate(_ATTRIBUTE_ESCAPES)}"' for word, key in words.items() if key in said)


def _flag(value: bool) -> str:  # noqa: FBT001 - a value to be spelled, no switch
    return "true" if value else ""
