"""Everything that is wrong with a beamline's config and definitions, whatever state they are in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nxscribe.definitions import load_definition
from nxscribe.errors import InputError, Problem
from nxscribe.service.beamline import Beamline, load_beamline
from nxscribe.service.beamline_files import named_definitions
from nxscribe.service.config import UnreadableError, load_config


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found."""

    techniques: tuple[str, ...]
    """Those of the config, sorted; none where it is broken."""
    problems: tuple[Problem, ...]
    """Errors and warnings: those of the config, then those of the definitions, each in the order of the file."""
    readable: bool = True
    """Whether there is a config to speak of."""


def examine(path: Path, *, live: bool = False) -> Findings:
    """Examine the config at `path` and all that it names. Raises nothing for what its author can mend.

    With `live` the devices are asked, too, if nothing else is wrong.
    """
    try:
        config = load_config(path)
    except UnreadableError as error:
        return Findings((), error.problems, readable=False)
    except InputError as error:
        return Findings((), tuple(dict.fromkeys((*error.problems, *_of_definitions(path)))))
    techniques = tuple(sorted(config.techniques))
    try:
        beamline = load_beamline(config)
    except InputError as error:
        return Findings(techniques, error.problems)
    return Findings(techniques, (*beamline.warnings, *(_asked(beamline) if live else ())))


def _asked(beamline: Beamline) -> tuple[Problem, ...]:
    from nxscribe.service.examine_live import examine_live  # noqa: PLC0415 - Tango is needed for this alone

    return examine_live(beamline)


def _of_definitions(path: Path) -> Iterator[Problem]:
    """The problems of the definitions that a broken config names: its author need not mend it first to see them."""
    for name, (definition, *additions) in named_definitions(path):
        try:
            yield from load_definition(name, definition, additions).warnings
        except InputError as error:
            yield from error.problems
