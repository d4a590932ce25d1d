"""`nxscribe demo`: runs scans on a simulated beamline."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nxscribe.errors import NxscribeError, Problem

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.tree import Tree

    from nxscribe.client import Answer, ScribeClient
    from nxscribe.projections.nexus.outline import Line
    from nxscribe.simulation import SimulatedBeamline

_PROPOSAL = "ma2210"
_SAMPLES = {"tomo": "phantom", "holo": "phantom", "mrt": "film", "scan": "phantom", "fluo": "phantom"}
_FILES_S = 60.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class _Scan:
    technique: str
    start: Answer
    end: Answer


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to leave everything.")] = Path("nxscribe-demo"),
    technique: Annotated[
        list[str] | None, typer.Option("--technique", "-t", help="Only this one; may be repeated.")
    ] = None,
    stay: Annotated[bool, typer.Option("--stay", help="Keep beamline and daemon running until Ctrl-C.")] = False,
) -> None:
    """Run one scan of each technique on a simulated beamline, with a real Tango database and real raw files."""
    from rich.console import Console

    console = Console(highlight=False)
    try:
        _run(console, output.absolute(), technique, stay=stay)
    except KeyboardInterrupt:
        console.print(f"Interrupted; every process is stopped. What was made by then is in {output}")
        raise typer.Exit(130) from None


def _run(console: Console, output: Path, wanted: list[str] | None, *, stay: bool) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    from nxscribe.cli._daemon_process import DaemonProcess
    from nxscribe.service.config import load_config
    from nxscribe.simulation import SimulatedBeamline, TangoDatabase

    config_file = _config_to_edit(output)
    config = load_config(config_file)
    techniques = _choose(wanted, list(config.techniques))
    data, log = config.data_root, output / "nxscribe.log"
    data.mkdir(parents=True, exist_ok=True)

    with ExitStack() as stack:
        columns = (SpinnerColumn(), TextColumn("{task.description:<40}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("Tango database", total=3)
            database = stack.enter_context(TangoDatabase())
            os.environ["TANGO_HOST"] = database.host
            progress.update(task, advance=1, description="Simulated beamline")
            beamline = stack.enter_context(SimulatedBeamline(database.host, data))
            beamline.wait_ready()
            progress.update(task, advance=1, description="nxscribe daemon")
            daemon = DaemonProcess(config_file, log=log)
            client = stack.enter_context(daemon).client(config.tango.devices[0])
            progress.update(task, advance=1, description="Tango database, beamline, daemon")

            folder = data / _PROPOSAL / config.beamline
            scans = [_scan(client, beamline, name, folder, progress) for name in techniques]

            task = progress.add_task("Files written, verified", total=len(scans))
            _await_files(client, log, lambda waiting: progress.update(task, completed=len(scans) - waiting))
        _report(console, output, config_file, scans)
        if stay:
            console.print("\n[bold]Beamline and daemon stay until Ctrl-C.[/] In another terminal:")
            console.print(f"  export TANGO_HOST={database.host} NXSCRIBE_DEVICE={config.tango.devices[0]}")
            signal.pause()


def _config_to_edit(output: Path) -> Path:
    """The path of the config, in a copy of the shipped files that the user can edit."""
    from nxscribe.cli._shipped import shipped

    for folder in ("configs", "definitions", "schemas"):
        if not (output / folder).exists():
            shutil.copytree(shipped() / folder, output / folder)
    return output / "configs" / "sim.yaml"


def _choose(wanted: list[str] | None, known: list[str]) -> list[str]:
    if unknown := sorted(set(wanted or []) - set(known)):
        raise NxscribeError(
            Problem(
                f"unknown technique: {', '.join(unknown)}",
                remedy=f"choose from {', '.join(known)}",
            )
        )
    return wanted or known


def _scan(client: ScribeClient, beamline: SimulatedBeamline, technique: str, folder: Path, progress: Progress) -> _Scan:
    """One scan, as a control system does it: start, acquire, end."""
    sample = _SAMPLES.get(technique, "sample")
    directory = next(path for path in _numbered(folder / sample, technique) if not path.exists())
    task = progress.add_task(technique, total=None)

    def show(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total)

    start = client.start(_PROPOSAL, sample, directory.name, technique, beamline.prepare(technique, directory))
    end = client.end(beamline.acquire(technique, directory, show))
    return _Scan(technique, start, end)


def _numbered(folder: Path, technique: str) -> Iterator[Path]:
    """Names for scans, in order: a second demo in the same folder continues the experiment."""
    number = 0
    while number := number + 1:
        yield folder / f"{technique}_{number:04d}"


def _await_files(client: ScribeClient, log: Path, show: Callable[[int], object]) -> None:
    deadline = time.monotonic() + _FILES_S
    while waiting := int(str(client.show()["filesWaiting"])):
        show(waiting)
        if time.monotonic() > deadline:
            raise NxscribeError(Problem(f"{waiting} file(s) were not written in {_FILES_S:g} s", remedy=f"see {log}"))
        time.sleep(_POLL_S)
    show(0)


def _report(console: Console, output: Path, config_file: Path, scans: list[_Scan]) -> None:
    from rich.table import Table

    from nxscribe.projections.nexus.outline import outline
    from nxscribe.simulation import draw_frame

    table = Table(title=f"\nExperiment {_PROPOSAL} on the simulated beamline", title_justify="left")
    for heading in ("technique", "entry"):
        table.add_column(heading)
    for heading in ("values read", "missing", "start", "end"):
        table.add_column(heading, justify="right")
    for scan in scans:
        # What was read at the start and again at the end counts once.
        missing = scan.end.missing | {name: why for name, why in scan.start.missing.items() if name in scan.end.missing}
        table.add_row(
            scan.technique,
            scan.end.entry,
            f"{scan.start.read} + {scan.end.read}",
            str(len(missing)),
            f"{scan.start.dead_time_s * 1e3:.0f} ms",
            f"{scan.end.dead_time_s * 1e3:.0f} ms",
        )
    console.print(table)
    console.print("[dim]start and end: how long the control system waits, until the readings are on disk[/]\n")

    first, master = scans[0], Path(scans[0].end.master)
    console.print(_tree(outline(master, first.end.entry)))
    picture = output / f"{first.technique}.png"
    draw_frame(master, first.end.entry, picture)

    shown = _from_here(master)
    console.print(f"\n[bold]Master file[/]  {shown}")
    console.print(f"[bold]A frame read through it[/]  {_from_here(picture)}")
    console.print("\n[bold]Look further[/]")
    nxscribe = f"{_from_here(Path(sys.executable).parent)}/nxscribe"
    config = _from_here(config_file)
    for command in (
        f"{nxscribe} records list {config}",
        f"{nxscribe} preview {config} --technique {first.technique}",
        f"{nxscribe} fsck {config}",
        f"{nxscribe} regenerate {config} --all --dry-run",
        f"{nxscribe} validate {shown}",
        f"{nxscribe} pack {shown} {_from_here(output / 'packed.h5')}",
    ):
        console.print(f"  {command}", soft_wrap=True)
    console.print("Any program that reads HDF5, such as silx, shows the master file.")


def _from_here(path: Path) -> Path:
    """The path relative to the working directory, if it is below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _tree(lines: Iterator[Line]) -> Tree:
    """The outline as branches."""
    from rich.markup import escape
    from rich.tree import Tree

    branches: list[Tree] = []
    for line in lines:
        text = f"[bold]{escape(line.name)}[/]" if line.nx_class else escape(line.name)
        text += f" [cyan]{escape(line.nx_class)}[/]" if line.nx_class else ""
        text += f"  [green]{escape(line.value)}[/] {escape(line.units)}" if line.value else ""
        text += f"  [magenta]→ {escape(line.link)}[/]" if line.link else ""
        del branches[line.depth :]
        branches.append(branches[-1].add(text) if branches else Tree(text))
    return branches[0]
