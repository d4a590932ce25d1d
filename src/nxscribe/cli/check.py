"""`nxscribe check`: every problem of a config and its definitions, at once, without a running beamline."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from nxscribe.errors import InputError, Location, Problem, Severity

_ERRORS = 1
_UNUSABLE = 2
_COLOURS = {Severity.ERROR: typer.colors.RED, Severity.WARNING: typer.colors.YELLOW}


def check(
    config: Annotated[Path, typer.Argument(help="The beamline's config (YAML).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a beamline's config and definitions: `file:line:column: error: what; why; remedy`, sorted.

    Exit status: 0 clean (warnings are allowed), 1 errors, 2 the config cannot be read at all.
    """
    started = time.perf_counter()
    techniques, problems, unusable = _examine(config)
    problems = tuple(map(_seen_from_here, problems))
    count = {severity: sum(problem.severity is severity for problem in problems) for severity in Severity}
    if as_json:
        summary = {"config": str(config), "techniques": techniques}
        counts = {"errors": count[Severity.ERROR], "warnings": count[Severity.WARNING]}
        found = [_as_json(problem) for problem in problems]
        typer.echo(json.dumps(summary | counts | {"problems": found}, indent=2, ensure_ascii=False))
    else:
        for problem in problems:
            typer.echo(_coloured(problem))
        errors, warnings = _counted(count[Severity.ERROR], "error"), _counted(count[Severity.WARNING], "warning")
        what = f"{', '.join(techniques)}: " if techniques else ""
        typer.echo(f"{config}: {what}{errors}, {warnings} ({time.perf_counter() - started:.2f} s)", err=True)
    if count[Severity.ERROR]:
        raise typer.Exit(_UNUSABLE if unusable else _ERRORS)


def _examine(path: Path) -> tuple[list[str], tuple[Problem, ...], bool]:
    """The techniques, all problems, and whether there is no config to speak of."""
    from nxscribe.service.beamline import load_beamline
    from nxscribe.service.config import UnreadableError, load_config

    try:
        config = load_config(path)
    except UnreadableError as error:
        return [], error.problems, True
    except InputError as error:
        return [], error.problems, False
    techniques = sorted(config.techniques)
    try:
        return techniques, load_beamline(config).warnings, False
    except InputError as error:
        return techniques, error.problems, False


def _seen_from_here(problem: Problem) -> Problem:
    """The same with file names as one would type them here: relative where they lie below."""
    return replace(
        problem,
        location=_near(problem.location) if problem.location else None,
        also=tuple(map(_near, problem.also)),
    )


def _near(location: Location) -> Location:
    file = os.path.relpath(location.file) if Path(location.file).is_relative_to(Path.cwd()) else location.file
    return replace(location, file=file)


def _coloured(problem: Problem) -> str:
    """The problem's line; colours vanish where the output is no terminal."""
    place = f"{problem.location}: " if problem.location else ""
    word = typer.style(f"{problem.severity}:", fg=_COLOURS[problem.severity], bold=True)
    return str(problem).replace(f"{place}{problem.severity}:", f"{typer.style(place, bold=True)}{word}", 1)


def _as_json(problem: Problem) -> dict[str, object]:
    return {
        **_place(problem.location or Location("")),
        "severity": problem.severity.value,
        "what": problem.what,
        "why": problem.why,
        "remedy": problem.remedy,
        "also": [_place(location) for location in problem.also],
    }


def _place(location: Location) -> dict[str, object]:
    return {"file": location.file, "line": location.line, "column": location.column}


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
