"""What the journal adds to a scan's start and end: time until the commit is on the disk, and bytes kept.

    python benchmarks/journal.py [--values 150] [--scans 500] [--folder DIR]
    python benchmarks/journal.py --shrink MEGABYTES [--folder DIR]

Each time stands beside that of the least that durability can cost: the same bytes, as one blob, inserted and
committed by SQLite with the same settings, in turns with the journal's own. The outbox drains meanwhile, as it
does in a daemon.

With `--shrink`: how long a start waits for the journal, one start after another, while a journal of so many megabytes,
half of which is unused, is made smaller step by step as the daemon does it.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from some_records import ended, some_record

from nxscribe.model import now
from nxscribe.records import Journal, Record, record_to_json
from nxscribe.service.upkeep.housekeeping import BREATH_S, PAGES_AT_ONCE

PAYLOAD_BYTES = 30_000
"""About what a scan of 150 values keeps."""
SHRINKING_S = 60.0
"""It is looked at for so long: what comes later is like what came before."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--values", type=int, default=150)
    options.add_argument("--scans", type=int, default=500)
    options.add_argument("--folder", type=Path, help="where to measure: on the disk that the journal will be on")
    options.add_argument(
        "--shrink", type=int, metavar="MEGABYTES", help="measure starts while a journal is made smaller"
    )
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        if given.shrink:
            shrink(Path(folder), given.shrink)
        else:
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


def shrink(folder: Path, megabytes: int) -> None:
    path = folder / "journal.sqlite"
    with Journal(path) as journal:
        first = journal.begin(some_record(values=150))
        fill(path, megabytes)
        gone = [f"copy {number}" for number in range(0, megabytes << 20, PAYLOAD_BYTES) if number // PAYLOAD_BYTES % 2]
        for start in range(0, len(gone), 50):
            journal.remove(gone[start : start + 50])
        print(f"{path.stat().st_size / 1e6:.0f} MB, of which {journal.unused_share():.0%} are unused")
        times: dict[str, list[float]] = {"begin in peace": [], "begin meanwhile": [], "step": []}
        starts(journal, times["begin in peace"], lambda: len(times["begin in peace"]) < 200)
        ended = threading.Event()

        def shrink_it() -> None:
            while journal.unused_share() and time.monotonic() - begun < SHRINKING_S:
                timed(times["step"], lambda: journal.shrink(PAGES_AT_ONCE))
                time.sleep(BREATH_S)
            ended.set()

        begun = time.monotonic()
        threading.Thread(target=shrink_it).start()
        starts(journal, times["begin meanwhile"], lambda: not ended.is_set())
        print(
            f"made smaller in {time.monotonic() - begun:.0f} s, with {len(times['begin meanwhile'])} starts meanwhile"
        )
        assert journal.record(first.id) == first
    print(f"{path.stat().st_size / 1e6:.0f} MB afterwards")
    print(f"{'':22}{'median':>9}{'p99':>9}{'max':>9}   ms")
    for name, series in times.items():
        milliseconds = np.array(series) * 1e3
        row = (np.median(milliseconds), np.percentile(milliseconds, 99), milliseconds.max())
        print(f"{name:22}" + "".join(f"{number:9.2f}" for number in row))


def fill(path: Path, megabytes: int) -> None:
    """Copies of the journal's only record, each with a payload of random bytes in place of its readings."""
    columns = (
        "beamline, proposal, sample, scan, technique, session, definition, start_time, end_time, end_reason, revision"
    )
    random = np.random.default_rng(1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for number in range(0, megabytes << 20, PAYLOAD_BYTES):
            at = connection.execute(
                f"INSERT INTO record (id, master, number, {columns})"  # noqa: S608 - our own words
                f" SELECT ?, 'copies', ?, {columns} FROM record WHERE position = 1",
                (f"copy {number}", number),
            ).lastrowid
            connection.execute(
                "INSERT INTO part (record, name, payload, compressed, sha256)"
                " VALUES (?, 'initial', ?, 0, zeroblob(32))",
                (at, random.bytes(PAYLOAD_BYTES)),
            )
        connection.commit()


def starts(journal: Journal, series: list[float], go_on: Callable[[], bool]) -> None:
    while go_on():
        draft = some_record(scan="x", values=150)
        timed(series, lambda draft=draft: journal.begin(draft))
        time.sleep(0.005)


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
