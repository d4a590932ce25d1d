"""`nxscribe pack`: copies an experiment into one read-only file for the archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def pack(
    master: Annotated[Path, typer.Argument(help="The experiment's master file.")],
    output: Annotated[Path, typer.Argument(help="The new file, which must not exist.")],
    without_frames: Annotated[
        bool, typer.Option("--without-frames", help="Leave raw frames out: only their files' names are kept.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Name each part that is left out.")] = False,
) -> None:
    """Copy a master file with everything that it links to, raw frames included, into one read-only file."""
    from nxscribe.cli._output import print_line
    from nxscribe.cli._summing_up import HINT, summed_up
    from nxscribe.projections import hdf5_environment

    hdf5_environment.prepare()
    from nxscribe.projections.nexus import pack as pack_files

    packed = pack_files(master.absolute(), output.absolute(), frames=not without_frames)
    for entry in packed.incomplete:
        print_line(f"note: {entry} is of a scan that had not ended", colour="yellow", err=True)
    left_out = summed_up(packed.left_out, everything=everything)
    for path, reason in left_out:
        print_line(f"left out: {path}: {reason}", colour="yellow", err=True)
    if len(left_out) < len(packed.left_out):
        print_line(HINT, err=True)
    size = packed.file.stat().st_size / 1e6
    typer.echo(f"{packed.file}: {packed.entries} entries, {packed.frames} frames, {size:.1f} MB", err=True)
