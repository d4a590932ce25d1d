"""The tree as it will be written: what each node is, where its value comes from, and where it was defined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from nxscribe.definitions import written_names
from nxscribe.errors import Location
from nxscribe.model import Attribute, Field, Group, Phase, Template, units
from nxscribe.plan._built_in_names import BUILT_IN
from nxscribe.plan._capture_plan import CapturePlan

BUILT_IN_WORDS: Final = "built in"
SET_BY_CONTROL: Final = "set by the control system"


class NodeKind(StrEnum):
    """What a node is."""

    GROUP = "group"
    FIELD = "field"
    LINK = "link"
    ATTRIBUTE = "attribute"


@dataclass(frozen=True, slots=True)
class PreviewNode:
    """One node of the entry, before it is written."""

    kind: NodeKind
    name: str
    """Its name in the file."""
    type: str = ""
    """A group's class; a field's or attribute's type."""
    units: str = ""
    """Its unit, with the spelling of the file."""
    phase: Phase | None = None
    mandatory: bool = False
    text: str = ""
    """A field's or attribute's text, such as `${energy}`; a link's target."""
    origins: tuple[tuple[str, str], ...] = ()
    """Each placeholder of the text, with a description of its source."""
    location: Location | None = None
    children: tuple[PreviewNode, ...] = ()


def preview_tree(plan: CapturePlan) -> PreviewNode:
    """The whole entry of a plan."""
    root = plan.definition.root
    return _group(plan, root, root.name)


def _group(plan: CapturePlan, group: Group, name: str) -> PreviewNode:
    return PreviewNode(
        NodeKind.GROUP,
        name,
        group.nx_class,
        location=group.location,
        children=(*_attributes(plan, group.attributes, None), *_children(plan, group)),
    )


def _children(plan: CapturePlan, group: Group) -> Iterator[PreviewNode]:
    for name, child in zip(written_names(group), group.children, strict=True):
        if isinstance(child, Group):
            yield _group(plan, child, name)
        elif isinstance(child, Field):
            yield _field(plan, child, name)
        else:
            yield PreviewNode(NodeKind.LINK, name, text=child.target, location=child.location)


def _field(plan: CapturePlan, field: Field, name: str) -> PreviewNode:
    placeholders = field.template.placeholders
    return PreviewNode(
        NodeKind.FIELD,
        name,
        field.type,
        units.written("", field.units),
        field.record,
        field.mandatory or not plan.mandatory.isdisjoint(placeholders),
        field.template.text,
        _origins(plan, field.template),
        field.location,
        tuple(_attributes(plan, field.attributes, field.record)),
    )


def _attributes(plan: CapturePlan, attributes: tuple[Attribute, ...], phase: Phase | None) -> Iterator[PreviewNode]:
    for attribute in attributes:
        yield PreviewNode(
            NodeKind.ATTRIBUTE,
            attribute.name,
            attribute.type,
            phase=phase,
            text=attribute.template.text,
            origins=_origins(plan, attribute.template),
            location=attribute.location,
        )


def _origins(plan: CapturePlan, template: Template) -> tuple[tuple[str, str], ...]:
    return tuple((name, origin_in_words(plan, name)) for name in dict.fromkeys(template.placeholders))


def origin_in_words(plan: CapturePlan, placeholder: str) -> str:
    """A description of a placeholder's source: a Tango name, an expression, `built in`, `set by the control system`."""
    if source := plan.sources.get(placeholder):
        return source.origin.in_words()
    return BUILT_IN_WORDS if placeholder in BUILT_IN else SET_BY_CONTROL
