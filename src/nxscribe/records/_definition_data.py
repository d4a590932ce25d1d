"""A definition as data. A record contains it together with the text, so that later rules cannot refuse an old scan.

The text (XML) is for people. Its reader checks what authors write, and its rules become stricter with time. The data is
the tree that the reader made when the scan started, and it is read without any check. A record of an early version has
only the text. Then the text is read, and everything that violates the present rules is ignored.
"""

from __future__ import annotations

from typing import Final

import msgspec

from nxscribe.definitions import lenient_definition
from nxscribe.errors import InputError, JournalError, Problem
from nxscribe.model import Attribute, Definition, Field, Group, Link, Node, Phase, Template
from nxscribe.records.record import DefinitionText, DefinitionTree

FORMAT: Final = 1
"""The number of the format. It is increased if older programs could misunderstand a tree, but not for a new field with
a default.
"""


class _Attribute(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    text: str = ""
    type: str = "NX_CHAR"
    override: bool = False


class _Field(msgspec.Struct, frozen=True, omit_defaults=True, tag="field", tag_field="node"):
    name: str
    text: str = ""
    type: str = "NX_CHAR"
    units: str = ""
    unit_category: str = ""
    record: Phase | None = None
    mandatory: bool = False
    default: str | None = None
    description: str = ""
    deprecated: str = ""
    override: bool = False
    attributes: tuple[_Attribute, ...] = ()


class _Link(msgspec.Struct, frozen=True, omit_defaults=True, tag="link", tag_field="node"):
    name: str
    target: str
    override: bool = False
    frames: str | None = None


class _Group(msgspec.Struct, frozen=True, omit_defaults=True, tag="group", tag_field="node"):
    name: str
    nx_class: str
    children: tuple[_Group | _Field | _Link, ...] = ()
    attributes: tuple[_Attribute, ...] = ()
    description: str = ""
    override: bool = False


class _Tree(msgspec.Struct, frozen=True):
    format: int
    root: _Group


class _DefinitionFormat(msgspec.Struct, frozen=True):
    format: int


_format_decoder = msgspec.json.Decoder(_DefinitionFormat)
_decoder = msgspec.json.Decoder(_Tree)


def as_recorded(definition: Definition, text: str) -> DefinitionText:
    """A definition in the form of records: its text and its tree.

    Args:
        definition: The expanded definition.
        text: Its canonical text, which has the checksum `definition.sha256`.
    """
    return DefinitionText(definition.name, definition.sha256, text, tree_of(definition))


def tree_of(definition: Definition) -> DefinitionTree:
    """The tree of a definition as data, without the places in its files."""
    return DefinitionTree(msgspec.json.encode(_Tree(FORMAT, _group(definition.root))))


def recorded_definition(recorded: DefinitionText) -> Definition:
    """The definition of a record, from its data, or from its text if there is no readable data.

    Raises:
        JournalError: There is neither data nor text, or the text is not XML.
    """
    if recorded.tree and _format_decoder.decode(recorded.tree.json).format <= FORMAT:
        return Definition(recorded.name, _group_back(_decoder.decode(recorded.tree.json).root), recorded.sha256)
    try:
        return lenient_definition(recorded.name, recorded.text, recorded.sha256)
    except InputError as error:
        raise JournalError(
            Problem(
                f"the recorded definition {recorded.name} cannot be read",
                str(error.problems[0].what),
                "make the entry with the one of today: `nxscribe regenerate --definition current`",
            )
        ) from error


def _group(group: Group) -> _Group:
    return _Group(
        name=group.name,
        nx_class=group.nx_class,
        children=tuple(map(_node, group.children)),
        attributes=tuple(map(_attribute, group.attributes)),
        description=group.description,
        override=group.override,
    )


def _node(node: Node) -> _Group | _Field | _Link:
    match node:
        case Group():
            return _group(node)
        case Link():
            return _Link(node.name, node.target, node.override, node.frames.text if node.frames else None)
        case Field():
            return _Field(
                name=node.name,
                text=node.template.text,
                type=node.type,
                units=node.units,
                unit_category=node.unit_category,
                record=node.record,
                mandatory=node.mandatory,
                default=node.default,
                description=node.description,
                deprecated=node.deprecated,
                override=node.override,
                attributes=tuple(map(_attribute, node.attributes)),
            )


def _attribute(attribute: Attribute) -> _Attribute:
    return _Attribute(attribute.name, attribute.template.text, attribute.type, attribute.override)


def _group_back(group: _Group) -> Group:
    return Group(
        name=group.name,
        nx_class=group.nx_class,
        children=tuple(map(_node_back, group.children)),
        attributes=tuple(map(_attribute_back, group.attributes)),
        description=group.description,
        override=group.override,
    )


def _node_back(node: _Group | _Field | _Link) -> Node:
    match node:
        case _Group():
            return _group_back(node)
        case _Link():
            frames = None if node.frames is None else Template(node.frames)
            return Link(node.name, node.target, node.override, frames=frames)
        case _Field():
            return Field(
                name=node.name,
                template=Template(node.text),
                type=node.type,
                units=node.units,
                unit_category=node.unit_category,
                record=node.record,
                mandatory=node.mandatory,
                default=node.default,
                description=node.description,
                deprecated=node.deprecated,
                override=node.override,
                attributes=tuple(map(_attribute_back, node.attributes)),
            )


def _attribute_back(attribute: _Attribute) -> Attribute:
    return Attribute(attribute.name, Template(attribute.text), attribute.type, attribute.override)
