"""`nxscribe pack`: an experiment as one self-contained read-only file, for the archive."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def pack(
    master: Annotated[Path, typer.Argument(help="The experiment's master file.")],
    output: Annotated[Path, typer.Argument(help="The new file, which must not exist.")],
    without_frames: Annotated[
        bool, typer.Option("--without-frames", help="Leave raw frames out: only their files' names are kept.")
    ] = False,
) -> None:
    """Copy a master and all that its links lead to, raw frames included, into one read-only file."""
    # Names in external storage are relative to their file, not to the working directory. HDF5 looks once, at its start.
    os.environ["HDF5_EXTFILE_PREFIX"] = "${ORIGIN}"
    from nxscribe.projections.nexus import pack as pack_files

    packed = pack_files(master.absolute(), output.absolute(), frames=not without_frames)
    for entry in packed.incomplete:
        typer.secho(f"note: {entry} is of a scan that had not ended", fg="yellow", err=True)
    for path, reason in packed.left_out.items():
        typer.secho(f"left out: {path}: {reason}", fg="yellow", err=True)
    size = packed.file.stat().st_size / 1e6
    typer.echo(f"{packed.file}: {packed.entries} entries, {packed.frames} frames, {size:.1f} MB", err=True)
