"""What becomes of costs as experiments grow: `growth`, `week`, `memory`.

    python benchmarks/scale.py growth [--scans 5000] [--values 150]
    python benchmarks/scale.py week [--share 1.0]
    python benchmarks/scale.py memory [--scans 10000]

`growth`: one experiment in the linked layout; what a start and an end cost at its end against its beginning, in the
journal and in the files, and how many bytes the journal keeps of a scan.
`week`: a week of the whole ESRF (5,899 datasets, 5,560,295 raw files, 169,760 parameters) through journal and files;
of a share of it, the same share of experiments.
`memory`: a real daemon with its writer on a real Tango device; what both hold as scans go by.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import tango

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from some_records import ended, some_record

from nxscribe.model import Phase, RawSeries, Reading, Snapshot, now
from nxscribe.projections import FileSettings
from nxscribe.projections.nexus import write_nexus
from nxscribe.records import Journal, Record
from nxscribe.records._storage import text_sha256
from processes import held_mb

DATASETS, RAW_FILES, PARAMETERS, EXPERIMENTS = 5899, 5_560_295, 169_760, 120
"""A week of the ESRF; its experiments are estimated: 40 beamlines, three each."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("what", choices=["growth", "week", "memory"])
    options.add_argument("--scans", type=int)
    options.add_argument("--values", type=int, default=150)
    options.add_argument("--share", type=float, default=1.0, help="of the week")
    options.add_argument("--folder", type=Path, help="where to measure: on the disk that matters")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        match given.what:
            case "growth":
                growth(Path(folder), given.scans or 5000, given.values)
            case "week":
                week(Path(folder), given.share)
            case _:
                memory(Path(folder), given.scans or 10_000)


# --- growth ---

EDGE = 100
"""So many scans at the beginning and the end are made in full and timed."""
FILES = ("file start", "file end")


def first_id(journal: Journal, number: int) -> str:
    return next(summary.id for summary in journal.summaries() if summary.number == number)


def definition(values: int) -> str:
    """One field for each value, in groups of five, as a beamline's is."""
    groups = []
    for start in range(0, values, 5):
        fields = "".join(
            f'<value{number} NAPItype="NX_FLOAT" units="mm">${{value{number}}}</value{number}>'
            for number in range(start, min(start + 5, values))
        )
        groups.append(f'<group NX_class="NXpositioner" groupName="positioner{start}">{fields}</group>')
    return (
        '<group NX_class="NXentry" groupName="${entry}"><title>${sampleName} - ${scanName}</title>'
        f'<group NX_class="NXinstrument" groupName="instrument">{"".join(groups)}</group></group>'
    )


def with_definition(record: Record, text: str, values: int) -> Record:
    readings = {
        f"value{number}": Reading(f"localhost:10000/id16a/motor/m{number}/position", now(), np.array(1.5), "mm")
        for number in range(values)
    }
    part = replace(record.definition, text=text, sha256=text_sha256(text))
    return replace(record, definition=part, initial=Snapshot(Phase.INITIAL, now(), 0.04, readings))


