"""`nxscribe preview`: the entry as it will be written; with `--live`, what the devices say now."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from nxscribe.errors import InputError, Problem

if TYPE_CHECKING:
    from nxscribe.plan import CapturePlan
    from nxscribe.service.config import Config
    from nxscribe.service.preview import Live


_WIDTH_OF_PIPES: Final = 160
"""So wide that each node is on one line, for grep and its like."""


def preview(
    config: Annotated[Path, typer.Argument(help="The beamline's config (YAML).")],
    technique: Annotated[str, typer.Option("--technique", "-t", help="Which of the config's techniques.")] = "",
    live: Annotated[bool, typer.Option("--live", help="Read the devices now, as a scan would.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the tree that a technique will write: names, types, units, phases, sources, and where each is defined.

    With --live also the values, their ages and qualities, what is missing and why, and how long the reading took.
    """
    from rich.console import Console

    from nxscribe.cli.preview_view import preview_view
    from nxscribe.service.beamline import load_beamline
    from nxscribe.service.config import load_config
    from nxscribe.service.preview import preview_json

    beamline = load_beamline(load_config(config))
    plan = beamline.plan(_chosen(technique, sorted(beamline.plans)))
    values = _read(plan, beamline.config) if live else None
    if as_json:
        typer.echo(preview_json(plan, values))
    else:
        is_for_programs = not (sys.stdout.isatty() or "COLUMNS" in os.environ)
        console = Console(highlight=False, width=_WIDTH_OF_PIPES if is_for_programs else None)
        console.print(preview_view(plan, values, console.width))


def _chosen(technique: str, techniques: list[str]) -> str:
    """The technique; without one, the only one."""
    if technique or len(techniques) == 1:
        return technique or techniques[0]
    raise InputError(
        Problem("which technique?", f"the config has {', '.join(techniques)}", "name one with --technique")
    )


def _read(plan: CapturePlan, config: Config) -> Live:
    from nxscribe.capture import TangoReader
    from nxscribe.service.preview_live import read_live

    with TangoReader(config.tango.host or None) as reader:
        # A daemon has its proxies already when a scan starts: making them is not part of the time told.
        reader.prepare(plan.attributes)
        reader.time_each(plan.attributes, time.monotonic() + config.limits.deadline_s)
        return read_live(plan, config, reader)
