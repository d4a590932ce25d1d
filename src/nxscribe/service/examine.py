"""Everything that is wrong with a beamline's config and definitions, whatever state they are in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nxscribe.definitions import Located, load_definition, load_located
from nxscribe.errors import InputError, Problem
from nxscribe.service.beamline import load_beamline
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


def examine(path: Path) -> Findings:
    """Examine the config at `path` and all that it names. Raises nothing for what its author can mend."""
    try:
        config = load_config(path)
    except UnreadableError as error:
        return Findings((), error.problems, readable=False)
    except InputError as error:
        return Findings((), tuple(dict.fromkeys((*error.problems, *_of_definitions(path)))))
    techniques = tuple(sorted(config.techniques))
    try:
        return Findings(techniques, load_beamline(config).warnings)
    except InputError as error:
        return Findings(techniques, error.problems)


def _of_definitions(path: Path) -> Iterator[Problem]:
    """The problems of the definitions that a broken config names: its author need not mend it first to see them."""
    try:
        document = load_located(path.read_bytes(), str(path))
    except (InputError, OSError):
        return
    for name, technique in _mapping(_mapping(document).get("techniques")).items():
        entry = _mapping(technique)
        definition, additions = entry.get("definition"), entry.get("additions")
        if not definition or not isinstance(definition.value, str):
            continue
        items = additions.value if additions and isinstance(additions.value, list) else []
        files = [path.parent / one.value for one in (definition, *items) if isinstance(one.value, str)]
        try:
            yield from load_definition(name, files[0], files[1:]).warnings
        except InputError as error:
            yield from error.problems


def _mapping(node: Located | None) -> dict[str, Located]:
    return node.value if node and isinstance(node.value, dict) else {}
