"""From what an author wrote, in either dialect, to the model's nodes, with all checks that need no other file.

Both readers hand over texts with their places; what is allowed is decided here and in `facts`, once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from nxscribe.definitions.facts import Facts, Written
from nxscribe.definitions.findings import Findings
from nxscribe.definitions.yaml_words import ATTRIBUTE_SIGN
from nxscribe.errors import Location
from nxscribe.model import Attribute, Field, Group, Link, Node, Template, sequence
from nxscribe.model.names import node_name_problem
from nxscribe.model.nxtypes import is_text_of, kind

_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")
_NUMERIC = ("integer", "float", "number")
_REMEDIES = {"boolean": "write true or false", "time": "write it as in 2026-03-01T12:00:00+01:00"}
_PLACEHOLDER_NAME = re.compile(r"[\w.\-]+")
# What the file's writer sets itself.
_OWN_FIELD_ATTRIBUTES = {
    "units": "it holds the field's unit",
    "description": "it holds the field's description",
    "source": "it tells where the value came from",
    "timestamp": "it tells when the value was true",
    "quality": "it tells how good the reading was",
    "target": "HDF5 links use it",
}
_OWN_GROUP_ATTRIBUTES = {"NX_class": "it holds the group's class", "doc": "it holds the group's description"}


class NodeMaker:
    """Makes nodes, and notes what is wrong with them. A node comes out whatever is wrong, so that reading goes on."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def facts(self, written: Mapping[str, Written], node: Location) -> Facts:
        """The facts about a node at `node`."""
        return Facts(self._findings, written, node)

    def group(self, name: Written, facts: Facts, children: Sequence[Node], attributes: Sequence[Attribute]) -> Group:
        """A group; its facts are `nx_class`, `description`, `override`. The caller has looked at a root's name."""
        self._own_attributes(attributes, _OWN_GROUP_ATTRIBUTES)
        return Group(
            name=name.text,
            nx_class=facts.nx_class(),
            children=tuple(children),
            attributes=tuple(attributes),
            description=facts.prose("description"),
            override=facts.override(),
            location=name.location,
        )

    def field(self, name: Written, value: Written, facts: Facts, attributes: Sequence[Attribute]) -> Field:
        """A field; its facts are named as the attributes of the model's `Field`."""
        self.check_name(name)
        self._own_attributes(attributes, _OWN_FIELD_ATTRIBUTES)
        units, category = facts.units()
        field = Field(
            name=name.text,
            template=self._template(value, facts),
            type=facts.type(),
            units=units,
            unit_category=category,
            record=facts.record(),
            mandatory=facts.mandatory(),
            default=facts.default(),
            description=facts.prose("description"),
            deprecated=facts.prose("deprecated"),
            override=facts.override(),
            attributes=tuple(attributes),
            location=name.location,
        )
        if not field.template.text:
            self._findings.warning(
                f"{name.text!r} says nothing",
                "it has no value and no placeholder",
                "write ${a_placeholder} or a text",
                name.location,
            )
        self._literal(field.template.text, field.type, value.location)
        self._literal(field.default or "", field.type, facts.place("default"))
        return field

    def attribute(self, name: Written, value: Written, facts: Facts) -> Attribute:
        """An attribute of a group or field; its facts are `type` and `override`."""
        self.check_name(name)
        attribute = Attribute(
            name.text, self._template(value, facts), facts.type(), facts.override(), location=name.location
        )
        self._literal(attribute.template.text, attribute.type, value.location)
        return attribute

    def link(self, name: Written, target: Written, facts: Facts) -> Link:
        """A link to `target`, a path from the entry; its facts are `frames` and `override`."""
        self.check_name(name)
        path = facts.clean(target)
        if not path.startswith("/") or any(part in ("", ".", "..") for part in path[1:].split("/")):
            self._findings.error(
                f"{path!r} is no place in the entry",
                "a link names its target from the entry on",
                "write it as /instrument/source/current_start",
                target.location,
            )
        frames = self._template(facts.written["frames"], facts) if facts.text("frames") else None
        self._literal(frames.text if frames else "", "NX_INT", facts.place("frames"))
        return Link(name.text, path, facts.override(), name.location, frames)

    def check_name(self, name: Written) -> None:
        """Note a name that cannot be written, or that NeXus has other rules for."""
        if "${" in name.text:
            self._findings.error(
                f"a placeholder in the name {name.text!r}",
                "only the entry's name is filled in",
                "write a fixed name",
                name.location,
            )
        elif name.text.startswith(ATTRIBUTE_SIGN):
            self._findings.error(
                f"the name {name.text!r} begins with {ATTRIBUTE_SIGN}",
                "that marks an attribute in the YAML dialect",
                "rename it",
                name.location,
            )
        elif problem := node_name_problem(name.text, name.location):
            self._findings.add([problem])

    def _own_attributes(self, attributes: Sequence[Attribute], own: Mapping[str, str]) -> None:
        seen: dict[str, Location] = {}
        for attribute in attributes:
            location = attribute.location or Location("")
            if why := own.get(attribute.name):
                self._findings.error(
                    f"the attribute {attribute.name!r} is written by nxscribe itself", why, "remove it", location
                )
            if first := seen.get(attribute.name):
                self._findings.error(
                    f"the attribute {attribute.name!r} is given twice", "", "remove one", location, first
                )
            seen.setdefault(attribute.name, location)

    def _template(self, value: Written, facts: Facts) -> Template:
        text = facts.clean(value)
        for name in _PLACEHOLDER.findall(text):
            if not _PLACEHOLDER_NAME.fullmatch(name.strip()):
                self._findings.error(
                    f"{name.strip()!r} cannot name a placeholder",
                    "letters, digits, . _ and - can",
                    "write it as ${energy}",
                    value.location,
                )
        if "${" in _PLACEHOLDER.sub("", text):
            self._findings.error(
                f"a placeholder is not closed in {text!r}", "", "write it as ${energy}", value.location
            )
        return Template(text)

    def _literal(self, text: str, type_name: str, place: Location) -> None:
        """Note a fixed text that is no value of its type: nothing will turn it into one later."""
        if not text or "${" in text:
            return
        try:
            several = sequence.expand(text).split() if kind(type_name) in _NUMERIC else [text]
            fits = all(is_text_of(one, type_name) for one in several)
        except ValueError:
            fits = False
        if not fits:
            what, remedy = f"{text!r} is no value of type {type_name}", _REMEDIES.get(kind(type_name), "write numbers")
            # Texts of these types that are none were let pass once, and stand in records.
            note = self._findings.warning if kind(type_name) in _REMEDIES else self._findings.error
            note(what, "it cannot be written", f"{remedy}, or give it the type NX_CHAR", place)