def growth(folder: Path, scans: int, values: int) -> None:
    """The first and the last scans are made in full. Those between are in the journal like any; of their files only
    the names are there, which is all that the cost of another scan can depend on.
    """
    settings = FileSettings(folder / "data")
    settings.data_root.mkdir()
    text = definition(values)
    edge = min(EDGE, scans // 2)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ("journal start", "journal end", *FILES)}
    with Journal(folder / "journal.sqlite") as journal:
        for number in range(1, scans + 1):
            is_whole = number <= edge or number > scans - edge
            draft = with_definition(some_record(scan=f"scan{number}"), text, values)
            record = timed(times["journal start"], lambda draft=draft: journal.begin(draft))
            end = replace(ended(record, values), raw=())
            if is_whole:
                timed(times["file start"], lambda record=record: write_nexus(record, settings))
            timed(times["journal end"], lambda end=end: journal.update(end))
            if is_whole:
                written = timed(times["file end"], lambda end=end: write_nexus(end, settings))
            else:
                written.entry_file.with_name(f"entry_{number:04d}.h5").hardlink_to(written.entry_file)
            if number == scans - edge:
                # The next scan makes it again, with all that lies in the folder of entries.
                written.master.unlink()
                write_nexus(replace(end, number=edge, id=first_id(journal, edge)), settings)
            for work in journal.due(now()):
                journal.done(work)
    print(f"{scans} scans of {values} values, one experiment, linked layout; medians of {edge} scans, ms")
    print(f"{'':16}{'by the clock':>27}   {'of the processor':>27}")
    print(f"{'':16}" + f"{'first':>9}{'last':>9}{'ratio':>9}   " * 2)
    ends = {name: series[:edge] + series[-edge:] for name, series in times.items()}
    whole = {f"{part}, whole": np.add(ends[f"journal {part}"], ends[f"file {part}"]) for part in ("start", "end")}
    for name, series in {**ends, **whole}.items():
        first, last = (np.median(part, axis=0) * 1e3 for part in (series[:edge], series[-edge:]))
        columns = (f"{first[kind]:9.2f}{last[kind]:9.2f}{last[kind] / first[kind]:9.2f}   " for kind in (0, 1))
        print(f"{name:16}" + "".join(columns))
    journal_bytes = (folder / "journal.sqlite").stat().st_size
    print(f"the journal keeps {journal_bytes / scans / 1e3:.1f} KB of a scan, {journal_bytes / 1e6:.1f} MB in all")
    master = next((folder / "data").rglob("*id16a.h5"))
    print(f"the master has {master.stat().st_size / 1e3:.0f} KB")


# --- a week of the ESRF ---


def week(folder: Path, share: float) -> None:
    datasets = round(DATASETS * share)
    experiments = max(round(EXPERIMENTS * share), 1)
    values, files = PARAMETERS // DATASETS + 1, RAW_FILES // DATASETS + 1
    text = definition(values)
    settings = FileSettings(folder / "data")
    settings.data_root.mkdir()
    begun, used = time.perf_counter(), time.process_time()
    spent = {"journal": 0.0, "files": 0.0}
    with Journal(folder / "journal.sqlite") as journal:
        for number in range(datasets):
            draft = some_record(scan=f"scan{number}", proposal=f"ma{number % experiments}")
            start = time.perf_counter()
            record = journal.begin(with_definition(draft, text, values))
            raw = (RawSeries("pco", record.directory, "tomo_%04d.edf", 0, files),)
            record = replace(ended(record), raw=raw)
            journal.update(record)
            middle = time.perf_counter()
            write_nexus(record, settings)
            end = time.perf_counter()
            spent["journal"] += middle - start
            spent["files"] += end - middle
            for work in journal.due(now()):
                journal.done(work)
            if number % 500 == 499:
                sys.stderr.write(f"{number + 1} of {datasets}: {end - begun:.0f} s\n")
    seconds, used = time.perf_counter() - begun, time.process_time() - used
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{datasets} datasets, {datasets * files:,} raw files, {datasets * values:,} parameters: {seconds:.0f} s")
    print(
        ", ".join(f"{name} {part:.0f} s" for name, part in spent.items()), f"; {seconds / datasets * 1e3:.0f} ms each"
    )
    print(f"of the processor {used:.0f} s, {used / datasets * 1e3:.0f} ms each")
    print(f"the whole week at this pace: {seconds / datasets * DATASETS / 60:.1f} minutes")
    print(f"journal {(folder / 'journal.sqlite').stat().st_size / 1e6:.0f} MB, journal and files {size / 1e6:.0f} MB")


# --- memory ---

MOST_WAITING = 5


def memory(folder: Path, scans: int) -> None:
    from crashes import plain_daemon  # noqa: PLC0415
    from namespaces import writer_of  # noqa: PLC0415

    from nxscribe.simulation import TangoDatabase  # noqa: PLC0415
    from nxscribe.simulation._process import ChildProcess  # noqa: PLC0415

    with TangoDatabase() as database:
        os.environ["TANGO_HOST"] = database.host
        info = tango.DbDevInfo()
        info.server, info._class, info.name = "everything/m", "Everything", "test/everything/m"  # noqa: SLF001
        tango.Database().add_device(info)
        devices = Path(__file__).parent.parent / "tests" / "devices"
        path = os.pathsep.join([str(devices), *filter(None, map(os.path.abspath, filter(None, sys.path)))])
        server = ChildProcess(
            "everything", "m", directory=folder, log=folder / "everything.log", env={"PYTHONPATH": path}
        )
        server.wait_for("Ready to accept request")
        daemon = plain_daemon(folder / "daemon", "memory", "test/everything/m/energy").start()
        try:
            proxy = daemon.proxy
            print(f"{'scans':>8}{'daemon':>10}{'writer':>10}   MB; descriptors of both; threads of the daemon")
            first: tuple[float, float] | None = None
            for number in range(1, scans + 1):
                proxy.StartScan(daemon.request(scan=f"s{number}", proposal=f"ma{number // 500}"))
                proxy.EndScan("")
                while waiting(proxy) > MOST_WAITING:
                    time.sleep(0.02)
                if number % max(scans // 10, 1) == 0 or number == 200:
                    pids = daemon.process.pid, writer_of(daemon)
                    sizes = tuple(held_mb(pid) for pid in pids)
                    first = first or sizes
                    open_files = [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids]
                    threads = len(list(Path(f"/proc/{pids[0]}/task").iterdir()))
                    print(f"{number:8}{sizes[0]:10.1f}{sizes[1]:10.1f}   {open_files} {threads}", flush=True)
            print(f"last / first: daemon {sizes[0] / first[0]:.2f}, writer {sizes[1] / first[1]:.2f}")
        finally:
            daemon.stop()
            server.stop()
            shutil.rmtree(folder / "daemon", ignore_errors=True)


def waiting(proxy: tango.DeviceProxy) -> int:
    """How many files are due; many, where a read and an event of the same attribute got into each other's way."""
    try:
        return int(proxy.filesWaiting)
    except tango.DevFailed:
        return MOST_WAITING + 1


def timed(series: list[tuple[float, float]], deed):
    start, used = time.perf_counter(), time.process_time()
    result = deed()
    series.append((time.perf_counter() - start, time.process_time() - used))
    return result


if __name__ == "__main__":
    main()
