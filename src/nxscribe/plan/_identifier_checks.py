"""Checks whether the persistent identifiers in a definition or a config are well formed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nxscribe.errors import Location, Problem, Severity
from nxscribe.model import Definition, Field
from nxscribe.model.identifiers import identifier_kind, identifier_problem
from nxscribe.plan.source import Source
from nxscribe.plan.uses import written_nodes


def check_identifiers(definition: Definition, offered: Mapping[str, Source]) -> Iterator[Problem]:
    """Warn of each identifier that is not well formed. One that is read from a device cannot be checked yet."""
    fixed = {name: text for name, source in offered.items() if isinstance(text := source.origin.fixed, str)}
    for path, node in written_nodes(definition.root):
        if not isinstance(node, Field):
            continue
        kind = identifier_kind(
            node.name, next((one.template.text for one in node.attributes if one.name == "type"), "")
        )
        names = node.template.placeholders
        if names and fixed.keys() >= set(names):
            yield from _judge(kind, node.template.fill(fixed), path, offered[names[0]].location, node.location)
        elif not names:
            yield from _judge(kind, node.template.text, path, node.location)
        yield from _judge(kind, node.default or "", path, node.location)
        if node.template.sole_placeholder and (source := offered.get(names[0])):
            yield from _judge(kind, source.default or "", path, source.location, node.location)


def _judge(kind: str, text: str, path: str, place: Location | None, *also: Location | None) -> Iterator[Problem]:
    if text and (why := identifier_problem(kind, text)):
        what = f"{text!r}, the value of {path}, is not a valid {kind}"
        yield Problem(what, why, "correct it", place, Severity.WARNING, tuple(one for one in also if one))
