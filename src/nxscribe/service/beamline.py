"""A beamline as it is served: its config, with a capture plan for each technique."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from nxscribe.definitions import FlawedDefinitionError, load_definition
from nxscribe.definitions.files import DISK, Files
from nxscribe.errors import InputError, Location, Problem, Severity, TriggerRefusedError
from nxscribe.model import Definition, Template
from nxscribe.plan import BUILT_IN, CapturePlan, ExpressionSource, Source, compile_plan
from nxscribe.plan.ages import max_ages
from nxscribe.records import DefinitionText
from nxscribe.service.config import Config, Lost, Technique


@dataclass(frozen=True, slots=True)
class Beamline:
    """One consistent set of config and plans."""

    config: Config
    plans: Mapping[str, CapturePlan]
    """By technique."""
    texts: Mapping[str, DefinitionText]
    """By technique: the definition as records keep it, made once and not in a trigger."""
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

    @property
    def max_ages(self) -> Mapping[str, float]:
        """How old the value of each attribute may be that need not be read for every scan, in seconds."""
        return max_ages(source for plan in self.plans.values() for source in plan.sources.values())[0]


def load_beamline(config: Config, files: Files = DISK) -> Beamline:
    """The beamline of a config, its definitions loaded and compiled.

    Args:
        config: The config.
        files: Where the definitions are read from.

    Raises:
        InputError: With every problem of every technique, errors and warnings, in the order of files and lines.
    """
    beamline, found = examine_beamline(config, Lost(), files)
    if beamline is None:
        raise InputError(*found)
    return beamline


def examine_beamline(config: Config, lost: Lost, files: Files = DISK) -> tuple[Beamline | None, tuple[Problem, ...]]:
    """The beamline, or None where an error is among the problems; and those, in the order of files and lines.

    Args:
        config: All of a config that is right.
        lost: What would be in it if all of it were.
        files: Where the definitions are read from.
    """
    definitions: dict[str, Definition] = {}
    plans: dict[str, CapturePlan] = {}
    texts: dict[str, DefinitionText] = {}
    problems: list[Problem] = []
    is_part = lost.techniques
    for technique in config.techniques.values():
        compiling = _Compiling(config, technique, lost)
        try:
            loaded = load_definition(technique.name, technique.definition, technique.additions, files)
        except FlawedDefinitionError as error:
            definitions[technique.name] = error.definition
            problems += (*error.problems, *compiling.further(error.definition, is_part=error.is_part))
            is_part = is_part or error.is_part
        except InputError as error:
            problems += error.problems
            is_part = True
        else:
            definitions[technique.name] = loaded.definition
            texts[technique.name] = DefinitionText(technique.name, loaded.definition.sha256, loaded.text)
            problems += loaded.warnings
            try:
                plans[technique.name], warnings = compiling.plan(loaded.definition)
                problems += warnings
            except InputError as error:
                problems += error.problems
    if not is_part:
        problems += _unused_sources(config, definitions, lost)
    found = tuple(sorted(dict.fromkeys(problems), key=_place))
    if any(problem.severity is Severity.ERROR for problem in found):
        return None, found
    return Beamline(config, plans, texts, found), found


@dataclass(frozen=True, slots=True)
class _Compiling:
    """One technique's part of the config, to be put together with its definition."""

    config: Config
    technique: Technique
    lost: Lost

    def plan(self, definition: Definition, *, is_part: bool = False) -> tuple[CapturePlan, tuple[Problem, ...]]:
        """The plan and its warnings. Raises InputError."""
        config, technique = self.config, self.technique
        return compile_plan(
            definition,
            {**config.sources, **technique.sources},
            config.detectors,
            (*config.parameters, *technique.parameters),
            (*config.groups.values(), *self.lost.groups),
            is_part=is_part or self.lost.detectors,
        )

    def further(self, flawed: Definition, *, is_part: bool) -> tuple[Problem, ...]:
        """What is wrong beside a definition's own mistakes, so that all is told at once."""
        try:
            return self.plan(flawed, is_part=is_part)[1]
        except InputError as error:
            return error.problems


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
