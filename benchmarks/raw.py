"""What it costs to link a scan's raw frames, of each format, and whether every one of them reads right.

    python benchmarks/raw.py [--frames 1000 10000] [--formats edf hdf5-many …] [--folder DIR] [--clock cpu]

For each format: the writer process's time for the whole entry with its links, and the same entry without raw files, so
that their difference is the links'; the time of a plain h5py program that makes the same links from what it is told,
with no look at any file; the bytes of all files written; the memory that the links cost the writer; how often a folder
was listed and a raw file opened (by Python: what HDF5 opens itself is not counted); and, in a fresh process that may
open no more than 1,024 files: the time to open the master, the time to the first frame, and how many of the frames are
right. All of it is the writer process's work, after the answer to the scan's end. `--clock cpu` counts the time of the
processor alone, where others are at work too.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import fabio.cbfimage
import fabio.edfimage
import h5py
import hdf5plugin
import numpy as np
import tifffile

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from some_scans import ended, started

from nxscribe.model import RawSeries
from nxscribe.projections import FileSettings
from nxscribe.projections.nexus import write_nexus
from nxscribe.records import record_from_json, record_to_json

SHAPE = (32, 32)
PER_FILE = 100
DATA = "instrument/detector01/data"
OPEN_FILES = 1024
CLOCK = "BENCHMARK_CLOCK"


def clock() -> float:
    return time.process_time() if os.environ.get(CLOCK) == "cpu" else time.perf_counter()


def frame(number: int) -> np.ndarray:
    """Each frame differs from all others in its first two pixels."""
    pixels = np.full(SHAPE, 7, "u2")
    pixels[0, 0], pixels[0, 1] = number % 50_000, number // 50_000 + 1
    return pixels


def stack(first: int, count: int) -> np.ndarray:
    return np.array([frame(number) for number in range(first, first + count)])


# --- what detectors write ---


def hdf5_one(folder: Path, count: int) -> RawSeries:
    with h5py.File(folder / "all.h5", "w") as file:
        file["data"] = stack(0, count)
    return RawSeries("pco", str(folder), "all.h5")


def hdf5_some(folder: Path, count: int) -> RawSeries:
    for number in range(count // PER_FILE):
        with h5py.File(folder / f"part_{number:04d}.h5", "w") as file:
            file["data"] = stack(number * PER_FILE, PER_FILE)
    return RawSeries("pco", str(folder), "part_%04d.h5", 0, count // PER_FILE)


def hdf5_many(folder: Path, count: int, compression: object = None) -> RawSeries:
    for number in range(count):
        with h5py.File(folder / f"f_{number:05d}.h5", "w") as file:
            file.create_dataset("data", data=frame(number)[None], compression=compression)
    return RawSeries("pco", str(folder), "f_%05d.h5", 0, count)


def hdf5_packed(folder: Path, count: int) -> RawSeries:
    return hdf5_many(folder, count, hdf5plugin.Bitshuffle())


def eiger(folder: Path, count: int) -> RawSeries:
    with h5py.File(folder / "s_master.h5", "w") as master:
        for number in range(count // PER_FILE):
            name = f"s_data_{number + 1:06d}.h5"
            with h5py.File(folder / name, "w") as file:
                data = stack(number * PER_FILE, PER_FILE)
                file.create_dataset(
                    "entry/data/data", data=data, chunks=(1, *SHAPE), compression=hdf5plugin.Bitshuffle()
                )
            master[f"entry/data/data_{number + 1:06d}"] = h5py.ExternalLink(name, "/entry/data/data")
    return RawSeries("pco", str(folder), "s_master.h5")


def in_place_of(template: bytes, count: int, name: Callable[[int], Path]) -> None:
    """Files like `template`, which ends with frame 0."""
    head = template[: -frame(0).nbytes]
    for number in range(count):
        name(number).write_bytes(head + frame(number).tobytes())


def edf(folder: Path, count: int) -> RawSeries:
    fabio.edfimage.EdfImage(data=frame(0)).write(str(folder / "template"))
    in_place_of((folder / "template").read_bytes(), count, lambda number: folder / f"f_{number:05d}.edf")
    return RawSeries("pco", str(folder), "f_%05d.edf", 0, count)


def edf_one(folder: Path, count: int) -> RawSeries:
    fabio.edfimage.EdfImage(data=frame(0)).write(str(folder / "template"))
    head = (folder / "template").read_bytes()[: -frame(0).nbytes]
    (folder / "all.edf").write_bytes(b"".join(head + frame(number).tobytes() for number in range(count)))
    return RawSeries("pco", str(folder), "all.edf")


def tiff(folder: Path, count: int) -> RawSeries:
    tifffile.imwrite(folder / "template", frame(0), metadata=None)
    in_place_of((folder / "template").read_bytes(), count, lambda number: folder / f"f_{number:05d}.tif")
    return RawSeries("pco", str(folder), "f_%05d.tif", 0, count)


def tiff_one(folder: Path, count: int) -> RawSeries:
    tifffile.imwrite(folder / "all.tif", stack(0, count), photometric="minisblack", metadata=None)
    return RawSeries("pco", str(folder), "all.tif")


def cbf(folder: Path, count: int) -> RawSeries:
    fabio.cbfimage.CbfImage(data=frame(0).astype("i4")).write(str(folder / "template"))
    data = (folder / "template").read_bytes()
    for number in range(count):
        (folder / f"f_{number:05d}.cbf").write_bytes(data)
    return RawSeries("pco", str(folder), "f_%05d.cbf", 0, count)


FORMATS = {
    "hdf5-one": hdf5_one,
    "hdf5-some": hdf5_some,
    "hdf5-many": hdf5_many,
    "hdf5-packed": hdf5_packed,
    "eiger": eiger,
    "edf": edf,
    "edf-one": edf_one,
    "tiff": tiff,
    "tiff-one": tiff_one,
    "cbf": cbf,
}


# --- the same links by plain h5py ---


def plain(kind: str, folder: Path, count: int) -> None:
    """Make the links with h5py alone, from what the detector's programmer knows."""
    with h5py.File(folder / "plain.h5", "w") as file:
        if kind == "hdf5-one":
            file["data"] = h5py.ExternalLink("all.h5", "/data")
        elif kind in {"hdf5-some", "hdf5-many", "hdf5-packed", "eiger"}:
            names, dataset = sorted(path.name for path in folder.glob("*[0-9].h5")), "data"
            if kind == "eiger":
                dataset = "entry/data/data"
            each = count // len(names)
            layout = h5py.VirtualLayout((count, *SHAPE), "u2")
            for number, name in enumerate(names):
                source = h5py.VirtualSource(name, dataset, (each, *SHAPE))
                for index in range(each):
                    layout[number * each + index] = source[index]
            file.create_virtual_dataset("data", layout)
        elif kind == "cbf":
            file["files"] = sorted(path.name for path in folder.glob("*.cbf"))
        else:
            stored_outside(file, kind, folder, count)


