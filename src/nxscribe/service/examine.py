"""Everything that is wrong with a beamline's config and definitions, whatever state they are in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nxscribe.definitions import load_definition
from nxscribe.errors import InputError, Problem
from nxscribe.service.beamline import Beamline, examine_beamline
from nxscribe.service.beamline_files import named_definitions
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
    """Examine the config at `path` and all that it names. Raises nothing for what its author can mend.

    With `live` the devices are asked, too, if nothing else is wrong.
    """
    try:
        examined = examine_config(path)
    except UnreadableError as error:
        return Findings((), error.problems, readable=False)
    techniques = tuple(sorted(examined.config.techniques)) if examined.config else ()
    problems = [*examined.problems, *_of_definitions(path, techniques)]
    if examined.config:
        beamline, found = examine_beamline(examined.config, examined.lost)
        problems += found
        if live and beamline and not examined.problems:
            problems += _asked(beamline)
    return Findings(techniques, tuple(dict.fromkeys(problems)))


def _asked(beamline: Beamline) -> tuple[Problem, ...]:
    from nxscribe.service.examine_live import examine_live  # noqa: PLC0415 - Tango is needed for this alone

    return examine_live(beamline)


def _of_definitions(path: Path, examined: tuple[str, ...]) -> Iterator[Problem]:
    """The problems of the definitions that a config names in techniques of which more is wrong."""
    for name, (definition, *additions) in named_definitions(path.absolute()):
        if name in examined:
            continue
        try:
            yield from load_definition(name, definition, additions).warnings
        except InputError as error:
            yield from error.problems
