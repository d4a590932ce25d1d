"""`nxscribe check`: every problem of a config and its definitions, at once, without a running beamline."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from nxscribe.errors import Location, Problem, Severity

_ERRORS = 1
_UNUSABLE = 2
_COLOURS = {Severity.ERROR: typer.colors.RED, Severity.WARNING: typer.colors.YELLOW}


def check(
    config: Annotated[Path, typer.Argument(help="The beamline's config (YAML).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Ask the devices, too: are they there, do they fit?")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings as errors, as for a git hook.")] = False,
) -> None:
    """Check a beamline's config and definitions: `file:line:column: error: what; why; remedy`, sorted.

    Exit status: 0 clean (warnings are allowed, but with --strict), 1 errors, 2 the config cannot be read at all.
    """
    from nxscribe.service.examine import examine

    started = time.perf_counter()
    findings = examine(config, live=live)
    problems = sorted(map(_seen_from_here, findings.problems), key=lambda problem: problem.location or Location(""))
    count = {severity: sum(problem.severity is severity for problem in problems) for severity in Severity}
    if as_json:
        summary = {"config": str(config), "techniques": findings.techniques}
        counts = {"errors": count[Severity.ERROR], "warnings": count[Severity.WARNING]}
        found = [_as_json(problem) for problem in problems]
        typer.echo(json.dumps(summary | counts | {"problems": found}, indent=2, ensure_ascii=False))
    else:
        for problem in problems:
            typer.echo(_coloured(problem))
        errors, warnings = _counted(count[Severity.ERROR], "error"), _counted(count[Severity.WARNING], "warning")
        what = f"{', '.join(findings.techniques)}: " if findings.techniques else ""
        typer.echo(f"{config}: {what}{errors}, {warnings} ({time.perf_counter() - started:.2f} s)", err=True)
    if count[Severity.ERROR] or (strict and problems):
        raise typer.Exit(_ERRORS if findings.readable else _UNUSABLE)


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
