"""Each motor of a list as a field of its own, at the start and at the end of a scan.

The ESRF's definitions have a group `positioners` with two texts, `name` and `value`. Where the config has a list of
Tango attributes for `value` and as many names for `name`, each motor is also written by itself where BLISS's writer
has it: `instrument/positioners_start/<motor>` and `instrument/positioners_end/<motor>`, a number with its own unit,
time and source. The lists of the config are all that is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from nxscribe.errors import Problem, Severity
from nxscribe.model import Definition, Field, Group, Node, Phase, Template
from nxscribe.model.node_names import node_name_problem
from nxscribe.plan.source import Source
from nxscribe.plan.uses import written_nodes

_LIST: Final = "positioners"
_INSTRUMENT: Final = "instrument"
_GROUPS: Final = {
    Phase.INITIAL: ("positioners_start", "Each motor by itself as the scan begins"),
    Phase.FINAL: ("positioners_end", "Each motor by itself as the scan ends"),
}
"""As BLISS's writer calls them."""


@dataclass(frozen=True, slots=True)
class Positioners:
    """A definition with a field for each motor, and the sources of these fields."""

    root: Group
    sources: Mapping[str, Source]
    """By placeholder: `sample_motor_positions.sx`."""
    problems: tuple[Problem, ...]
    """Warnings of lists that do not go together, and of motors that cannot be written."""


@dataclass(frozen=True, slots=True)
class _Motor:
    name: str
    placeholder: str
    source: Source


def with_positioners(definition: Definition, sources: Mapping[str, Source]) -> Positioners:
    """The definition's tree with each motor of its lists at the start and at the end.

    A field that the definition itself has at such a place stands. Without a list nothing is added.
    """
    motors: dict[str, _Motor] = {}
    problems: list[Problem] = []
    for path, node in written_nodes(definition.root):
        if isinstance(node, Group) and node.name == _LIST:
            for found in _motors(path, node, sources):
                if isinstance(found, Problem):
                    problems.append(found)
                elif (other := motors.setdefault(found.name, found)).source.origin != found.source.origin:
                    problems.append(_repeated(found, other))
    root = definition.root
    if motors:
        for phase, (name, description) in _GROUPS.items():
            root = _with_fields(root, name, description, [_field(motor, phase) for motor in motors.values()])
    return Positioners(root, {motor.placeholder: motor.source for motor in motors.values()}, tuple(problems))


def _motors(path: str, group: Group, sources: Mapping[str, Source]) -> Iterator[_Motor | Problem]:
    fields = {field.name: field.template.sole_placeholder for field in group.fields}
    of_names, of_values = fields.get("name"), fields.get("value")
    names, values = sources.get(of_names or ""), sources.get(of_values or "")
    if not (names and values and names.origin.fixed is not None and values.origin.is_list):
        return
    told, members = _words(names.origin.fixed), values.origin.members
    if len(told) != len(members):
        yield Problem(
            f"{path} has {len(told)} names and {len(members)} positions",
            f"the lists `{of_names}` and `{of_values}` are not of one length, so that nobody knows whose a position is",
            "give them the same motors in the same order",
            names.location,
            Severity.WARNING,
            also=(values.location,) if values.location else (),
        )
        return
    for name, origin in zip(told, members, strict=True):
        problem = node_name_problem(name, names.location)
        if problem:
            yield replace(problem, severity=Severity.WARNING)
        if not problem or (problem.severity is Severity.WARNING and not set(name) & set("{}")):
            yield _Motor(name, f"{of_values}.{name}", replace(values, origin=origin, default=None, mandatory=False))


def _words(names: object) -> list[str]:
    values = names if isinstance(names, tuple) else (names,)
    return [word for value in values for word in str(value).split()]


def _repeated(motor: _Motor, other: _Motor) -> Problem:
    return Problem(
        f"the motor {motor.name} is in two lists with two attributes",
        "only the first is written by itself",
        "give one of them another name",
        motor.source.location,
        Severity.WARNING,
        also=(other.source.location,) if other.source.location else (),
    )


def _field(motor: _Motor, phase: Phase) -> Field:
    return Field(
        motor.name,
        Template(f"${{{motor.placeholder}}}"),
        "NX_CHAR_OR_NUMBER",
        record=phase,
        location=motor.source.location,
    )


def _with_fields(root: Group, name: str, description: str, fields: list[Field]) -> Group:
    """The tree with the fields in a group of the instrument, but for those that are there."""
    instrument = _child(root, _INSTRUMENT) or Group(_INSTRUMENT, "NXinstrument")
    if not isinstance(instrument, Group):
        return root  # the definition has something else in its place
    group = _child(instrument, name) or Group(name, "NXcollection", description=description)
    if not isinstance(group, Group):
        return root
    known = {child.name for child in group.children}
    group = replace(group, children=(*group.children, *(field for field in fields if field.name not in known)))
    return _with_child(root, _with_child(instrument, group))


def _child(group: Group, name: str) -> Node | None:
    return next((child for child in group.children if child.name == name), None)


def _with_child(group: Group, child: Node) -> Group:
    """The group with a child in place of the first one of its name."""
    former = _child(group, child.name)
    if former is None:
        return replace(group, children=(*group.children, child))
    return replace(group, children=tuple(child if one is former else one for one in group.children))
