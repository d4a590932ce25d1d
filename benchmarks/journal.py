"""What the journal adds to a scan's start and end: time until the commit is on the disk, and bytes kept.

    python benchmarks/journal.py [--values 150] [--scans 500] [--folder DIR]

Each time stands beside that of the least that durability can cost: the same bytes, as one blob, inserted and
committed by SQLite with the same settings, in turns with the journal's own. The outbox drains meanwhile, as it
does in a daemon.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from some_records import ended, some_record

from nxscribe.model import now
from nxscribe.records import Journal, Record, record_to_json


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--values", type=int, default=150)
    options.add_argument("--scans", type=int, default=500)
    options.add_argument("--folder", type=Path, help="where to measure: on the disk that the journal will be on")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        measure(Path(folder), given.scans, given.values)


def measure(folder: Path, scans: int, values: int) -> None:
    path = folder / "journal.sqlite"
    times: dict[str, list[float]] = {name: [] for name in ("begin", "update", "read", "plain begin", "plain update")}
    with Journal(path) as journal, Outbox(journal), Plain(folder / "plain.sqlite") as plain:
        for number in range(scans):
            draft = some_record(scan=f"scan{number}", values=values)
            record = timed(times["begin"], lambda draft=draft: journal.begin(draft))
            end = ended(record, values)
            timed(times["update"], lambda end=end: journal.update(end))
            back = timed(times["read"], lambda record=record: journal.record(record.id))
            assert back == end
            begun, finished = stored_sizes(path, record)
            timed(times["plain begin"], lambda size=begun: plain.insert(size))
            timed(times["plain update"], lambda size=finished: plain.insert(size))
    print(f"{scans} scans of {values} values at start and {values} at end, each with source, unit, time and quality")
    print(f"{'':22}{'median':>9}{'p95':>9}{'max':>9}   ms")
    for name, series in times.items():
        milliseconds = np.array(series) * 1e3
        row = (np.median(milliseconds), np.percentile(milliseconds, 95), milliseconds.max())
        print(f"{name:22}" + "".join(f"{number:9.2f}" for number in row))
    for name in ("begin", "update"):
        print(f"{name} / plain, medians: {np.median(times[name]) / np.median(times[f'plain {name}']):.2f}")
        early, late = np.median(times[name][: scans // 10]), np.median(times[name][-scans // 10 :])
        print(f"{name}, last tenth / first tenth: {late / early:.2f}")
    print(
        f"a scan as JSON: {len(record_to_json(end)):,} bytes; in the journal: {path.stat().st_size / scans:,.0f} bytes"
    )


class Outbox:
    """Takes what is due and calls it done, as fast as files are written: every 20 ms."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._drain)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _drain(self) -> None:
        while not self._stop.wait(0.02):
            for work in self._journal.due(now(), limit=1):
                self._journal.done(work)


class Plain:
    """One table, one blob a row, committed with the journal's settings."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE blob (data BLOB)")
        self._random = np.random.default_rng(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def insert(self, size: int) -> None:
        self._connection.execute("INSERT INTO blob VALUES (?)", (self._random.bytes(size),))


def stored_sizes(path: Path, record: Record) -> tuple[int, int]:
    """How many bytes of this record's parts the start wrote, and how many the end."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    sizes = dict(
        connection.execute(
            "SELECT name, length(payload) FROM part JOIN record ON position = record WHERE id = ?", (record.id,)
        )
    )
    connection.close()
    return sizes["head"] + sizes["initial"], sizes["head"] + sizes["final"]


def timed(series: list[float], deed: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    result = deed()
    series.append(time.perf_counter() - start)
    return result


if __name__ == "__main__":
    main()
