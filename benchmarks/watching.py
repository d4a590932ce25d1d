"""What it costs to learn of the raw files of a detector that tells nobody: by looking, or by the kernel's events.

    python benchmarks/watching.py [--files 10000] [--folder DIR]

A program writes files of two parts into one folder. Looking: one listing with the time of each last write, as the
writer process does it some six times a scan. Events, by watchdog: how many come, the processor's time that they cost,
how long they make another thread of the same process wait at worst (a capture is such a thread), and how many files
were seen. "closed" asks for the closing of files only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from watchdog.events import FileClosedEvent, FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

WRITER = """
import sys
for number in range(int(sys.argv[2])):
    with open(f"{sys.argv[1]}/f_{number:06d}.cbf", "wb") as file:
        file.write(b"x" * 2000); file.flush(); file.write(b"y" * 2000)
"""
QUIET_S = 0.5


class Seen(FileSystemEventHandler):
    """Counts what comes."""

    def __init__(self) -> None:
        self.events = 0
        self.files: set[str] = set()

    def on_any_event(self, event: FileSystemEvent) -> None:
        self.events += 1
        self.files.add(os.fsdecode(event.src_path))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=10_000)
    options.add_argument("--folder", type=Path, help="where to measure")
    given = options.parse_args()
    looking(given.files, given.folder)
    listening("all", None, given.files, given.folder)
    listening("closed", [FileClosedEvent, FileMovedEvent], given.files, given.folder)


def looking(count: int, above: Path | None) -> None:
    with tempfile.TemporaryDirectory(dir=above) as folder:
        subprocess.run([sys.executable, "-c", WRITER, folder, str(count)], check=True)
        times = []
        for _ in range(5):
            begun = time.process_time()
            with os.scandir(folder) as entries:
                found = {entry.name: entry.stat().st_mtime for entry in entries}
            times.append(time.process_time() - begun)
        print(f"one look   {min(times) * 1e3:8.1f} ms of processor, {len(found):,} files seen")


def listening(name: str, kinds: list[type[FileSystemEvent]] | None, count: int, above: Path | None) -> None:
    with tempfile.TemporaryDirectory(dir=above) as folder:
        seen = Seen()
        observer = Observer()
        observer.schedule(seen, folder, event_filter=kinds)
        observer.start()
        begun, waits = time.process_time(), []
        with subprocess.Popen([sys.executable, "-c", WRITER, folder, str(count)]) as writer:
            while writer.poll() is None:
                asleep = time.perf_counter()
                time.sleep(0.001)
                waits.append(time.perf_counter() - asleep - 0.001)
        before = -1
        while seen.events > before:
            before = seen.events
            time.sleep(QUIET_S)
        cost = time.process_time() - begun
        observer.stop()
        observer.join()
        files = sum(path.endswith(".cbf") for path in seen.files)
        print(
            f"{name:10} {cost * 1e3:8.1f} ms of processor, {files:,} files seen, {seen.events:,} events, "
            f"another thread waited up to {max(waits) * 1e3:.0f} ms"
        )


if __name__ == "__main__":
    main()
