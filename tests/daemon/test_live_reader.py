"""A program that follows the experiment while scans are made: it is never hindered, and never sees half an entry."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from daemons import Daemon

READER = Path(__file__).parent.parent / "support" / "live_reader.py"
SCANS = 12


def test_readers_that_open_the_master_again_and_again_see_whole_entries_in_order(daemon: Daemon) -> None:
    with ExitStack() as stack:
        readers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, str(READER), str(daemon.master), *program],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for program in ([], ["silx"])
        ]
        for number in range(SCANS):
            daemon.start_scan(scan=f"a{number}")
            daemon.end_scan()
        daemon.await_files()
        for reader in readers:
            told = json.loads(reader.communicate(timeout=60)[0])
            assert told["faults"] == []
            assert list(told["seen"]) == [f"entry_{number:04d}" for number in range(1, SCANS + 1)]
            times = list(told["seen"].values())
            assert times == sorted(times)
            assert told["opened"]
