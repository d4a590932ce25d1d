"""All techniques of a config put together with their definitions, and all that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from nxscribe.definitions import FlawedDefinitionError, load_definition
from nxscribe.definitions.files import DISK, Files
from nxscribe.errors import InputError, Location, Problem, Severity
from nxscribe.model import Definition, Template
from nxscribe.plan import BUILT_IN, CapturePlan, ExpressionSource, Source, examine_plan
from nxscribe.records import DefinitionText
from nxscribe.service.config import Config, Lost, Technique


@dataclass(frozen=True, slots=True)
class Compiled:
    """What came of it. With an error among the problems the plans are good for looking alone."""

    plans: Mapping[str, CapturePlan]
    """By technique: those whose definitions can be seen."""
    texts: Mapping[str, DefinitionText]
    """By technique: the definitions as records keep them; of those without errors."""
    problems: tuple[Problem, ...]
    """Errors and warnings, in the order of files and lines."""

    @property
    def failed(self) -> bool:
        """Whether there is an error among the problems."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)


def compile_techniques(config: Config, lost: Lost, files: Files = DISK) -> Compiled:
    """The plans of a config's techniques.

    Args:
        config: All of a config that is right.
        lost: What would be in it if all of it were.
        files: Where the definitions are read from.
    """
    plans: dict[str, CapturePlan] = {}
    texts: dict[str, DefinitionText] = {}
    problems: list[Problem] = []
    is_part = lost.techniques
    for name, technique in config.techniques.items():
        lacks_files = False
        try:
            loaded = load_definition(name, technique.definition, technique.additions, files, technique.places)
            definition = loaded.definition
            texts[name] = DefinitionText(name, definition.sha256, loaded.text)
            problems += loaded.warnings
        except FlawedDefinitionError as error:
            definition, lacks_files = error.definition, error.is_part
            problems += error.problems
        except InputError as error:
            problems += error.problems
            is_part = True
            continue
        plans[name], found = _plan(config, technique, definition, lost, is_part=lacks_files)
        problems += found
        is_part = is_part or lacks_files
    if not is_part:
        problems += _unused_sources(config, {name: plan.definition for name, plan in plans.items()}, lost)
    return Compiled(plans, texts, tuple(sorted(dict.fromkeys(problems), key=_place)))


def _plan(
    config: Config, technique: Technique, definition: Definition, lost: Lost, *, is_part: bool
) -> tuple[CapturePlan, tuple[Problem, ...]]:
    return examine_plan(
        definition,
        {**config.sources, **technique.sources},
        config.detectors,
        (*config.parameters, *technique.parameters),
        (*config.groups.values(), *lost.groups),
        is_part=is_part or lost.detectors,
    )


def _unused_sources(config: Config, definitions: Mapping[str, Definition], lost: Lost) -> Iterator[Problem]:
    """Warn of sources that fill nothing: most are a placeholder's name misspelt."""
    named = {
        name: definition.placeholders.union(
            lost.named, _operands(config.sources), _operands(config.techniques[name].sources)
        )
        for name, definition in definitions.items()
    }
    yield from _unused(config.sources, frozenset[str]().union(*named.values()), "no definition names it")
    for name, technique in config.techniques.items():
        yield from _unused(technique.sources, named[name], f"the definition of {name} does not name it")


def _operands(sources: Mapping[str, Source]) -> frozenset[str]:
    """All placeholders that the expressions among the sources name."""
    origins = (source.origin for source in sources.values())
    texts = (origin.expression for origin in origins if isinstance(origin, ExpressionSource))
    return frozenset(name for text in texts for name in Template(text).placeholders)


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


def _place(problem: Problem) -> tuple[Location, str]:
    return problem.location or Location(""), problem.what
