"""From a definition and sources to a capture plan, with all checks that are possible before a scan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from nxscribe.errors import InputError, Problem, Severity
from nxscribe.model import Definition, Phase
from nxscribe.plan._application_definitions import check_claims
from nxscribe.plan._built_in_names import BUILT_IN
from nxscribe.plan._capture_plan import CapturePlan
from nxscribe.plan._detectors import LimaDetector
from nxscribe.plan._identifier_checks import check_identifiers
from nxscribe.plan._operands import operands_of, with_operands
from nxscribe.plan._phases import check_phases
from nxscribe.plan.checks import check_sources, check_units
from nxscribe.plan.expressions import check_dimensions, check_expressions
from nxscribe.plan.source import Source
from nxscribe.plan.uses import Use, uses_of


def compile_plan(
    definition: Definition,
    sources: Mapping[str, Source],
    detectors: Mapping[str, LimaDetector] = MappingProxyType({}),
    parameters: Collection[str] = (),
    frames_in: Collection[str] = (),
) -> tuple[CapturePlan, tuple[Problem, ...]]:
    """Compile the plan of one technique. Returns it with its warnings. The arguments are those of `examine_plan`.

    Raises:
        InputError: With all errors, and after them the warnings.
    """
    plan, problems = examine_plan(definition, sources, detectors, parameters, frames_in)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise InputError(*problems)
    return plan, problems


def examine_plan(
    definition: Definition,
    sources: Mapping[str, Source],
    detectors: Mapping[str, LimaDetector] = MappingProxyType({}),
    parameters: Collection[str] = (),
    frames_in: Collection[str] = (),
    *,
    is_part: bool = False,
) -> tuple[CapturePlan, tuple[Problem, ...]]:
    """The plan of one technique, and all that is wrong with it. With an error among that it is good for looking alone.

    Args:
        definition: What is asked for.
        sources: What fills the placeholders; those that the definition does not need are left out.
        detectors: The cameras, by name; each adds the placeholders of its saving attributes.
        parameters: Names, or patterns such as `TOMO_*`, of placeholders that the control system sets itself.
        frames_in: The groups, as paths from the entry, that get frames of detectors that are not cameras of Lima's.
        is_part: Whether something of all this could not be read. What a claimed application definition asks for is
            not missed then.
    """
    offered = {name: source for detector in detectors.values() for name, source in detector.sources.items()} | dict(
        sources
    )
    of_detectors = frozenset(name for detector in detectors.values() for name in detector.sources)
    uses = tuple(uses_of(definition))
    named = frozenset(use.placeholder for use in uses)
    operands, problems = operands_of(offered)
    needed = with_operands(named | of_detectors, operands)
    plan = CapturePlan(
        technique=definition.name,
        definition=definition,
        sources={name: offered[name] for name in sorted(needed & offered.keys())},
        initial=_asked(uses, Phase.INITIAL, offered) | of_detectors,
        final=_asked(uses, Phase.FINAL, offered) | of_detectors,
        either=_asked(uses, None, offered),
        mandatory=_mandatory(uses, offered),
        defaults={use.placeholder: use.default for use in reversed(uses) if use.default is not None and use.field},
        operands={name: needs for name, needs in operands.items() if name in needed},
        detectors=dict(detectors),
        named=named,
    )
    groups = [*(detector.group for detector in detectors.values()), *frames_in]
    problems = (
        *problems,
        *check_expressions(offered),
        *check_dimensions(offered),
        *check_sources(plan, uses, offered, parameters),
        *check_phases(uses, offered, operands),
        *check_units(uses, offered, definition),
        *check_identifiers(definition, offered),
        *(() if is_part else check_claims(definition, groups)),
    )
    return plan, tuple(problems)


def _asked(uses: tuple[Use, ...], phase: Phase | None, offered: Collection[str]) -> frozenset[str]:
    names = frozenset(use.placeholder for use in uses if use.phase is phase)
    return names - (BUILT_IN - frozenset(offered))


def _mandatory(uses: tuple[Use, ...], offered: Mapping[str, Source]) -> frozenset[str]:
    names = {use.placeholder for use in uses}
    mandatory = {use.placeholder for use in uses if use.mandatory}
    mandatory |= {name for name, source in offered.items() if source.mandatory and name in names}
    return frozenset(mandatory) - (BUILT_IN - frozenset(offered))
