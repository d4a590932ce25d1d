"""A program that follows an experiment: it opens the master again and again, and tells what it sees.

    python live_reader.py MASTER [silx]

It ends when its standard input is closed. Then it prints JSON: `opened`, how many times it opened the master; `seen`,
of each entry the time of the monotonic clock at which it was first seen complete; `faults`, whatever was not as a
reader expects it.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Callable
from typing import Any

import h5py

_PAUSE_S = 0.002


def follow(master: str, open_file: Callable[[str], Any]) -> dict[str, Any]:
    """Read until standard input is closed."""
    seen: dict[str, float] = {}
    faults: list[str] = []
    known: list[str] = []
    opened = 0
    while True:
        is_last = bool(select.select([sys.stdin], [], [], _PAUSE_S)[0])
        if not os.path.exists(master):  # noqa: PTH110 - before the first scan
            continue
        try:
            with open_file(master) as file:
                opened += 1
                entries = sorted(file)
                complete = [entry for entry in entries if entry not in seen and _is_complete(file[entry])]
        except Exception as error:  # noqa: BLE001 - each is a fault
            faults.append(f"{type(error).__name__}: {error}")
            entries, complete = known, []
        now = time.monotonic()
        if entries[: len(known)] != known:
            faults.append(f"{known} became {entries}")
        known = entries
        seen |= dict.fromkeys(complete, now)
        if is_last:
            return {"opened": opened, "seen": seen, "faults": faults[:20]}


def _is_complete(entry: Any) -> bool:
    """Whether the scan has ended. Raises for an entry of which a part is not there."""
    if not (entry["start_time"][()] and entry["nxscribe"]["record_id"][()]):
        raise AssertionError(f"{entry.name} is empty")
    has_ended = "end_time" in entry
    if has_ended and not entry["nxscribe"]["end_reason"][()]:
        raise AssertionError(f"{entry.name} has an end and not what belongs to it")
    return has_ended


if __name__ == "__main__":
    if "silx" in sys.argv:
        import silx.io

        told = follow(sys.argv[1], silx.io.open)
    else:
        told = follow(sys.argv[1], h5py.File)
    sys.stdout.write(json.dumps(told))
