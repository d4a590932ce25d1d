"""Begins and ends records in a journal for ever, and says so after each answer: `begun ID NUMBER`, `ended ID`.

Run as a program by tests that kill it. A JournalError is said too (`refused REASON`), and ends nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from some_records import ended, some_record

from nxscribe.errors import JournalError
from nxscribe.model import now
from nxscribe.records import Journal


def say(*words: object) -> None:
    """One line, which the reader has before the next is begun."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


@contextmanager
def refusals_said() -> Iterator[None]:
    try:
        yield
    except JournalError as error:
        say("refused", error)
        time.sleep(0.01)


def scan(journal: Journal, values: int) -> None:
    """One scan, and its projection."""
    record = journal.begin(some_record(values=values))
    say("begun", record.id, record.number)
    journal.update(ended(record, values=values))
    say("ended", record.id)
    for work in journal.due(now()):
        journal.done(work)


if __name__ == "__main__":
    with Journal(Path(sys.argv[1])) as open_journal:
        say("open")
        while True:
            with refusals_said():
                scan(open_journal, values=int(sys.argv[2]))
