"""Finds all errors of a config and its definitions, also if some of them cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nxscribe.definitions import load_definition
from nxscribe.errors import InputError, Problem
from nxscribe.plan import CapturePlan, Source, plan_of_values
from nxscribe.service.check._examine_places import examine_places
from nxscribe.service.check.compiling import compile_techniques
from nxscribe.service.config import Config, UnreadableError, examine_config
from nxscribe.service.config.watching import WatchedTriggerSettings
from nxscribe.service.reload.beamline_files import named_definitions
from nxscribe.sources import TangoSource


@dataclass(frozen=True, slots=True)
class Examination:
    """The result of an examination."""

    techniques: tuple[str, ...]
    """The names of the techniques in the config, sorted, as far as they can be read."""
    problems: tuple[Problem, ...]
    """Errors and warnings: first those of the config, then those of the definitions, in the order of each file."""
    readable: bool = True
    """Whether the config can be read at all."""


def examine(path: Path, *, live: bool = False, here: bool = False) -> Examination:
    """Examine the config at `path` and its definitions; with `live` also the devices, with `here` also local folders.

    Errors that the author can correct are problems, and raise nothing.
    """
    try:
        examined = examine_config(path)
    except UnreadableError as error:
        return Examination((), error.problems, readable=False)
    techniques = tuple(sorted(examined.config.techniques)) if examined.config else ()
    problems = [*examined.problems, *_of_definitions(path, techniques)]
    if examined.config:
        compiled = compile_techniques(examined.config, examined.omitted)
        problems += compiled.problems
        if here:
            problems += examine_places(examined.config)
        if live:
            watched = [_plan_of(examined.config, one) for one in examined.config.watched_triggers.values()]
            problems += _asked(examined.config.source_settings, [*compiled.plans.values(), *watched])
    return Examination(techniques, tuple(dict.fromkeys(problems)))


def _plan_of(config: Config, trigger: WatchedTriggerSettings) -> CapturePlan:
    """What a watched trigger reads: its attribute, and the values in the names of its scans."""
    watched = Source(TangoSource((trigger.attribute,)), location=trigger.location)
    offered = {**config.offered, trigger.attribute: watched}
    return plan_of_values({trigger.attribute, *trigger.placeholders}, offered)


def _asked(settings: Mapping[str, object], plans: Iterable[CapturePlan]) -> tuple[Problem, ...]:
    from nxscribe.service.check._examine_live import examine_live  # noqa: PLC0415 - sources are read for this alone

    return examine_live(settings, tuple(plans))


def _of_definitions(path: Path, examined: tuple[str, ...]) -> Iterator[Problem]:
    """The problems of the definitions that a config names in techniques of which more is wrong."""
    for name, (definition, *additions) in named_definitions(path.absolute()):
        if name in examined:
            continue
        try:
            yield from load_definition(name, definition, additions).warnings
        except InputError as error:
            yield from error.problems
