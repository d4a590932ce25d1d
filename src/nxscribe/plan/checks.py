"""What can be known to be wrong with a technique's sources and units before any scan."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase

from nxscribe.errors import Location, Problem, Severity
from nxscribe.model import Definition, Field, Template, units
from nxscribe.model.nxtypes import NX_TYPES, is_text_of, kind
from nxscribe.plan.built_in import BUILT_IN
from nxscribe.plan.capture_plan import CapturePlan
from nxscribe.plan.sources import ExpressionSource, LiteralSource, Source
from nxscribe.plan.uses import Use, written_nodes

_NOT_NUMBERS = {"boolean", "time"}
_CLOSE = 0.85


def check_sources(
    plan: CapturePlan, uses: tuple[Use, ...], offered: Mapping[str, Source], parameters: Collection[str]
) -> Iterator[Problem]:
    """Warn of placeholders that nothing fills; a mandatory one that nothing can fill is an error."""
    known = {*offered, *BUILT_IN, *(name for name in parameters if not _is_pattern(name))}
    told: set[str] = set()
    for path, node in written_nodes(plan.definition.root):
        if isinstance(node, Field) and node.mandatory and not node.template.text and node.default is None:
            why, remedy = "it has neither a value nor a placeholder", "write ${a_placeholder}, or a text"
            yield Problem(f"the mandatory {path} can never have a value", why, remedy, node.location)
    for use in uses:
        name = use.placeholder
        if name in known or name in told or any(fnmatchcase(name, pattern) for pattern in parameters):
            continue
        told.add(name)
        mandatory = name in plan.mandatory and use.default is None
        yield Problem(
            f"the {'mandatory ' if mandatory else ''}placeholder ${{{name}}} of {use.path} has no source",
            "only the control system can set it",
            f"{_did_you_mean(name, known)}give it a source in the config, or list it there under `parameters`",
            use.location,
            Severity.ERROR if mandatory else Severity.WARNING,
        )
    for name, operands in plan.operands.items():
        for operand in sorted(operands - known - told):
            if any(fnmatchcase(operand, pattern) for pattern in parameters):
                continue
            told.add(operand)
            never = sorted(one for one in plan.mandatory if operand in _needs(one, plan, offered))
            why = (
                f"the mandatory ${{{never[0]}}} can never have a value"
                if never
                else "only the control system can set it"
            )
            yield Problem(
                f"the expression of ${{{name}}} needs ${{{operand}}}, which has no source",
                why,
                f"{_did_you_mean(operand, known)}give it a source in the config, or list it there under `parameters`",
                offered[name].location,
                Severity.ERROR if never else Severity.WARNING,
            )


def _needs(name: str, plan: CapturePlan, offered: Mapping[str, Source]) -> set[str]:
    """The operands without which a placeholder has no value: a default does without."""
    source = offered.get(name)
    has_default = name in plan.defaults or (source and source.default is not None)
    if has_default or not (source and isinstance(source.origin, ExpressionSource)) or name not in plan.operands:
        return set()
    direct = set(Template(source.origin.expression).placeholders)
    return direct.union(*(_needs(one, plan, offered) for one in direct))


def check_units(uses: tuple[Use, ...], offered: Mapping[str, Source], definition: Definition) -> Iterator[Problem]:
    """Compare each field's unit with its category and with its source's unit; warn of what is no unit."""
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
            "mend the unit in the definition or in the config",
            use.location,
            also=also,
        )
    elif not field.units and not units.fits(source.unit, field.unit_category):
        yield Problem(
            f"{use.path} is of {field.unit_category}, but the source of ${{{use.placeholder}}} is in {source.unit!r}",
            "the unit is of another kind",
            "mend the definition's NX_units or the config's unit",
            use.location,
            also=also,
        )
    value = source.origin.value if isinstance(source.origin, LiteralSource) else source.default
    if not _fits(value, field.type):
        yield Problem(
            f"{use.path} is of type {field.type}, but the source of ${{{use.placeholder}}} gives {value!r}",
            f"that is no {kind(field.type) if kind(field.type) in _NOT_NUMBERS else 'number'}",
            "mend the type in the definition or the value in the config",
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
    # A text may hold several numbers; one that is no integer is written as it is.
    return kind(type_name) == "any" or all(is_text_of(one, "NX_NUMBER") for one in value.split())


def _is_pattern(name: str) -> bool:
    return any(character in name for character in "*?[")


def _did_you_mean(name: str, known: Collection[str]) -> str:
    """A suggestion, unless the two differ in numbers alone, as detectors 01 and 02 do."""
    for close in get_close_matches(name, known, n=3, cutoff=_CLOSE):
        if re.sub(r"\d", "", close) != re.sub(r"\d", "", name):
            return f"did you mean ${{{close}}}? if not, "
    return ""
