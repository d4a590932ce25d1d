"""A beamline as it is served: its config, with a capture plan for each technique."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from nxscribe.definitions import load_definition
from nxscribe.errors import InputError, Location, Problem, Severity, TriggerRefusedError
from nxscribe.plan import BUILT_IN, CapturePlan, Source, compile_plan
from nxscribe.service.config import Config, Technique


@dataclass(frozen=True, slots=True)
class Beamline:
    """One consistent set of config and plans."""

    config: Config
    plans: Mapping[str, CapturePlan]
    """By technique."""
    warnings: tuple[Problem, ...] = ()

    def plan(self, technique: str) -> CapturePlan:
        """The plan of a technique. Raises TriggerRefusedError for one that the config does not have."""
        try:
            return self.plans[technique]
        except KeyError:
            close = get_close_matches(technique, self.plans, 1)
            raise TriggerRefusedError(
                Problem(
                    f"the beamline has no technique {technique!r}",
                    f"its config has {', '.join(sorted(self.plans))}",
                    f"did you mean {close[0]}?" if close else "name one of them, or add it to the config",
                )
            ) from None

    @property
    def attributes(self) -> frozenset[str]:
        """Every Tango attribute that any technique reads, by its full name."""
        return frozenset().union(*(plan.attributes for plan in self.plans.values()))


def load_beamline(config: Config) -> Beamline:
    """The beamline of a config, its definitions loaded and compiled.

    Raises:
        InputError: With every problem of every technique, errors and warnings, in the order of files and lines.
    """
    plans: dict[str, CapturePlan] = {}
    problems: list[Problem] = []
    for technique in config.techniques.values():
        try:
            plan, warnings = _compile(config, technique)
        except InputError as error:
            problems += error.problems
        else:
            plans[technique.name] = plan
            problems += warnings
    if len(plans) == len(config.techniques):
        problems += _unused_sources(config, plans)
    found = tuple(sorted(dict.fromkeys(problems), key=_place))
    if any(problem.severity is Severity.ERROR for problem in found):
        raise InputError(*found)
    return Beamline(config, plans, found)


def _compile(config: Config, technique: Technique) -> tuple[CapturePlan, tuple[Problem, ...]]:
    loaded = load_definition(technique.name, technique.definition, technique.additions)
    plan, warnings = compile_plan(
        loaded.definition,
        {**config.sources, **technique.sources},
        config.detectors,
        (*config.parameters, *technique.parameters),
    )
    return plan, (*loaded.warnings, *warnings)


def _unused_sources(config: Config, plans: Mapping[str, CapturePlan]) -> Iterator[Problem]:
    """Warn of sources that fill nothing: most are a placeholder's name misspelt."""
    shared = frozenset[str]().union(*(_named(plan) for plan in plans.values()))
    yield from _unused(config.sources, shared, "no definition names it")
    for technique in config.techniques.values():
        named = _named(plans[technique.name])
        yield from _unused(technique.sources, named, f"the definition of {technique.name} does not name it")


def _unused(sources: Mapping[str, Source], named: frozenset[str], why: str) -> Iterator[Problem]:
    for name, source in sources.items():
        if name in named:
            continue
        close = get_close_matches(name, named - sources.keys() - BUILT_IN, 1, cutoff=0.8)
        yield Problem(
            f"the source `{name}` is not used",
            why,
            f"did you mean `{close[0]}`?" if close else "correct its name, or remove it",
            source.location,
            Severity.WARNING,
        )


def _named(plan: CapturePlan) -> frozenset[str]:
    """All placeholders that a plan's definition or its expressions name."""
    return plan.definition.placeholders.union(plan.sources, *plan.operands.values())


def _place(problem: Problem) -> tuple[Location, str]:
    return problem.location or Location(""), problem.what
