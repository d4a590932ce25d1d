"""Checks of the sources and units of a technique, before any scan."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase

from nxscribe.definitions import can_name_placeholder
from nxscribe.definitions.diagnostics import close_words
from nxscribe.errors import Location, Problem, Severity
from nxscribe.model import Definition, Field, units
from nxscribe.model.nexus_types import NX_TYPES, is_text_of, kind
from nxscribe.plan._built_in_names import BUILT_IN
from nxscribe.plan._capture_plan import CapturePlan
from nxscribe.plan.source import Source
from nxscribe.plan.uses import Use, written_nodes

_NOT_NUMBERS = {"boolean", "time"}
_CLOSE = 0.85
_GUESSED = 200
"""For up to so many names, similar known names are looked for. If more have no source, they are not misspelt."""


def check_sources(
    plan: CapturePlan, uses: tuple[Use, ...], offered: Mapping[str, Source], parameters: Collection[str]
) -> Iterator[Problem]:
    """Warn of placeholders without a source. It is an error if such a placeholder is mandatory."""
    patterns = [name for name in parameters if is_pattern(name)]
    known = {*offered, *BUILT_IN, *parameters} - set(patterns)
    told: set[str] = set()
    for path, node in written_nodes(plan.definition.root):
        if isinstance(node, Field) and node.mandatory and not node.template.text and node.default is None:
            why, remedy = "it has neither a value nor a placeholder", "write ${a_placeholder}, or a text"
            yield Problem(f"the mandatory {path} can never have a value", why, remedy, node.location)
    for use in uses:
        name = use.placeholder
        if not can_name_placeholder(name):
            continue  # told where the definition is read
        if name in known or name in told or any(fnmatchcase(name, pattern) for pattern in patterns):
            continue
        told.add(name)
        mandatory = name in plan.mandatory and use.default is None
        near = known if len(told) <= _GUESSED else ()
        yield Problem(
            f"the {'mandatory ' if mandatory else ''}placeholder ${{{name}}} of {use.path} has no source",
            "only the control system can set it",
            f"{_did_you_mean(name, near)}give it a source in the config, or list it there under `parameters`",
            use.location,
            Severity.ERROR if mandatory else Severity.WARNING,
            subject=use.path,
            alike="are mandatory and have no source" if mandatory else "have no source",
            remedy_for_many="give them sources in the config, or list them there under `parameters`: `*` and `?` stand "
            "for letters",
        )
    blamed = _mandatory_by_operand(plan, offered)
    for name, operands in plan.operands.items():
        for operand in sorted(operands - known - told):
            if any(fnmatchcase(operand, pattern) for pattern in patterns):
                continue
            told.add(operand)
            never = blamed.get(operand)
            near = known if len(told) <= _GUESSED else ()
            yield Problem(
                f"the expression of ${{{name}}} needs ${{{operand}}}, which has no source",
                f"the mandatory ${{{never}}} can never have a value" if never else "only the control system can set it",
                f"{_did_you_mean(operand, near)}give it a source in the config, or list it there under `parameters`",
                offered[name].location,
                Severity.ERROR if never else Severity.WARNING,
            )


def _mandatory_by_operand(plan: CapturePlan, offered: Mapping[str, Source]) -> dict[str, str]:
    """For each placeholder the first by name of the mandatory ones that have no value without it: a default does
    without.
    """
    blamed = {name: name for name in plan.mandatory}
    for name in reversed(tuple(plan.operands)):  # whoever needs others comes before those
        has_default = name in plan.defaults or offered[name].default is not None
        if name in blamed and not has_default:
            for operand in plan.operands[name]:
                blamed[operand] = min(blamed[name], blamed.get(operand, blamed[name]))
    return blamed


def check_units(uses: tuple[Use, ...], offered: Mapping[str, Source], definition: Definition) -> Iterator[Problem]:
    """Compare the unit of each field with its category and with the unit of its source. Warn of unknown units."""
    for path, node in written_nodes(definition.root):
        if isinstance(node, Field):
            yield from _check_field_units(path, node)
    for name, source in offered.items():
        if not units.is_known(source.unit):
            yield _unknown_unit(source.unit, f"the source of ${{{name}}}", source.location)
    for use in uses:
        if use.field and (used := offered.get(use.placeholder)):
            yield from _check_source_fits(use, use.field, used)


def _check_field_units(path: str, field: Field) -> Iterator[Problem]:
    if not units.is_known(field.units):
        yield _unknown_unit(field.units, path, field.location)
    elif not units.fits(field.units, field.unit_category):
        yield Problem(
            f"{path} has the unit {field.units!r}, which is not of {field.unit_category}",
            "the two measure different things",
            "mend one of them",
            field.location,
        )


def _check_source_fits(use: Use, field: Field, source: Source) -> Iterator[Problem]:
    also = (source.location,) if source.location else ()
    if not (source.unit and units.is_known(source.unit)):
        pass
    elif field.units and units.is_known(field.units) and not units.convertible(source.unit, field.units):
        yield Problem(
            f"{use.path} is in {field.units!r}, but the source of ${{{use.placeholder}}} is in {source.unit!r}",
            "the one cannot be converted into the other",
            "correct the unit in the definition or in the config",
            use.location,
            also=also,
        )
    elif not field.units and not units.fits(source.unit, field.unit_category):
        yield Problem(
            f"{use.path} is of {field.unit_category}, but the source of ${{{use.placeholder}}} is in {source.unit!r}",
            "the unit is of another kind",
            "correct the definition's NX_units or the config's unit",
            use.location,
            also=also,
        )
    value = source.default if source.origin.fixed is None else source.origin.fixed
    if not _fits(value, field.type):
        yield Problem(
            f"{use.path} is of type {field.type}, but the source of ${{{use.placeholder}}} gives {value!r}",
            f"that is not a {kind(field.type) if kind(field.type) in _NOT_NUMBERS else 'number'}",
            "correct the type in the definition or the value in the config",
            use.location,
            also=also,
        )


def _unknown_unit(unit: str, whose: str, location: Location | None) -> Problem:
    return Problem(
        f"{unit!r}, the unit of {whose}, is not a known unit",
        "it is kept as a text; values cannot be converted from or to it",
        "spell it as in `mm`, `1/s`, `Gy/s/mA`",
        location,
        Severity.WARNING,
    )


def _fits(value: object, type_name: str) -> bool:
    if value is None or type_name not in NX_TYPES or kind(type_name) == "text":
        return True
    if isinstance(value, tuple):
        return all(_fits(one, type_name) for one in value)
    if not isinstance(value, str):
        return kind(type_name) != "time"
    if kind(type_name) in _NOT_NUMBERS:
        return is_text_of(value, type_name)
    # A text may hold several numbers; one that is not an integer is written as it is.
    return kind(type_name) == "any" or all(is_text_of(one, "NX_NUMBER") for one in value.split())


def is_pattern(name: str) -> bool:
    """Whether a parameter of the config is a pattern for several names."""
    return any(character in name for character in "*?[")


def _did_you_mean(name: str, known: Collection[str]) -> str:
    """A suggestion, unless the two differ in numbers alone, as detectors 01 and 02 do."""
    for close in close_words(name, known, few=3, cutoff=_CLOSE):
        if re.sub(r"\d", "", close) != re.sub(r"\d", "", name):
            return f"did you mean ${{{close}}}? if not, "
    return ""
