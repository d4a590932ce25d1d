"""`nxscribe preview`: the entry as it will be written; with `--live`, what the devices say now."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from nxscribe.cli._journals import taken_up
from nxscribe.cli._output import width_of_output
from nxscribe.errors import InputError, Problem

if TYPE_CHECKING:
    from nxscribe.plan import CapturePlan
    from nxscribe.service.check.preview import Live
    from nxscribe.service.config import Config


_WIDTH_OF_PIPES: Final = 160
"""Wide enough for each node on one line, for programs such as grep."""


def preview(
    config: Annotated[Path, typer.Argument(help="The beamline's config (YAML).")],
    technique: Annotated[str, typer.Option("--technique", "-t", help="Which of the config's techniques.")] = "",
    live: Annotated[bool, typer.Option("--live", help="Read the devices now, as a scan would.")] = False,
    path: Annotated[
        str, typer.Option("--path", "-p", help="Only this node and what is below: instrument/source.")
    ] = "",
    missing: Annotated[bool, typer.Option("--missing", "-m", help="Only what has no value, or no source.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show each of many nodes that are alike.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the tree that a technique will write: names, types, units, phases, sources, and where each is defined.

    Of many fields that nothing in the config fills, those of one group are summed up; --all shows each.

    With --live also the values, their ages and qualities, what is missing and why, and how long the reading took.
    """
    from rich.console import Console

    from nxscribe.cli._preview_view import preview_view
    from nxscribe.plan import preview_tree
    from nxscribe.service.beamline import load_beamline
    from nxscribe.service.check.preview import at_path, only, preview_json, without_value

    beamline = load_beamline(taken_up(config))
    plan = beamline.plan(_chosen(technique, sorted(beamline.plans)))
    root = at_path(preview_tree(plan), path)
    values = _below(_read(plan, beamline.config), path) if live else None
    if missing:
        found = only(root, without_value(values))
        if found is None:
            typer.echo("nothing is missing", err=True)
            return
        root = found
    if as_json:
        typer.echo(preview_json(plan, values, root))
    else:
        console = Console(highlight=False, width=width_of_output() or _WIDTH_OF_PIPES)
        console.print(preview_view(plan, root, values, console.width, everything=everything), soft_wrap=True)


def _below(live: Live, path: str) -> Live:
    """The live values, with the missing ones at or below `path` only."""
    wanted = path.strip("/")
    if not wanted:
        return live
    below = {here: why for here, why in live.missing.items() if f"{here}/".replace("@", "/").startswith(f"{wanted}/")}
    return replace(live, missing=below)


def _chosen(technique: str, techniques: list[str]) -> str:
    """The technique that was asked for; the only one of the config if none was."""
    if technique or len(techniques) == 1:
        return technique or techniques[0]
    raise InputError(
        Problem("which technique?", f"the config has {', '.join(techniques)}", "name one with --technique")
    )


def _read(plan: CapturePlan, config: Config) -> Live:
    from nxscribe.capture import SourceReader
    from nxscribe.service.check.preview_live import read_live

    with SourceReader(config.source_settings) as reader:
        # A daemon has its proxies already when a scan starts: making them is not part of the time told.
        reader.configure(plan.items)
        reader.time_each(plan.items, time.monotonic() + config.limits.deadline_s)
        return read_live(plan, config, reader)
