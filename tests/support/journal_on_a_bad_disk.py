"""A journal on a disk that is full or read-only, or without file descriptors: says what happens, line by line.

Run as a program: `journal_on_a_bad_disk.py full|quota|read-only|no-descriptors FOLDER`. `full` and `read-only` mount
file systems of their own, and belong into a mount namespace of their own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from begin_records import say
from some_records import ended, some_record

from nxscribe.errors import JournalError
from nxscribe.model import now
from nxscribe.records import Journal, JournalReader, check_journal


def until_refused(journal: Journal) -> None:
    """Scans until one is refused, and says why."""
    for _ in range(1000):
        try:
            journal.begin(some_record(values=150))
        except JournalError as error:
            say("refused:", error)
            return
    say("never refused")


def goes_bad_and_good_again(path: Path, go_bad: Callable[[], None], go_good: Callable[[], None]) -> None:
    """The story of both a full disk and a quota."""
    with Journal(path) as journal:
        record = journal.begin(some_record())
        go_bad()
        until_refused(journal)
        until_refused(journal)
        say("read:", journal.record(record.id) == record, len(journal.summaries()) == journal.queue().waiting)
        count = len(journal.summaries())
        go_good()
        say("next number is right:", journal.begin(some_record()).number == count + 1)
    say("problems:", *check_journal(path))


def fill(folder: Path) -> None:
    """Takes all the room that is left."""
    with (folder / "ballast").open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError:
            return


def full(folder: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    path = folder / "journal.sqlite"
    goes_bad_and_good_again(path, lambda: fill(folder), (folder / "ballast").unlink)
    fill(folder)
    try:
        Journal(path).close()
        say("opened on a full disk")
    except JournalError as error:
        say("not opened:", error)


def quota(folder: Path) -> None:
    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    goes_bad_and_good_again(folder / "journal.sqlite", lambda: limit(200_000), lambda: limit(resource.RLIM_INFINITY))


def no_descriptors(folder: Path) -> None:
    path = folder / "journal.sqlite"
    with Journal(path) as journal:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) - 1,) * 2)
        try:
            path.open()
        except OSError as error:
            say("no descriptor:", error.strerror)
        for _ in range(400):
            record = journal.begin(some_record(values=150))
            journal.update(ended(record, values=150))
            journal.done(journal.due(now())[0])
        say("kept:", len(journal.summaries()), journal.record(record.id).end_reason)


def read_only(folder: Path) -> None:
    path = folder / "journal.sqlite"
    with Journal(path) as journal:
        record = journal.begin(some_record())
        journal.update(ended(record))
        record = journal.record(record.id)
        # As a crash leaves it: what was committed is in the WAL alone.
        crashed = folder / "crashed"
        crashed.mkdir()
        for name in ("", "-wal", "-shm"):
            (crashed / f"{path.name}{name}").write_bytes(path.with_name(f"{path.name}{name}").read_bytes())
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
    for place in (path, crashed / path.name):
        try:
            with JournalReader(place) as reader:
                say("read:", reader.record(record.id) == record)
        except JournalError as error:
            say("not read:", error)
        try:
            Journal(place).close()
            say("opened")
        except JournalError as error:
            say("not opened:", error)


if __name__ == "__main__":
    {"full": full, "no-descriptors": no_descriptors, "quota": quota, "read-only": read_only}[sys.argv[1]](
        Path(sys.argv[2])
    )
