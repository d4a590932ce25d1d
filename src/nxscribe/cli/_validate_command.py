"""`nxscribe validate`: checks a master file and everything that it links to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nxscribe.cli._summing_up import HINT, Kind, alike, group_of, some_of
from nxscribe.errors import Severity

if TYPE_CHECKING:
    from nxscribe.projections.nexus.validate import Finding

_COLOURS = {Severity.ERROR: typer.colors.RED, Severity.WARNING: typer.colors.YELLOW}


def validate(
    file: Annotated[Path, typer.Argument(help="A master file, or any NeXus file.")],
    entry: Annotated[list[str] | None, typer.Option("--entry", "-e", help="Only this one; may be repeated.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show each finding, however many are alike.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    own_only: Annotated[
        bool, typer.Option("--own-only", help="Do not ask nexusformat and pynxtools, which takes seconds an entry.")
    ] = False,
) -> None:
    """Check links, raw sources, plots, units, times and identifiers, and ask the NeXus validators.

    Exit status: 0 clean (warnings are allowed), 1 any error.
    """
    from nxscribe.projections import hdf5_environment

    hdf5_environment.prepare()
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
                "definition": finding.definition,
            }
            for finding in report.findings
        ]
        summary = {"file": report.file, "entries": report.entries, "errors": errors, "warnings": warnings}
        typer.echo(json.dumps({**summary, "findings": found}, indent=2, ensure_ascii=False))
    else:
        for finding in summed_findings(report.findings, everything=everything):
            typer.secho(str(finding), fg=_COLOURS[finding.severity])
        entries = f"{len(report.entries)} {'entry' if len(report.entries) == 1 else 'entries'}"
        typer.echo(f"{file}: {entries}, {errors} errors, {warnings} warnings", err=True)
    if errors:
        raise typer.Exit(1)


def summed_findings(findings: Sequence[Finding], *, everything: bool = False) -> list[Finding]:
    """The findings. If there are many, similar ones of one group are summed up, at the path of the first one."""
    heaps = alike(
        findings,
        lambda one: Kind(group_of(one.path), (one.file, one.check, one.severity, one.what, one.why, one.remedy)),
        everything=everything,
    )
    return [heap[0] if len(heap) == 1 else _sum(heap) for heap in heaps]


def _sum(findings: Sequence[Finding]) -> Finding:
    first = findings[0]
    what = f"{some_of([one.path for one in findings], 'places')}: {first.what}"
    return replace(first, what=what, remedy="; ".join(filter(None, (first.remedy, HINT))))
