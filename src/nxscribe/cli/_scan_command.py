"""`nxscribe scan` and `nxscribe status`: triggers, and questions to a running daemon."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from nxscribe.cli._journals import taken_up
from nxscribe.cli._problem_view import print_problems
from nxscribe.cli._summing_up import HINT, summed_up
from nxscribe.cli._trigger_commands import DEVICE, TRIGGERS, client_of, send_trigger

app = typer.Typer(
    help="Start, end or abort a scan of a running daemon, reload its config, or show its state.",
    no_args_is_help=True,
)

_DEVICE_HELP = "The daemon's Tango device: id16a/nxscribe/main."
_Device = Annotated[str, typer.Option("--device", "-d", envvar=DEVICE, help=_DEVICE_HELP)]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_All = Annotated[bool, typer.Option("--all", help="Name each missing value, however many there are.")]


def _trigger(name: str, told: str) -> None:
    @app.command(
        name,
        help=told,
        add_help_option=False,  # it is among the words
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    def command(context: typer.Context) -> None:
        send_trigger(name, context.args)


for _name, _command in TRIGGERS.items():
    _trigger(_name, _command.__doc__ or "")


@app.command()
def status(
    config: Annotated[
        Path | None,
        typer.Argument(metavar="[CONFIG]", help="The beamline's config: all of its devices, instead of --device."),
    ] = None,
    device: Annotated[str, typer.Option("--device", "-d", envvar=DEVICE, help=_DEVICE_HELP)] = "",
    as_json: _AsJson = False,
    everything: _All = False,
) -> None:
    """Show the state of the daemon, and which values are missing."""
    from nxscribe.cli._output import print_facts

    devices = _devices_of(config) if config else [device]
    if not any(devices):
        raise typer.BadParameter("name the beamline's config, or the daemon's device by --device or NXSCRIBE_DEVICE")
    for one in devices:
        shown = client_of(one).show()
        if as_json:
            typer.echo(json.dumps(shown))
            continue
        if len(devices) > 1:
            typer.echo(one)
        print_facts((name, _told(name, value, everything=everything)) for name, value in shown.items())


def _devices_of(config: Path) -> list[str]:
    """The trigger devices of a config, with its Tango database if it names one. Raises InputError."""
    tango = taken_up(config).tango
    return [f"//{tango.host}/{device}" if tango.host else device for device in tango.devices]


def _told(name: str, value: object, *, everything: bool) -> str | list[str]:
    if isinstance(value, float):  # the device shows times alone as such, in seconds
        return f"{value * 1e3:.0f} ms"
    if not isinstance(value, list | tuple):
        return str(value)
    if name != "missingValues":
        return [str(one) for one in value]
    missing = dict(str(one).split(": ", 1) for one in value)
    sums = [f"{what}: {why}" for what, why in summed_up(missing, everything=everything)]
    return [*sums, HINT] if len(sums) < len(missing) else sums


@app.command()
def reload(device: _Device) -> None:
    """Put an edit of config or definitions in force now; the daemon sees it by itself within seconds.

    Exit status 1 when the edit cannot be used: then every problem is told, and the last good set stays in force.
    """
    problems = client_of(device).reload()
    print_problems(problems, stream=sys.stdout)
    if problems:
        raise typer.Exit(1)
    typer.echo("in force")
