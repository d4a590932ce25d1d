"""`nxscribe validate`: whether a master file can be relied on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nxscribe.errors import Severity

_COLOURS = {Severity.ERROR: typer.colors.RED, Severity.WARNING: typer.colors.YELLOW}


def validate(
    file: Annotated[Path, typer.Argument(help="A master file, or any NeXus file.")],
    entry: Annotated[list[str] | None, typer.Option("--entry", "-e", help="Only this one; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    own_only: Annotated[
        bool, typer.Option("--own-only", help="Do not ask nexusformat and pynxtools, which takes seconds an entry.")
    ] = False,
) -> None:
    """Check links, raw sources, plots, units, times and identifiers, and ask the NeXus validators.

    Exit status: 0 clean (warnings are allowed), 1 any error.
    """
    from nxscribe.projections.nexus.validate import validate as examine

    report = examine(file, with_others=not own_only, only=entry or ())
    errors = len(report.errors)
    warnings = len(report.findings) - errors
    if as_json:
        found = [
            {
                "check": finding.check.value,
                "severity": finding.severity.value,
                "file": finding.file,
                "path": finding.path,
                "what": finding.what,
                "why": finding.why,
                "remedy": finding.remedy,
            }
            for finding in report.findings
        ]
        summary = {"file": report.file, "entries": report.entries, "errors": errors, "warnings": warnings}
        typer.echo(json.dumps({**summary, "findings": found}, indent=2, ensure_ascii=False))
    else:
        for finding in report.findings:
            typer.secho(str(finding), fg=_COLOURS[finding.severity])
        entries = f"{len(report.entries)} {'entry' if len(report.entries) == 1 else 'entries'}"
        typer.echo(f"{file}: {entries}, {errors} errors, {warnings} warnings", err=True)
    if errors:
        raise typer.Exit(1)
