"""`nxscribe scan`: trigger a running daemon by hand or from a script."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from nxscribe.service.requests import Json
    from nxscribe.service.status import Answer

app = typer.Typer(
    help="Start, end or abort a scan of a running daemon, put an edit in force, or see how it fares.",
    no_args_is_help=True,
)

_Device = Annotated[
    str,
    typer.Option("--device", "-d", envvar="NXSCRIBE_DEVICE", help="The daemon's Tango device: id16a/nxscribe/main."),
]
_Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", help="name=value, as often as needed; the value is JSON, or else a text."),
]
_Files = Annotated[
    list[str] | None, typer.Option("--file", "-f", help="detector=/path/of/a/raw/file, in order, as often as needed.")
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def start(
    proposal: Annotated[str, typer.Argument(help="The experiment: ma2210.")],
    sample: Annotated[str, typer.Argument()],
    scan: Annotated[str, typer.Argument(help="The scan's (dataset's) name.")],
    device: _Device,
    technique: Annotated[str, typer.Option("--technique", "-t", help="One of the config's techniques.")],
    parameter: _Parameters = None,
    as_json: _AsJson = False,
) -> None:
    """Start a scan: the initial readings are on disk when this returns."""
    from nxscribe.triggers.client import ScribeClient

    _show(ScribeClient(device).start(proposal, sample, scan, technique, _parameters(parameter)), as_json=as_json)


@app.command()
def end(device: _Device, parameter: _Parameters = None, file: _Files = None, as_json: _AsJson = False) -> None:
    """End the scan: the final readings are on disk when this returns; its file follows."""
    from nxscribe.triggers.client import ScribeClient

    files: dict[str, list[str]] = {}
    for name, path in _pairs(file, "detector=/path"):
        files.setdefault(name, []).append(path)
    _show(ScribeClient(device).end(_parameters(parameter), files), as_json=as_json)


@app.command()
def abort(device: _Device, as_json: _AsJson = False) -> None:
    """Abort the scan: it is closed with the final readings that can be had."""
    from nxscribe.triggers.client import ScribeClient

    answer = ScribeClient(device).abort()
    if answer:
        _show(answer, as_json=as_json)
    else:
        typer.echo("the start or end that was under way is stopped", err=True)


@app.command()
def status(device: _Device, as_json: _AsJson = False) -> None:
    """Show what the daemon does, and what it lacks."""
    from nxscribe.triggers.client import ScribeClient

    shown = ScribeClient(device).show()
    if as_json:
        typer.echo(json.dumps(shown))
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in shown.items():
        table.add_row(f"[bold]{name}", "\n".join(map(str, value)) if isinstance(value, list) else str(value))
    Console().print(table)


@app.command()
def reload(device: _Device) -> None:
    """Put an edit of config or definitions in force now; the daemon sees it by itself within seconds.

    Exit status 1 when the edit cannot be used: then every problem is told, and the last good set stays in force.
    """
    from nxscribe.triggers.client import ScribeClient

    problems = ScribeClient(device).reload()
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo("in force")


def _parameters(given: list[str] | None) -> dict[str, Json]:
    return {name: _value(text) for name, text in _pairs(given, "name=value")}


def _value(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except ValueError:
        return text
    return value


def _pairs(given: list[str] | None, form: str) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in given or []]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise typer.BadParameter(f"{name!r} is not of the form {form}")
    return [(name, value) for name, _, value in pairs]


def _show(answer: Answer, *, as_json: bool) -> None:
    import msgspec

    if as_json:
        typer.echo(msgspec.json.encode(answer).decode())
        return
    typer.echo(f"{answer.entry} in {answer.master}")
    typer.echo(f"{answer.read} values, {len(answer.missing)} missing, {answer.dead_time_s * 1e3:.0f} ms")
    for name, why in answer.missing.items():
        typer.echo(f"  {name}: {why}")
