"""The table of commands. Each imports what it needs when it is called, so that `--help` and `check` stay quick."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from nxscribe import __version__
from nxscribe.cli import check, convert, demo, fsck, pack, preview, records, regenerate, run, scan, validate
from nxscribe.errors import NxscribeError

app = typer.Typer(
    name="nxscribe",
    help="Captures a beamline's metadata at scan start and end, and writes it as NeXus master files.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
app.command()(check.check)
app.command()(preview.preview)
app.command()(convert.convert)
app.command()(run.run)
app.add_typer(scan.app, name="scan")
app.command()(scan.status)
app.add_typer(records.app, name="records")
app.command()(regenerate.regenerate)
app.command()(fsck.fsck)
app.command()(pack.pack)
app.command()(validate.validate)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nxscribe {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Options that stand before any command."""


def main() -> None:
    """Run the command line. What nxscribe raises on purpose is a message and exit status 1, never a trace back."""
    try:
        app()
    except NxscribeError as error:
        typer.secho(str(error), fg="red", err=True)
        sys.exit(1)
