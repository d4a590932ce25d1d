"""Everything that is wrong with a beamline's config and definitions, whatever state they are in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nxscribe.definitions import load_definition
from nxscribe.errors import InputError, Problem
from nxscribe.plan import CapturePlan
from nxscribe.service.beamline_files import named_definitions
from nxscribe.service.compiling import compile_techniques
from nxscribe.service.config import UnreadableError, examine_config


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found."""

    techniques: tuple[str, ...]
    """Those of the config, sorted, as far as they can be read."""
    problems: tuple[Problem, ...]
    """Errors and warnings: those of the config, then those of the definitions, each in the order of the file."""
    readable: bool = True
    """Whether there is a config to speak of."""


def examine(path: Path, *, live: bool = False) -> Findings:
    """Examine the config at `path` and all that it names, and the devices with `live`.

    Raises nothing for what its author can mend.
    """
    try:
        examined = examine_config(path)
    except UnreadableError as error:
        return Findings((), error.problems, readable=False)
    techniques = tuple(sorted(examined.config.techniques)) if examined.config else ()
    problems = [*examined.problems, *_of_definitions(path, techniques)]
    if examined.config:
        compiled = compile_techniques(examined.config, examined.lost)
        problems += compiled.problems
        if live:
            problems += _asked(examined.config.tango.host, compiled.plans.values())
    return Findings(techniques, tuple(dict.fromkeys(problems)))


def _asked(host: str, plans: Iterable[CapturePlan]) -> tuple[Problem, ...]:
    from nxscribe.service.examine_live import examine_live  # noqa: PLC0415 - Tango is needed for this alone

    return examine_live(host, tuple(plans))


def _of_definitions(path: Path, examined: tuple[str, ...]) -> Iterator[Problem]:
    """The problems of the definitions that a config names in techniques of which more is wrong."""
    for name, (definition, *additions) in named_definitions(path.absolute()):
        if name in examined:
            continue
        try:
            yield from load_definition(name, definition, additions).warnings
        except InputError as error:
            yield from error.problems
