"""A document to the XML dialect: one line per node, everything in a fixed order, so that equal trees read equal.

The text is what a record keeps of a definition, and what its sha256 is of: a change here changes both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from nxscribe.definitions import xml_words
from nxscribe.definitions.document import Document
from nxscribe.model import Attribute, Field, Group, Link, Node

# The part of XML's names that is also fit for every reader: no colon, ASCII letters first.
_TAG = re.compile(r"[A-Za-z_][\w.\-]*", re.ASCII)
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE_ESCAPES = _ESCAPES | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})


def to_xml(document: Document) -> str:
    """The document in the XML dialect; `read_xml` gives it back, but for comments and the way it was laid out."""
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
            facts = {"name": node.name, "target": node.target, "frames": frames, "override": _flag(node.override)}
            yield f"{indent}<link{_attributes(xml_words.LINK, facts)}/>"
        case _:
            assert_never(node)


def _group(group: Group, indent: str, document: Document | None = None) -> Iterator[str]:
    facts = {
        "name": group.name,
        "nx_class": group.nx_class,
        "description": group.description,
        "override": _flag(group.override),
    }
    head = f"{indent}<group{_attributes(xml_words.GROUP, facts)}"
    inner = indent + "  "
    includes = document.includes if document else ()
    body = [f"{inner}<include{_attributes(xml_words.INCLUDE, {'file': include.file})}/>" for include in includes]
    body += _hdf5_attributes(group.attributes, inner)
    for child in group.children:
        body += _node(child, inner)
    yield from (f"{head}>", *body, f"{indent}</group>") if body else (f"{head}/>",)


def _field(field: Field, indent: str) -> Iterator[str]:
    facts = {
        "type": field.type,
        "units": field.units,
        "unit_category": field.unit_category,
        "record": field.record or "",
        "mandatory": "Mandatory" if field.mandatory else "",
        "description": field.description,
        "deprecated": field.deprecated,
        "override": _flag(field.override),
    }
    plain = _TAG.fullmatch(field.name) and field.name not in (*xml_words.RESERVED, "field")
    tag = field.name if plain else "field"
    if not plain:
        facts["name"] = field.name
    head = f"{indent}<{tag}{_attributes(xml_words.NAMED_FIELD, facts, default=field.default)}>"
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
        facts = {"name": attribute.name, "type": kind, "override": _flag(attribute.override)}
        text = attribute.template.text.translate(_ESCAPES)
        yield f"{indent}<attribute{_attributes(xml_words.ATTRIBUTE, facts)}>{text}</attribute>"


def _attributes(words: Mapping[str, str], facts: Mapping[str, str], default: str | None = None) -> str:
    """The facts that say something, in the order of the dialect's table; an empty default says something too."""
    said = {fact: text for fact, text in facts.items() if text}
    if default is not None:
        said["default"] = default
    return "".join(
        f' {word}="{said[fact].translate(_ATTRIBUTE_ESCAPES)}"' for word, fact in words.items() if fact in said
    )


def _flag(value: bool) -> str:  # noqa: FBT001 - a value to be spelled, no switch
    return "true" if value else ""
