"""Compiles all techniques of a config with their definitions, and collects their problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nxscribe.definitions import FlawedDefinitionError, load_definition, with_root
from nxscribe.definitions.file_access import DISK, FileAccess
from nxscribe.errors import InputError, Location, Problem, Severity
from nxscribe.model import Definition
from nxscribe.plan import CapturePlan, Source, examine_plan, with_positioners
from nxscribe.records import DefinitionText, as_recorded
from nxscribe.service.check._unused import unused
from nxscribe.service.config import Config, Omitted, TechniqueSettings


@dataclass(frozen=True, slots=True)
class Compiled:
    """The result. If one of the problems is an error, the plans can be displayed, but not used for a scan."""

    plans: Mapping[str, CapturePlan]
    """The plans by technique, of techniques whose definitions can be read."""
    texts: Mapping[str, DefinitionText]
    """The definitions in the form of records, by technique, of techniques without errors."""
    problems: tuple[Problem, ...]
    """Errors and warnings, sorted by file and line."""

    @property
    def failed(self) -> bool:
        """Whether one of the problems is an error."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)


def compile_techniques(config: Config, omitted: Omitted, files: FileAccess = DISK) -> Compiled:
    """Compile the plans of all techniques of a config.

    Args:
        config: The valid parts of a config.
        omitted: The names that invalid parts would define.
        files: Reads the definitions.
    """
    plans: dict[str, CapturePlan] = {}
    texts: dict[str, DefinitionText] = {}
    problems: list[Problem] = []
    is_part = omitted.techniques
    for name, technique in config.techniques.items():
        lacks_files = False
        sources = {**config.sources, **technique.sources}
        try:
            loaded = load_definition(name, technique.definition, technique.additions, files, technique.places)
            motors = with_positioners(loaded.definition, sources)
            loaded = with_root(loaded, motors.root)
            sources = {**motors.sources, **sources}
            definition = loaded.definition
            problems += motors.problems
            texts[name] = as_recorded(definition, loaded.text)
            problems += loaded.warnings
        except FlawedDefinitionError as error:
            definition, lacks_files = error.definition, error.is_part
            problems += error.problems
        except InputError as error:
            problems += error.problems
            is_part = True
            continue
        plans[name], found = _plan(config, technique, definition, sources, omitted, is_part=lacks_files)
        problems += found
        is_part = is_part or lacks_files
    if not is_part:
        problems += unused(config, {name: plan.definition for name, plan in plans.items()}, omitted)
    return Compiled(plans, texts, tuple(sorted(dict.fromkeys(problems), key=_place)))


def _plan(
    config: Config,
    technique: TechniqueSettings,
    definition: Definition,
    sources: Mapping[str, Source],
    omitted: Omitted,
    *,
    is_part: bool,
) -> tuple[CapturePlan, tuple[Problem, ...]]:
    return examine_plan(
        definition,
        sources,
        config.detectors,
        (*config.parameters, *technique.parameters),
        (*config.groups.values(), *omitted.groups),
        is_part=is_part or omitted.detectors,
    )


def _place(problem: Problem) -> tuple[Location, str]:
    return problem.location or Location(""), problem.what
