"""Finds parts of a config that no definition uses. Most of them are misspelt names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from nxscribe.definitions.diagnostics import close_words, nearest
from nxscribe.errors import Location, Problem, Severity
from nxscribe.model import Definition, Group
from nxscribe.plan import BUILT_IN, Source
from nxscribe.plan.checks import is_pattern
from nxscribe.plan.uses import written_nodes
from nxscribe.service.config import Config, Omitted

_CLOSE: Final = 0.8


def unused(config: Config, definitions: Mapping[str, Definition], omitted: Omitted) -> Iterator[Problem]:
    """Warnings for sources, parameters and groups of detectors that no definition names.

    Args:
        config: The config.
        definitions: The definitions of all techniques, by technique.
        omitted: The names that invalid parts of the config would define.
    """
    named = {
        name: definition.placeholders.union(
            omitted.named, _operands(config.sources), _operands(config.techniques[name].sources)
        )
        for name, definition in definitions.items()
    }
    of_watched = (trigger.placeholders for trigger in config.watched_triggers.values())
    by_any = frozenset[str]().union(*named.values(), *of_watched)
    yield from _unused_sources(config.sources, by_any, "no definition names it")
    yield from _unused_parameters(config.parameter_places, by_any, config, "no definition names it")
    for name, technique in config.techniques.items():
        why = f"the definition of {name} does not name it"
        yield from _unused_sources(technique.sources, named[name], why)
        yield from _unused_parameters(technique.parameter_places, named[name], config, why)
    yield from _unknown_groups(config, definitions)


def _operands(sources: Mapping[str, Source]) -> frozenset[str]:
    """All placeholders that the expressions among the sources name."""
    return frozenset(name for source in sources.values() for name in source.origin.operands)


def _unused_sources(sources: Mapping[str, Source], named: frozenset[str], why: str) -> Iterator[Problem]:
    meant = named - sources.keys() - BUILT_IN
    for name, source in sources.items():
        if name in named:
            continue
        close = close_words(name, meant, cutoff=_CLOSE)
        yield Problem(
            f"the source `{name}` is not used",
            why,
            f"did you mean `{close[0]}`?" if close else "correct its name, or remove it",
            source.location,
            Severity.WARNING,
        )


def _unused_parameters(
    parameters: Mapping[str, Location], named: frozenset[str], config: Config, why: str
) -> Iterator[Problem]:
    counts = {frames for frames in config.frames.values() if isinstance(frames, str)}
    used = named | counts
    meant = named - config.sources.keys() - parameters.keys() - BUILT_IN
    for name, place in parameters.items():
        if name in used or any(fnmatchcase(one, name) for one in (used if is_pattern(name) else ())):
            continue
        close = close_words(name, meant, cutoff=_CLOSE)
        yield Problem(
            f"the parameter `{name}` is not used",
            why,
            f"did you mean `{close[0]}`?" if close else "correct its name, or remove it",
            place,
            Severity.WARNING,
        )


def _unknown_groups(config: Config, definitions: Mapping[str, Definition]) -> Iterator[Problem]:
    groups: dict[str, Group] = {}
    for definition in definitions.values():
        nodes = written_nodes(definition.root)
        groups |= {path.strip("/"): node for path, node in nodes if isinstance(node, Group)}
    detectors = [path for path, node in groups.items() if node.nx_class == "NXdetector"]
    for name, path in config.groups.items():
        if path in groups:
            continue
        yield Problem(
            f"no definition has the group {path} of the detector {name}",
            "nxscribe makes it, an NXdetector with the frames alone",
            _meant_group(path, detectors),
            config.detector_places.get(name),
            Severity.WARNING,
        )


def _meant_group(path: str, detectors: Collection[str]) -> str:
    near = nearest(path, detectors)
    if near:
        return f"did you mean {near}?"
    return f"name one that is there: {', '.join(sorted(detectors)[:6])}" if detectors else "add it to a definition"
