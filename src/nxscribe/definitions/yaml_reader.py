"""The YAML dialect to a document: the notation of the NeXus manual, `name(NXclass):` and `name(NX_FLOAT):`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from nxscribe.definitions import yaml_words
from nxscribe.definitions.document import ENTRY_NAME, Document, Include, checked
from nxscribe.definitions.facts import Written
from nxscribe.definitions.findings import Findings, did_you_mean, nearest
from nxscribe.definitions.located import FlawedYamlError, Located, load_located
from nxscribe.definitions.nodes import NodeMaker
from nxscribe.errors import Location, Problem
from nxscribe.model import Attribute, Group, Node

# `name(kind)`, and for the second sibling of that name and kind `name(kind)#2`.
_KEY = re.compile(r"(?P<name>.*)\((?P<kind>[^()]*)\)(#[0-9]+)?", re.DOTALL)


def read_yaml(data: bytes, file: str) -> Document:
    """Read one definition file, its includes not expanded.

    Args:
        data: The file's bytes, UTF-8.
        file: The name that locations shall carry.

    Raises:
        InputError: With every problem that was found; a syntax error ends the search.
    """
    try:
        return _Reader().read(load_located(data, file))
    except FlawedYamlError as error:
        if not error.is_whole:
            raise
        return _Reader(error.problems).read(error.root)


@dataclass(slots=True)
class _Body:
    """What stands below one key: facts by the model's words, attributes, and, in a group, children."""

    facts: dict[str, Written] = field(default_factory=dict)
    attributes: list[Attribute] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)


