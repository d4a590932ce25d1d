"""`nxscribe demo`: the whole job on a simulated beamline, in a minute."""

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
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.tree import Tree

from nxscribe.errors import NxscribeError, Problem

if TYPE_CHECKING:
    from nxscribe.projections.nexus.outline import Line
    from nxscribe.service.status import Answer
    from nxscribe.simulation import SimulatedBeamline
    from nxscribe.triggers.client import ScribeClient

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
    console = Console(highlight=False)
    try:
        _run(console, output.absolute(), technique, stay=stay)
    except KeyboardInterrupt:
        console.print(f"Interrupted; every process is stopped. What was made by then is in {output}")
        raise typer.Exit(130) from None


def _run(console: Console, output: Path, wanted: list[str] | None, *, stay: bool) -> None:
    from nxscribe.cli.daemon_process import DaemonProcess
    from nxscribe.service.config import load_config
    from nxscribe.simulation import SimulatedBeamline, TangoDatabase

    config_file = _config_to_edit(output)
    config = load_config(config_file)
    techniques = _choose(wanted, list(config.techniques))
    data, log = output / "data", output / "nxscribe.log"
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
            daemon = DaemonProcess(config_file, data_root=data, state_dir=output / "state", log=log)
            client = stack.enter_context(daemon).client(config.tango.devices[0])
            progress.update(task, advance=1, description="Tango database, beamline, daemon")

            folder = data / _PROPOSAL / config.beamline
            scans = [_scan(client, beamline, name, folder, progress) for name in techniques]

            task = progress.add_task("Files written, verified", total=len(scans))
            _await_files(client, log, lambda waiting: progress.update(task, completed=len(scans) - waiting))
        _report(console, output, scans)
        if stay:
            console.print("\n[bold]Beamline and daemon stay until Ctrl-C.[/] In another terminal:")
            console.print(f"  export TANGO_HOST={database.host} NXSCRIBE_DEVICE={config.tango.devices[0]}")
            signal.pause()


def _config_to_edit(output: Path) -> Path:
    """The simulated beamline's config, in a copy of all that is shipped: one may edit it and see what comes of it."""
    from nxscribe.cli.shipped import shipped

    for folder in ("configs", "definitions", "schemas"):
        if not (output / folder).exists():
            shutil.copytree(shipped() / folder, output / folder)
    return output / "configs" / "sim.yaml"


def _choose(wanted: list[str] | None, known: list[str]) -> list[str]:
    if unknown := sorted(set(wanted or []) - set(known)):
        raise NxscribeError(
            Problem(f"there is no technique {', '.join(unknown)}", remedy=f"choose from {', '.join(known)}")
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
    """A second demo in the same folder continues the experiment."""
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


def _report(console: Console, output: Path, scans: list[_Scan]) -> None:
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
    programs = _from_here(Path(sys.executable).parent)
    for command in (
        f"{programs}/nxscribe records list {_from_here(output / 'state')}",
        f"{programs}/nxscribe preview {_from_here(output / 'configs' / 'sim.yaml')} --technique {first.technique}",
        f"{programs}/nxscribe validate {shown}",
        f"{programs}/python -c \"from nexusformat.nexus import nxload; print(nxload('{shown}').tree)\"",
        f"silx view {shown}",
    ):
        console.print(f"  {command}", soft_wrap=True)


def _from_here(path: Path) -> Path:
    """As one would type it in this folder."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _tree(lines: Iterator[Line]) -> Tree:
    """The outline as branches."""
    branches: list[Tree] = []
    for line in lines:
        text = f"[bold]{escape(line.name)}[/]" if line.nx_class else escape(line.name)
        text += f" [cyan]{escape(line.nx_class)}[/]" if line.nx_class else ""
        text += f"  [green]{escape(line.value)}[/] {escape(line.units)}" if line.value else ""
        text += f"  [magenta]→ {escape(line.link)}[/]" if line.link else ""
        del branches[line.depth :]
        branches.append(branches[-1].add(text) if branches else Tree(text))
    return branches[0]
