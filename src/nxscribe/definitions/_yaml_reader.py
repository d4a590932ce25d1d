"""From the YAML dialect to a document: the notation of the NeXus manual, `name(NXclass):` and `name(NX_FLOAT):`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from nxscribe.definitions import _yaml_vocabulary as yaml_vocabulary
from nxscribe.definitions import synonyms
from nxscribe.definitions._document import ENTRY_NAME, Document, Include, checked
from nxscribe.definitions._node_factory import NodeMaker
from nxscribe.definitions._node_properties import SourceText
from nxscribe.definitions.diagnostics import Diagnostics, did_you_mean, nearest
from nxscribe.definitions.text import brief
from nxscribe.definitions.yaml_positions import FlawedYamlError, YamlNode, load_yaml
from nxscribe.errors import Location, Problem
from nxscribe.model import Attribute, Group, Node
from nxscribe.model.nexus_types import NX_TYPES

# `name(kind)`, and for the second sibling of that name and kind `name(kind)#2`.
# A key whose colon has no space behind it is a text for YAML.
_GLUED = re.compile(r"([\w.\\@-]+(?:\([\w ]*\))?):[\u00a0\u202f\u3000]*([^\s/].*)", re.DOTALL)
_KEY = re.compile(r"(?P<name>.*)\((?P<kind>[^()]*)\)(#[0-9]+)?", re.DOTALL)


def read_yaml(data: bytes, file: str) -> Document:
    """Read one definition file, without its includes.

    Args:
        data: The bytes of the file, in UTF-8.
        file: The name of the file for messages.

    Raises:
        InputError: With all problems that were found. A syntax error ends the reading.
    """
    try:
        return _YamlReader().read(load_yaml(data, file))
    except FlawedYamlError as error:
        if not error.is_whole:
            raise
        return _YamlReader(error.problems).read(error.root)


@dataclass(slots=True)
class _Body:
    """What stands below one key: properties by the model's words, attributes, and, in a group, children."""

    properties: dict[str, SourceText] = field(default_factory=dict)
    attributes: list[Attribute] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)


