"""Opens every HDF5 file below a folder again and again, as people do, and says what was not whole: one line a fault.

Run as a program: `witness.py FOLDER [locking|unlocked|swmr|silx]`. Says `ready` first, and `looked N` when its standard
input ends. What it opened it keeps open for a while, so that there is always a reader.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from pathlib import Path

import h5py

KEPT_OPEN, AT_ONCE = 6, 8


def options(how: str) -> dict[str, object]:
    if how == "swmr":
        return {"swmr": True, "libver": "latest"}
    return {"locking": how == "locking"}


def opened(path: Path, how: str) -> h5py.File:
    if how == "silx":
        import silx.io  # noqa: PLC0415 - it takes a second, and one reader of four needs it

        return silx.io.open(str(path))
    return h5py.File(path, "r", **options(how))


def look(path: Path, how: str) -> h5py.File:
    """The file, its entries looked through. Raises what h5py raises."""
    file = opened(path, how)
    names = list(file)
    if len(names) != len(set(names)):
        raise ValueError(f"an entry stands twice: {names}")
    for name in names:
        entry = file[name]
        if path.parent.name == "definitions":
            entry[()]
        else:
            entry["title"][()]
            entry["nxscribe/record_id"][()]
    return file


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def newest(folder: Path) -> list[Path]:
    """The files that changed last: the others were looked at before."""
    times = {}
    for path in folder.rglob("*.h5"):
        times[path] = path.stat().st_mtime_ns
    return sorted(times, key=lambda path: times[path])[-AT_ONCE:]


def main() -> None:
    folder, how = Path(sys.argv[1]), (sys.argv[2:] or ["locking"])[0]
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    say("ready")
    opened: deque[h5py.File] = deque()
    looked = 0
    while not ended.is_set():
        for path in newest(folder):
            try:
                opened.append(look(path, how))
                looked += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault
                say(f"{path}: {type(error).__name__}: {error}")
            while len(opened) > KEPT_OPEN:
                opened.popleft().close()
            if ended.is_set():
                break
        time.sleep(0.05)
    say(f"looked {looked}")


if __name__ == "__main__":
    main()
