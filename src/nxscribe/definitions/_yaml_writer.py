"""From a document to the YAML dialect, as a person would write it: with short forms if nothing is lost."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from nxscribe.definitions import _yaml_vocabulary as yaml_vocabulary
from nxscribe.definitions._document import Document
from nxscribe.model import Attribute, Field, Group, Link, Node

_WIDTH = 100
# Texts that mean themselves without quotes, whatever stands around them; `null` alone does not.
_PLAIN = re.compile(r"(?!(?:null|Null|NULL)$)[A-Za-z/](?:[\w./ -]*[\w./-])?", re.ASCII)
_PLAIN_KEY = re.compile(r"(?:\\@)?[A-Za-z0-9_][\w.]*(?:\(\w+\)(?:#[0-9]+)?)?", re.ASCII)
# Characters that YAML takes for a line's end, or for a byte order mark, where JSON does not.
_LINE_ENDS = str.maketrans({code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029, 0xFEFF)})
_UNFIT_FOR_BLOCKS = re.compile("[\t\r\x85\u2028\u2029\ufeff]| {2}|(^| )$|^ ", re.MULTILINE)


def to_yaml(document: Document) -> str:
    """The document in the YAML dialect. `read_yaml` gives an equal document; comments and the layout are lost."""
    lines: list[str] = []
    if document.includes:
        lines += [f"{yaml_vocabulary.INCLUDE}:", *(f"  - {_scalar(include.file)}" for include in document.includes), ""]
    lines += [f"{yaml_vocabulary.ENTRY}:", *_group_body(document.root, "  ", spaced=True)]
    return "\n".join(lines) + "\n"


def _group_body(group: Group, indent: str, *, spaced: bool = False) -> Iterator[str]:
    yield from _node_properties(
        yaml_vocabulary.GROUP, {"description": group.description, "override": _flag(group.override)}, indent
    )
    yield from _attributes(group.attributes, indent)
    seen: dict[str, int] = {}
    for child in group.children:
        key = f"{child.name}({_kind(child)})"
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            key = f"{key}#{seen[key]}"
        if spaced and isinstance(child, Group):
            yield ""
        yield from _node(child, f"{indent}{_key(key)}:", indent + "  ")


def _kind(node: Node) -> str:
    match node:
        case Group():
            return node.nx_class
        case Field():
            return node.type
        case Link():
            return yaml_vocabulary.LINK_KIND
        case _:
            assert_never(node)


def _node(node: Node, head: str, indent: str) -> Iterator[str]:
    match node:
        case Group():
            yield head
            yield from _group_body(node, indent)
        case Field():
            yield from _field(node, head, indent)
        case Link():
            properties = {"frames": node.frames.text if node.frames else "", "override": _flag(node.override)}
            yield from _short_or_long(yaml_vocabulary.LINK, "target", node.target, properties, head)


def _field(field: Field, head: str, indent: str) -> Iterator[str]:
    properties = {
        "description": field.description,
        "value": field.template.text,
        "units": field.units,
        "unit_category": field.unit_category,
        "record": field.record or "",
        "mandatory": "required" if field.mandatory else "",
        "deprecated": field.deprecated,
        "override": _flag(field.override),
    }
    if (
        field.default is None
        and not field.attributes
        and not any(properties[key] for key in properties if key != "value")
    ):
        yield f"{head} {_scalar(field.template.text)}"
        return
    yield head
    yield from _node_properties(yaml_vocabulary.FIELD, properties, indent)
    if field.default is not None:
        yield f"{indent}default: {_scalar(field.default)}"
    yield from _attributes(field.attributes, indent)


def _attributes(attributes: Iterable[Attribute], indent: str) -> Iterator[str]:
    for attribute in attributes:
        kind = f"({attribute.type})" if attribute.type != "NX_CHAR" or "(" in attribute.name else ""
        head = f"{indent}{_key(f'{yaml_vocabulary.ATTRIBUTE_SIGN}{attribute.name}{kind}')}:"
        properties = {"override": _flag(attribute.override)}
        yield from _short_or_long(yaml_vocabulary.ATTRIBUTE, "value", attribute.template.text, properties, head)


def _short_or_long(
    words: Mapping[str, str], main: str, text: str, properties: Mapping[str, str], head: str
) -> Iterator[str]:
    """`head: text` when nothing else is said; all properties below the head otherwise."""
    if not any(properties.values()):
        yield f"{head} {_scalar(text)}"
        return
    yield head
    indent = " " * (len(head) - len(head.lstrip()) + 2)
    yield from _node_properties(words, {main: text, **properties}, indent)


def _node_properties(words: Mapping[str, str], properties: Mapping[str, str], indent: str) -> Iterator[str]:
    for word, key in words.items():
        text = properties.get(key, "")
        if text and key == "description":
            yield from _prose(f"{indent}{word}:", text, indent + "  ")
        elif text:
            yield f"{indent}{word}: {_scalar(text)}"


def _prose(head: str, text: str, indent: str) -> Iterator[str]:
    """A long text in YAML's block style, where that gives the same text back."""
    if _UNFIT_FOR_BLOCKS.search(text) or ("\n" not in text and len(head) + len(text) < _WIDTH):
        yield f"{head} {_scalar(text)}"
    elif "\n" in text:
        yield f"{head} |-"
        yield from (f"{indent}{line}" for line in text.split("\n"))
    else:
        yield f"{head} >-"
        width = max(_WIDTH - len(indent), 40)
        lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
        yield from (f"{indent}{line}" for line in lines)


def _scalar(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else _quoted(text)


def _key(text: str) -> str:
    return text if _PLAIN_KEY.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_LINE_ENDS)


def _flag(value: bool) -> str:  # noqa: FBT001 - a value to be spelled, no switch
    return "true" if value else ""
