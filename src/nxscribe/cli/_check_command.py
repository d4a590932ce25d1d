"""`nxscribe check`: finds all problems of a config and its definitions at once, without a running beamline."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from nxscribe.errors import Location, Problem, Severity

_ERRORS = 1
_UNUSABLE = 2


def check(
    config: Annotated[Path, typer.Argument(help="The beamline's config (YAML).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Ask the devices, too: are they there, do they fit?")] = False,
    elsewhere: Annotated[
        bool, typer.Option("--elsewhere", help="The daemon runs on another machine: leave the folders of this one out.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show each of many problems that are alike.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings as errors, as for a git hook.")] = False,
) -> None:
    """Check a beamline's config and definitions: `file:line:column: error: what; why; remedy`, sorted.

    Beneath each stands the line of the file that it speaks of, with a mark where the problem is.

    Exit status: 0 clean (warnings are allowed, but with --strict), 1 errors, 2 the config cannot be read at all.
    """
    from nxscribe.cli._problem_view import in_order, problem_view, seen_from_here
    from nxscribe.cli._summing_up import summed_problems
    from nxscribe.service.check.examine import examine

    started = time.perf_counter()
    examination = examine(config, live=live, here=not elsewhere)
    problems = in_order(examination.problems)
    count = {severity: sum(problem.severity is severity for problem in problems) for severity in Severity}
    if as_json:
        summary = {"config": str(config), "techniques": examination.techniques}
        counts = {"errors": count[Severity.ERROR], "warnings": count[Severity.WARNING]}
        found = [_as_json(seen_from_here(problem)) for problem in problems]
        typer.echo(json.dumps(summary | counts | {"problems": found}, indent=2, ensure_ascii=False))
    else:
        for problem in summed_problems(problems, everything=everything):
            typer.echo(problem_view(problem, sys.stdout))
        errors, warnings = _counted(count[Severity.ERROR], "error"), _counted(count[Severity.WARNING], "warning")
        what = f"{', '.join(examination.techniques)}: " if examination.techniques else ""
        typer.echo(f"{config}: {what}{errors}, {warnings} ({time.perf_counter() - started:.2f} s)", err=True)
    if count[Severity.ERROR] or (strict and problems):
        raise typer.Exit(_ERRORS if examination.readable else _UNUSABLE)


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