class _YamlReader:
    def __init__(self, problems: Collection[Problem] = ()) -> None:
        """`problems` are those that were found in the text before."""
        self._diagnostics = Diagnostics()
        self._diagnostics.add(problems)
        self._places = frozenset(problem.location for problem in problems)
        self._make = NodeMaker(self._diagnostics)

    def read(self, top: YamlNode) -> Document:
        known = (yaml_vocabulary.ENTRY, yaml_vocabulary.INCLUDE)
        if isinstance(top.value, str) and top.value.startswith("<"):
            self._diagnostics.error("it looks like XML", "", "name the file .xml", top.location)
        keys = top.value if isinstance(top.value, dict) else {}
        for key in keys:
            if key not in known:
                place = top.key_locations[key]
                self._diagnostics.error(f"unknown key {key!r} at the top", "", did_you_mean(key, known), place)
        if yaml_vocabulary.ENTRY not in keys:
            self._diagnostics.error(
                "the root is not the entry",
                "a definition describes one NXentry, whose name the service gives",
                f"begin with {yaml_vocabulary.ENTRY}:",
                top.location,
            )
        others = [key for key, node in keys.items() if key != yaml_vocabulary.INCLUDE and isinstance(node.value, dict)]
        meant = yaml_vocabulary.ENTRY if yaml_vocabulary.ENTRY in keys else next(iter(others), "")
        if not meant:
            self._diagnostics.check()
        root = self._group(SourceText(ENTRY_NAME, top.key_locations[meant]), "NXentry", keys[meant])
        includes = self._includes(keys[yaml_vocabulary.INCLUDE]) if yaml_vocabulary.INCLUDE in keys else ()
        return checked(Document(root, includes), self._diagnostics)

    def _includes(self, node: YamlNode) -> tuple[Include, ...]:
        files = node.value if isinstance(node.value, list) else [node]
        return tuple(Include(self._text(file, "the file to include").text, file.location) for file in files)

    def _child(self, key: str, place: Location, node: YamlNode, body: _Body) -> None:
        found = _KEY.fullmatch(key)
        if not found:
            body.children.append(self._without_kind(SourceText(key, place), node))
            return
        name, kind = SourceText(found["name"], place), found["kind"].strip()
        if kind == yaml_vocabulary.LINK_KIND:
            body.children.append(self._link(name, node, yaml_vocabulary.LINK))
        elif _is_type(kind):
            body.children.append(self._field(name, kind, node))
        else:
            self._make.check_name(name)
            body.children.append(self._group(name, kind, node))

    def _without_kind(self, name: SourceText, node: YamlNode) -> Node:
        if isinstance(node.value, dict) and "link" in node.value:
            return self._link(name, node, yaml_vocabulary.LINK_BY_KEY)
        return self._field(name, "NX_CHAR", node, hint="if it is a group, write name(NXclass)")

    def _group(self, name: SourceText, nx_class: str, node: YamlNode) -> Group:
        body = _Body()
        if isinstance(node.value, dict):
            for key, below in self._sound(node.value):
                place = node.key_locations[key]
                if key in yaml_vocabulary.GROUP:
                    body.properties[yaml_vocabulary.GROUP[key]] = self._text(below, key)
                elif key.startswith(yaml_vocabulary.ATTRIBUTE_SIGN):
                    body.attributes.append(self._attribute(key, place, below))
                else:
                    self._child(key, place, below, body)
        elif node.value is not None:
            kind = "a list" if isinstance(node.value, list) else "a bare value"
            self._diagnostics.error(f"the group {name.text!r} holds {kind}", "", _as_fields(node), node.location)
        body.properties["nx_class"] = SourceText(nx_class, name.location)
        return self._make.group(
            name, self._make.properties(body.properties, name.location), body.children, body.attributes
        )

    def _field(self, name: SourceText, kind: str, node: YamlNode, hint: str = "") -> Node:
        body = self._body(node, yaml_vocabulary.FIELD, f"the field {name.text!r}", hint)
        body.properties["type"] = SourceText(kind, name.location)
        value = body.properties.pop("value", SourceText("", name.location))
        return self._make.field(name, value, self._make.properties(body.properties, name.location), body.attributes)

    def _link(self, name: SourceText, node: YamlNode, words: Mapping[str, str]) -> Node:
        body = self._body(node, words, f"the link {name.text!r}")
        target = body.properties.pop("target", body.properties.pop("value", SourceText("", name.location)))
        return self._make.link(name, target, self._make.properties(body.properties, name.location))

    def _attribute(self, key: str, place: Location, node: YamlNode) -> Attribute:
        text = key.removeprefix(yaml_vocabulary.ATTRIBUTE_SIGN)
        found = _KEY.fullmatch(text)
        body = self._body(node, yaml_vocabulary.ATTRIBUTE, f"the attribute {text!r}")
        value = body.properties.pop("value", SourceText("", place))
        if found:
            body.properties["type"] = SourceText(found["kind"].strip(), place)
        return self._make.attribute(
            SourceText(found["name"] if found else text, place), value, self._make.properties(body.properties, place)
        )

    def _body(self, node: YamlNode, words: Mapping[str, str], what: str, hint: str = "") -> _Body:
        """The properties below a key; a bare value is its `value`."""
        body = _Body()
        if not isinstance(node.value, dict):
            body.properties["value"] = self._text(node, what, may_be_empty=True)
            if (glued := _GLUED.fullmatch(node.text)) and glued[1] in words:
                self._diagnostics.warning(
                    f"{what} has the value {brief(node.text)!r}",
                    "a space is missing behind the colon",
                    f"write {glued[1]}: {glued[2]}",
                    node.location,
                )
            return body
        for key, below in self._sound(node.value):
            place = node.key_locations[key]
            if key in words:
                body.properties[words[key]] = self._text(below, key, may_be_empty=key == "value")
            elif key.startswith(yaml_vocabulary.ATTRIBUTE_SIGN) and words is yaml_vocabulary.FIELD:
                body.attributes.append(self._attribute(key, place, below))
            else:
                near = synonyms.meant(key, words, synonyms.YAML) or nearest(key, words)
                told = f"did you mean {near!r}?" if near else _other_form(key, below, words)
                remedy = "; ".join(part for part in (told, hint) if part)
                self._diagnostics.error(f"{what} has no {key!r}", "", remedy, place)
                if near and near not in node.value:
                    body.properties[words[near]] = self._text(below, near, may_be_empty=near == "value")
        return body

    def _sound(self, below: Mapping[str, YamlNode]) -> Iterator[tuple[str, YamlNode]]:
        """What stands below a key, aliases left out: no more need be said of them."""
        for key, node in below.items():
            if node.value is not None or node.location not in self._places:
                yield key, node

    def _text(self, node: YamlNode, what: str, *, may_be_empty: bool = False) -> SourceText:
        if isinstance(node.value, list | dict):
            kind = "list" if isinstance(node.value, list) else "mapping"
            self._diagnostics.error(f"a {kind} as {what}", "one text is wanted", "quote it if it is one", node.location)
        elif node.value is None and not may_be_empty:
            self._diagnostics.error(f"{what} is empty", "", "write it, or remove the key", node.location)
        pieces = () if node.indent is None else ((0, node.within(0)),)
        return SourceText("" if node.value is None else node.text, node.location, pieces)


def _is_type(kind: str) -> bool:
    """Whether what stands in a key's parentheses is a field's type, be it misspelt, and not a group's class."""
    word = kind.upper()
    return word.startswith("NX_") or word in ("ISO8601", *map(str.upper, synonyms.TYPES)) or f"NX_{word}" in NX_TYPES


def _as_fields(node: YamlNode) -> str:
    """How to write below a group what its author wrote in another way."""
    if isinstance(node.value, list):
        return "write its fields below it without dashes"
    if glued := _GLUED.fullmatch(node.text):
        return f"put an ordinary space behind the colon: {glued[1]}: {glued[2]}"
    if found := re.fullmatch(r"([\w.-]+(?:\([\w ]*\))?)\s*[\uff1a]?\s+(\S.*)", node.text):
        return f"put a colon and a space behind the name: {found[1]}: {found[2]}"
    return "write its fields below it"


def _other_form(key: str, below: YamlNode, words: Mapping[str, str]) -> str:
    """How to write what its author wrote as a key that is not known."""
    if below.value is None and not below.text and re.fullmatch(r"[^\W\d][\w.\-]*", key):
        return f"write ${{{key}}} if a placeholder is meant"
    if key.lower() in ("type", "napitype"):
        return f"write it behind the name, in parentheses: name({below.text or 'NX_FLOAT'})"
    if key.startswith("@"):
        return f"write \\{key} for an attribute"
    return did_you_mean(key, words)
