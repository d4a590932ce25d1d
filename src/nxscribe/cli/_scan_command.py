"""`nxscribe scan`: sends triggers to a running daemon."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nxscribe.cli._journals import taken_up
from nxscribe.cli._problem_view import print_problems
from nxscribe.cli._summing_up import HINT, summed_up

if TYPE_CHECKING:
    from nxscribe.service.json_text import Json
    from nxscribe.service.scan.status import Answer

app = typer.Typer(
    help="Start, end or abort a scan of a running daemon, reload its config, or show its state.",
    no_args_is_help=True,
)

_DEVICE_HELP = "The daemon's Tango device: id16a/nxscribe/main."
_Device = Annotated[str, typer.Option("--device", "-d", envvar="NXSCRIBE_DEVICE", help=_DEVICE_HELP)]
_Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", help="name=value, as often as needed; the value is JSON, or else a text."),
]
_Files = Annotated[
    list[str] | None, typer.Option("--file", "-f", help="detector=/path/of/a/raw/file, in order, as often as needed.")
]
_Record = Annotated[str, typer.Option("--record", help="This scan and no other: its record's id.")]
_Entry = Annotated[str, typer.Option("--entry", help="The same by its entry: entry_0029.")]
_Scan = Annotated[str, typer.Option("--scan", help="The same by its name.")]
_EndReason = Annotated[
    str, typer.Option("--end-reason", help="How the scan ended: finished, stopped, aborted, failed or interrupted.")
]
_Reason = Annotated[str, typer.Option("--reason", help="Why, in your own words.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_All = Annotated[bool, typer.Option("--all", help="Name each missing value, however many there are.")]


@app.command()
def start(
    proposal: Annotated[str, typer.Argument(help="The experiment: ma2210.")],
    sample: Annotated[str, typer.Argument()],
    scan: Annotated[str, typer.Argument(help="The scan's (dataset's) name.")],
    device: _Device,
    technique: Annotated[str, typer.Option("--technique", "-t", help="One of the config's techniques.")],
    parameter: _Parameters = None,
    as_json: _AsJson = False,
    everything: _All = False,
) -> None:
    """Start a scan: the initial readings are on disk when this returns."""
    from nxscribe.triggers.client import ScribeClient

    _show(
        ScribeClient(device).start(proposal, sample, scan, technique, _parameters(parameter)),
        as_json=as_json,
        everything=everything,
    )


@app.command()
def end(
    device: _Device,
    parameter: _Parameters = None,
    file: _Files = None,
    record: _Record = "",
    entry: _Entry = "",
    scan: _Scan = "",
    end_reason: _EndReason = "",
    reason: _Reason = "",
    as_json: _AsJson = False,
    everything: _All = False,
) -> None:
    """End the scan: the final readings are on disk when this returns; its file follows.

    Name the scan where an end may be sent twice, as after a time-out: a scan that has ended is answered for again, and
    another one that is open meanwhile is left alone.
    """
    from nxscribe.triggers.client import ScribeClient

    files: dict[str, list[str]] = {}
    for name, path in _pairs(file, "detector=/path"):
        files.setdefault(name, []).append(path)
    told = {"record": record, "entry": entry, "scan": scan, "end_reason": end_reason, "reason": reason}
    answer = ScribeClient(device).end(_parameters(parameter), files, **told)
    _show(answer, as_json=as_json, everything=everything)


@app.command()
def abort(
    device: _Device,
    record: _Record = "",
    entry: _Entry = "",
    scan: _Scan = "",
    end_reason: _EndReason = "",
    reason: _Reason = "",
    as_json: _AsJson = False,
    everything: _All = False,
) -> None:
    """Abort the scan: it is closed with the final readings that can be had.

    Without a name whatever is open or under way is aborted. A scan that is named is aborted, and no other.
    """
    from nxscribe.triggers.client import ScribeClient

    told = {"record": record, "entry": entry, "scan": scan, "end_reason": end_reason, "reason": reason}
    answer = ScribeClient(device).abort(**told)
    if answer:
        _show(answer, as_json=as_json, everything=everything)
    else:
        typer.echo("the start or end that was under way is stopped", err=True)


@app.command()
def status(
    config: Annotated[
        Path | None,
        typer.Argument(metavar="[CONFIG]", help="The beamline's config: all of its devices, instead of --device."),
    ] = None,
    device: Annotated[str, typer.Option("--device", "-d", envvar="NXSCRIBE_DEVICE", help=_DEVICE_HELP)] = "",
    as_json: _AsJson = False,
    everything: _All = False,
) -> None:
    """Show the state of the daemon, and which values are missing."""
    from nxscribe.cli._output import print_facts
    from nxscribe.triggers.client import ScribeClient

    devices = _devices_of(config) if config else [device]
    if not any(devices):
        raise typer.BadParameter("name the beamline's config, or the daemon's device by --device or NXSCRIBE_DEVICE")
    for one in devices:
        shown = ScribeClient(one).show()
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
    from nxscribe.triggers.client import ScribeClient

    problems = ScribeClient(device).reload()
    print_problems(problems, stream=sys.stdout)
    if problems:
        raise typer.Exit(1)
    typer.echo("in force")


def _parameters(given: list[str] | None) -> dict[str, Json]:
    return {name: _value(text) for name, text in _pairs(given, "name=value")}


def _value(text: str) -> Json:
    from nxscribe.service.json_text import decode_json

    try:
        value = decode_json(text)
        json.dumps(value)
    except (ValueError, TypeError, RecursionError):
        # No JSON, or what no value can hold, such as 1e999: the daemon says of the text why.
        return text
    return value


def _pairs(given: list[str] | None, form: str) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in given or []]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise typer.BadParameter(f"{name!r} is not of the form {form}")
    return [(name, value) for name, _, value in pairs]


def _show(answer: Answer, *, as_json: bool, everything: bool) -> None:
    import msgspec

    from nxscribe.cli._output import print_line

    if as_json:
        typer.echo(msgspec.json.encode(answer).decode())
        return
    print_line(f"{answer.entry} in {answer.master}")
    print_line(f"{answer.read} values, {len(answer.missing)} missing, {answer.dead_time_s * 1e3:.0f} ms")
    for warning in answer.warnings:
        print_line(warning)
    if answer.missing_mandatory:
        print_line(f"mandatory, and missing: {', '.join(answer.missing_mandatory)}")
    sums = summed_up(answer.missing, everything=everything)
    for name, why in sums:
        print_line(f"{name}: {why}", indent=2)
    if len(sums) < len(answer.missing):
        typer.echo(f"  {HINT}")