def stored_outside(file: h5py.File, kind: str, folder: Path, count: int) -> None:
    size = frame(0).nbytes
    paths = sorted(folder.glob("*.edf" if kind.startswith("edf") else "*.tif"))
    if len(paths) > 1:
        segments = [(str(path), path.stat().st_size - size, size) for path in paths]
    else:
        step = paths[0].stat().st_size // count if kind == "edf-one" else size
        first = step - size if kind == "edf-one" else first_of_tiff(paths[0])
        segments = [(str(paths[0]), first + number * step, size) for number in range(count)]
    layout = h5py.VirtualLayout((count, *SHAPE), "u2")
    for start in range(0, count, 2500):
        part = segments[start : start + 2500]
        block = file.create_dataset(f"block_{start}", (len(part), *SHAPE), "u2", external=part)
        layout[start : start + len(part)] = h5py.VirtualSource(block)
    file.create_virtual_dataset("data", layout)


def first_of_tiff(path: Path) -> int:
    with tifffile.TiffFile(path) as file:
        return int(file.pages[0].dataoffsets[0])


# --- measuring ---


def main() -> None:
    match sys.argv[1:]:
        case ["write", record, root]:
            write(Path(record), Path(root))
        case ["read", master, count]:
            read(Path(master), int(count))
        case _:
            compare()