class _Reader:
    def __init__(self, problems: Collection[Problem] = ()) -> None:
        """`problems` were found in the text already."""
        self._findings = Findings()
        self._findings.add(problems)
        self._places = frozenset(problem.location for problem in problems)
        self._make = NodeMaker(self._findings)

    def read(self, top: Located) -> Document:
        known = (yaml_words.ENTRY, yaml_words.INCLUDE)
        keys = top.value if isinstance(top.value, dict) else {}
        for key in keys:
            if key not in known:
                place = top.key_locations[key]
                self._findings.error(f"unknown key {key!r} at the top", "", did_you_mean(key, known), place)
        if yaml_words.ENTRY not in keys:
            self._findings.error(
                "the root is not the entry",
                "a definition describes one NXentry, whose name the service gives",
                f"begin with {yaml_words.ENTRY}:",
                top.location,
            )
        others = [key for key, node in keys.items() if key != yaml_words.INCLUDE and isinstance(node.value, dict)]
        meant = yaml_words.ENTRY if yaml_words.ENTRY in keys else next(iter(others), "")
        if not meant:
            self._findings.check()
        root = self._group(Written(ENTRY_NAME, top.key_locations[meant]), "NXentry", keys[meant])
        includes = self._includes(keys[yaml_words.INCLUDE]) if yaml_words.INCLUDE in keys else ()
        return checked(Document(root, includes), self._findings)

    def _includes(self, node: Located) -> tuple[Include, ...]:
        files = node.value if isinstance(node.value, list) else [node]
        return tuple(Include(self._text(file, "the file to include").text, file.location) for file in files)

    def _child(self, key: str, place: Location, node: Located, body: _Body) -> None:
        found = _KEY.fullmatch(key)
        if not found:
            body.children.append(self._without_kind(Written(key, place), node))
            return
        name, kind = Written(found["name"], place), found["kind"].strip()
        if kind == yaml_words.LINK_KIND:
            body.children.append(self._link(name, node, yaml_words.LINK))
        elif kind.startswith("NX_") or kind == "ISO8601":
            body.children.append(self._field(name, kind, node))
        else:
            self._make.check_name(name)
            body.children.append(self._group(name, kind, node))

    def _without_kind(self, name: Written, node: Located) -> Node:
        if isinstance(node.value, dict) and "link" in node.value:
            return self._link(name, node, yaml_words.LINK_BY_KEY)
        return self._field(name, "NX_CHAR", node, hint="if it is a group, write name(NXclass)")

    def _group(self, name: Written, nx_class: str, node: Located) -> Group:
        body = _Body()
        if isinstance(node.value, dict):
            for key, below in self._sound(node.value):
                place = node.key_locations[key]
                if key in yaml_words.GROUP:
                    body.facts[yaml_words.GROUP[key]] = self._text(below, key)
                elif key.startswith(yaml_words.ATTRIBUTE_SIGN):
                    body.attributes.append(self._attribute(key, place, below))
                else:
                    self._child(key, place, below, body)
        elif node.value is not None:
            self._findings.error(
                f"the group {name.text!r} holds a bare value", "", "write its fields below it", node.location
            )
        body.facts["nx_class"] = Written(nx_class, name.location)
        return self._make.group(name, self._make.facts(body.facts, name.location), body.children, body.attributes)

    def _field(self, name: Written, kind: str, node: Located, hint: str = "") -> Node:
        body = self._body(node, yaml_words.FIELD, f"the field {name.text!r}", hint)
        body.facts["type"] = Written(kind, name.location)
        value = body.facts.pop("value", Written("", name.location))
        return self._make.field(name, value, self._make.facts(body.facts, name.location), body.attributes)

    def _link(self, name: Written, node: Located, words: Mapping[str, str]) -> Node:
        body = self._body(node, words, f"the link {name.text!r}")
        target = body.facts.pop("target", body.facts.pop("value", Written("", name.location)))
        return self._make.link(name, target, self._make.facts(body.facts, name.location))

    def _attribute(self, key: str, place: Location, node: Located) -> Attribute:
        text = key.removeprefix(yaml_words.ATTRIBUTE_SIGN)
        found = _KEY.fullmatch(text)
        body = self._body(node, yaml_words.ATTRIBUTE, f"the attribute {text!r}")
        value = body.facts.pop("value", Written("", place))
        if found:
            body.facts["type"] = Written(found["kind"].strip(), place)
        return self._make.attribute(
            Written(found["name"] if found else text, place), value, self._make.facts(body.facts, place)
        )

    def _body(self, node: Located, words: Mapping[str, str], what: str, hint: str = "") -> _Body:
        """The facts below a key; a bare value is its `value`."""
        body = _Body()
        if not isinstance(node.value, dict):
            body.facts["value"] = self._text(node, what, may_be_empty=True)
            return body
        for key, below in self._sound(node.value):
            place = node.key_locations[key]
            if key in words:
                body.facts[words[key]] = self._text(below, key, may_be_empty=key == "value")
            elif key.startswith(yaml_words.ATTRIBUTE_SIGN) and words is yaml_words.FIELD:
                body.attributes.append(self._attribute(key, place, below))
            else:
                remedy = "; ".join(part for part in (did_you_mean(key, words), hint) if part)
                self._findings.error(f"{what} has no {key!r}", "", remedy, place)
                if (near := nearest(key, words)) and near not in node.value:
                    body.facts[words[near]] = self._text(below, near, may_be_empty=near == "value")
        return body

    def _sound(self, below: Mapping[str, Located]) -> Iterator[tuple[str, Located]]:
        """What stands below a key, aliases left out: no more need be said of them."""
        for key, node in below.items():
            if node.value is not None or node.location not in self._places:
                yield key, node

    def _text(self, node: Located, what: str, *, may_be_empty: bool = False) -> Written:
        if isinstance(node.value, list | dict):
            kind = "list" if isinstance(node.value, list) else "mapping"
            self._findings.error(f"a {kind} as {what}", "one text is wanted", "quote it if it is one", node.location)
        elif node.value is None and not may_be_empty:
            self._findings.error(f"{what} is empty", "", "write it, or remove the key", node.location)
        return Written("" if node.value is None else node.text, node.location)
