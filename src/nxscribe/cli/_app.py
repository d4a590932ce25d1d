"""The table of commands. Each command imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

from typing import Annotated

import typer

from nxscribe import __version__
from nxscribe.cli import (
    _check_command as check_command,
)
from nxscribe.cli import (
    _convert_command as convert_command,
)
from nxscribe.cli import (
    _demo_command as demo_command,
)
from nxscribe.cli import (
    _fsck_command as fsck_command,
)
from nxscribe.cli import (
    _pack_command as pack_command,
)
from nxscribe.cli import (
    _preview_command as preview_command,
)
from nxscribe.cli import (
    _records_command as records_command,
)
from nxscribe.cli import (
    _regenerate_command as regenerate_command,
)
from nxscribe.cli import (
    _run_command as run_command,
)
from nxscribe.cli import (
    _scan_command as scan_command,
)
from nxscribe.cli import (
    _validate_command as validate_command,
)

app = typer.Typer(
    name="nxscribe",
    help="Captures a beamline's metadata at scan start and end, and writes it as NeXus master files.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo_command.demo)
app.command()(check_command.check)
app.command()(preview_command.preview)
app.command()(convert_command.convert)
app.command()(run_command.run)
app.add_typer(scan_command.app, name="scan")
app.command()(scan_command.status)
app.add_typer(records_command.app, name="records")
app.command()(regenerate_command.regenerate)
app.command()(fsck_command.fsck)
app.command()(pack_command.pack)
app.command()(validate_command.validate)


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
    """Options before the name of a command."""
