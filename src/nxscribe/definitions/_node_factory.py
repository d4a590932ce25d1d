"""Makes the nodes of the model from the text of either dialect, with all checks that need only one file.

Both readers give texts with their places. This module and `_node_properties` decide for both what is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nxscribe.definitions._node_properties import NodeProperties, SourceText
from nxscribe.definitions._placeholder_checks import foreign_placeholders, misfit_problems, template_problems
from nxscribe.definitions._yaml_vocabulary import ATTRIBUTE_SIGN
from nxscribe.definitions.diagnostics import Diagnostics
from nxscribe.errors import Location
from nxscribe.model import Attribute, Field, Group, Link, Node, Template, number_ranges
from nxscribe.model.nexus_types import is_text_of, kind
from nxscribe.model.node_names import node_name_problem

_NUMERIC = ("integer", "float", "number")
_REMEDIES = {"boolean": "write true or false", "time": "write it as in 2026-03-01T12:00:00+01:00"}
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
    """Makes nodes, and reports errors. It always returns a node, so that the reading can continue after an error."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self._diagnostics = diagnostics

    def properties(self, written: Mapping[str, SourceText], node: Location) -> NodeProperties:
        """The properties of a node at the place `node`."""
        return NodeProperties(self._diagnostics, written, node)

    def group(
        self, name: SourceText, properties: NodeProperties, children: Sequence[Node], attributes: Sequence[Attribute]
    ) -> Group:
        """Make a group with the properties `nx_class`, `description`, `override`. The caller checks a root's name."""
        self._own_attributes(attributes, _OWN_GROUP_ATTRIBUTES)
        return Group(
            name=name.text,
            nx_class=properties.nx_class(),
            children=tuple(children),
            attributes=tuple(attributes),
            description=properties.prose("description"),
            override=properties.override(),
            location=name.location,
        )

    def field(
        self, name: SourceText, value: SourceText, properties: NodeProperties, attributes: Sequence[Attribute]
    ) -> Field:
        """Make a field. Its properties have the names of the attributes of `Field` in the model."""
        self.check_name(name)
        self._own_attributes(attributes, _OWN_FIELD_ATTRIBUTES)
        units, category = properties.units()
        field = Field(
            name=name.text,
            template=self._template(value, properties),
            type=properties.type(),
            units=units,
            unit_category=category,
            record=properties.record(),
            mandatory=properties.mandatory(),
            default=properties.default(),
            description=properties.prose("description"),
            deprecated=properties.prose("deprecated"),
            override=properties.override(),
            attributes=tuple(attributes),
            location=name.location,
        )
        if not field.template.text:
            self._diagnostics.warning(
                f"{name.text!r} says nothing",
                "it has no value and no placeholder",
                "write ${a_placeholder} or a text",
                name.location,
            )
        self._diagnostics.add(misfit_problems(value, field.type))
        self._literal(field.template.text, field.type, value.location)
        self._literal(field.default or "", field.type, properties.place("default"))
        return field

    def attribute(self, name: SourceText, value: SourceText, properties: NodeProperties) -> Attribute:
        """Make an attribute of a group or a field. Its properties are `type` and `override`."""
        self.check_name(name)
        attribute = Attribute(
            name.text,
            self._template(value, properties),
            properties.type(),
            properties.override(),
            location=name.location,
        )
        self._diagnostics.add(misfit_problems(value, attribute.type))
        self._literal(attribute.template.text, attribute.type, value.location)
        return attribute

    def link(self, name: SourceText, target: SourceText, properties: NodeProperties) -> Link:
        """Make a link to `target`, a path from the entry. Its properties are `frames` and `override`."""
        self.check_name(name)
        path = properties.clean(target)
        if not path.startswith("/") or any(part in ("", ".", "..") for part in path[1:].split("/")):
            self._diagnostics.error(
                f"{path!r} is not a path in the entry",
                "a link names its target from the entry on",
                "write it as /instrument/source/current_start",
                target.location,
            )
        frames = self._template(properties.written["frames"], properties) if properties.text("frames") else None
        self._literal(frames.text if frames else "", "NX_INT", properties.place("frames"))
        return Link(name.text, path, properties.override(), name.location, frames)

    def check_name(self, name: SourceText) -> None:
        """Report a name that cannot be written, or that violates the rules of NeXus."""
        if "${" in name.text:
            self._diagnostics.error(
                f"a placeholder in the name {name.text!r}",
                "only the entry's name is filled in",
                "write a fixed name",
                name.location,
            )
        elif name.text.startswith(ATTRIBUTE_SIGN):
            self._diagnostics.error(
                f"the name {name.text!r} begins with {ATTRIBUTE_SIGN}",
                "that marks an attribute in the YAML dialect",
                "rename it",
                name.location,
            )
        elif name.text.lstrip("\\").startswith("@"):
            word = name.text.lstrip("\\@")
            self._diagnostics.warning(
                f"the name {name.text!r} begins with @",
                "it would stand in the file so",
                f'for an attribute write \\@{word} in YAML, <attribute name="{word}"> in XML',
                name.location,
            )
        elif problem := node_name_problem(name.text, name.location):
            self._diagnostics.add([problem])

    def _own_attributes(self, attributes: Sequence[Attribute], own: Mapping[str, str]) -> None:
        seen: dict[str, Location] = {}
        for attribute in attributes:
            location = attribute.location or Location("")
            if why := own.get(attribute.name):
                self._diagnostics.error(
                    f"the attribute {attribute.name!r} is written by nxscribe itself", why, "remove it", location
                )
            if first := seen.get(attribute.name):
                self._diagnostics.error(
                    f"the attribute {attribute.name!r} is given twice", "", "remove one", location, first
                )
            seen.setdefault(attribute.name, location)

    def _template(self, value: SourceText, properties: NodeProperties) -> Template:
        self._diagnostics.add(template_problems(value))
        return Template(properties.clean(value))

    def _literal(self, text: str, type_name: str, place: Location) -> None:
        """Note a fixed text that is not a value of its type: nothing will turn it into one later."""
        if not text or "${" in text:
            return
        try:
            several = number_ranges.expand(text).split() if kind(type_name) in _NUMERIC else [text]
            fits = all(is_text_of(one, type_name) for one in several)
        except ValueError:
            fits = False
        if not fits:
            what, remedy = (
                f"{text!r} is not a value of type {type_name}",
                _REMEDIES.get(kind(type_name), "write numbers"),
            )
            if meant := next((name for _, _, name in foreign_placeholders(text)), ""):
                remedy = f"write ${{{meant}}} for a placeholder"
            # Texts of these types that are none were let pass once, and stand in records.
            note = self._diagnostics.warning if kind(type_name) in _REMEDIES else self._diagnostics.error
            note(what, "it cannot be written", f"{remedy}, or give it the type NX_CHAR", place)
