"""A long life: what a daemon holds, and how long its starts take, over thousands of scans whose devices come and go.

    python benchmarks/life.py [--scans 10000] [--every 100]

A real daemon reads 155 attributes of 35 devices in four servers; every tenth scan takes them from memory, where the
fourth server's come by events. Every so many scans one server is ended, by SIGKILL and in good order in turns, and
started again five scans later. Each line tells of the scans since the line before: the median and the 95th percentile
of StartScan in ms, over scans with all devices there; readings that were missing; then the daemon's and its writer's
memory (MB), their open files, and the daemon's threads.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from capture import Daemon
from nxscribe.simulation import TangoDatabase
from processes import Server, held_mb

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from namespaces import writer_of

GONE_FOR = 5
"""Scans without the server that was ended."""
MOST_WAITING = 20
LINES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=10_000)
    parser.add_argument("--every", type=int, default=100, help="scans between two restarts")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["TANGO_HOST"] = stack.enter_context(TangoDatabase()).host
        plain = [f"bench/latency/{number}" for number in range(30)]
        servers = [Server("latency", f"s{number}", plain[number::3], folder) for number in range(3)]
        pushing = [f"bench/pushing/{number}" for number in range(5)]
        servers.append(Server("pushing", "events", pushing, folder))
        attributes = [f"{name}/value{number}" for name in plain for number in range(5)]
        attributes += [f"{name}/pushed" for name in pushing]
        daemon = stack.enter_context(Daemon(attributes, folder, deadline_s=1.0))
        live(daemon, servers, given.scans, given.every)
        for server in servers:
            server.stop()


def live(daemon: Daemon, servers: list[Server], scans: int, every: int) -> None:
    took: list[float] = []
    missing = restarts = 0
    away: Server | None = None
    well_since = 0
    first: tuple[float, ...] = ()
    now: tuple[float, ...] = ()
    print(
        f"{'scans':>7}{'start':>8}{'p95':>8}{'missing':>9}{'restarts':>10}{'MB':>9}{'writer':>9}{'files':>12}{'threads':>9}"
    )
    for number in range(1, scans + 1):
        if number % every == 0:
            away = servers[restarts % len(servers)]
            (away.stop if restarts % 2 else away.kill)()
            restarts += 1
        elif away and number % every == GONE_FOR:
            away.start()
            away = None
            daemon.await_health()
            well_since = number
        begun = time.perf_counter()
        lost = daemon.try_start("kept" if number % 10 == 0 else "read", f"ma{number // 500}")
        if not away and number > well_since + 1:
            took.append((time.perf_counter() - begun) * 1e3)
            assert not lost, f"scan {number}: {lost}"
        missing += len(lost)
        daemon.try_end()
        while daemon.files_waiting > MOST_WAITING:
            time.sleep(0.02)
        if number % max(scans // LINES, 1) == 0:
            daemon.await_files()
            ours = daemon.process.pid, writer_of(daemon)
            sizes = tuple(held_mb(pid) for pid in ours)
            files = [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in ours]
            threads = len(list(Path(f"/proc/{ours[0]}/task").iterdir()))
            now = (statistics.median(took), *sizes)
            first = first or now
            print(
                f"{number:7}{now[0]:8.1f}{sorted(took)[int(0.95 * len(took))]:8.1f}{missing:9}{restarts:10}"
                f"{sizes[0]:9.1f}{sizes[1]:9.1f}{files!s:>12}{threads:9}",
                flush=True,
            )
            took, missing = [], 0
    ratios = ", ".join(
        f"{what} {last / begin:.2f}"
        for what, last, begin in zip(("start", "memory", "writer"), now, first, strict=True)
    )
    print(f"last line to first: {ratios}; {restarts} restarts")


if __name__ == "__main__":
    main()