def compare() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, nargs="+", default=[1000, 10_000])
    options.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    options.add_argument("--folder", type=Path, help="where to measure: on the disk that the raw files are on")
    options.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    given = options.parse_args()
    os.environ[CLOCK] = given.clock
    print("times in s; ratio: the links' time over plain h5py's; right: of all frames, with 1,024 open files at most")
    columns = ("frames", "entry", "links", "plain", "ratio", "kB", "MB", "lists", "opens", "open", "first", "right")
    print(f"{'':12}" + "".join(f"{name:>9}" for name in columns))
    for count in given.frames:
        for kind in given.formats:
            with tempfile.TemporaryDirectory(dir=given.folder) as folder:
                measure(kind, Path(folder), count)


def measure(kind: str, root: Path, count: int) -> None:
    draft = started(root)
    folder = Path(draft.directory)
    series = FORMATS[kind](folder, count)
    (folder / "template").unlink(missing_ok=True)
    times = []
    for _ in range(3):
        begun = clock()
        plain(kind, folder, count)
        times.append(clock() - begun)
    (folder / "plain.h5").unlink()
    without, idle_mb, *_ = timed_write(root, ended(draft))
    entry, used_mb, lists, opens = timed_write(root, ended(draft, series))
    written = sum(path.stat().st_size for path in (root / "ma2210/id16a").rglob("entry_*.h5"))
    links = max(entry - without, 1e-4)
    opened, first, right = call("read", str(root / draft.master), str(count)).split()
    row = (entry, links, min(times), links / min(times))
    print(f"{kind:12}{count:9,}" + "".join(f"{number:9.3f}" for number in row), end="")
    print(
        f"{written / 1e3:9,.0f}{used_mb - idle_mb:9.0f}{lists:9.0f}{opens:9,.0f}"
        f"{float(opened):9.3f}{float(first):9.3f}{int(right):9,}"
    )


def timed_write(root: Path, record: object) -> list[float]:
    path = root / "record.json"
    path.write_bytes(record_to_json(replace(record)))  # type: ignore[arg-type,type-var]
    return [float(number) for number in call("write", str(path), str(root)).split()]


def call(*arguments: str) -> str:
    return subprocess.run([sys.executable, __file__, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def write(path: Path, root: Path) -> None:
    """In a process of its own, as the daemon's writer: the second write, since the first pays for imports."""
    record = record_from_json(path.read_bytes())
    settings = FileSettings(root, copied_bytes=0)  # copying is a matter of the disk
    times = []
    for _ in range(3):
        begun = clock()
        write_nexus(record, settings)
        times.append(clock() - begun)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    raw = record.directory
    seen = Counter[str]()

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event in {"os.scandir", "open"} and str(arguments[0]).startswith(raw):
            seen[event] += 1

    sys.addaudithook(note)
    write_nexus(record, settings)
    print(min(times[1:]), megabytes, seen["os.scandir"], seen["open"])


def read(master: Path, count: int) -> None:
    """As an analyst's program does, from a working directory of no meaning."""
    os.chdir("/")
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    begun = time.perf_counter()
    with h5py.File(master) as file:
        entry = file["entry_0001"]
        opened = time.perf_counter() - begun
        blocks = sorted(name for name in entry["instrument/detector01"] if name.startswith("data_0"))
        if DATA in entry:
            blocks = ["data"]
        right, first = 0, float("nan")
        for block in blocks:
            data = entry[f"instrument/detector01/{block}"]
            begun = time.perf_counter()
            data[0]
            first = time.perf_counter() - begun if np.isnan(first) else first
            for start in range(0, len(data), 500):
                pixels = data[start : start + 500]
                wanted = stack(right, len(pixels))
                right += int((pixels == wanted).all(axis=(1, 2)).sum())
            del data
    assert right in {0, count} or print(f"{count - right} of {count} frames are wrong", file=sys.stderr) is None
    print(opened, first, right)


if __name__ == "__main__":
    main()
