"""Two scans in a new journal, again and again, each time killed one SQL statement later, until none is left to die at.

Run as a program: `die_at_each_statement.py FOLDER`. Says `life N`, what `begin_records` says, and `died` or `lived`.
The journal of life N is FOLDER/N.sqlite.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from functools import partial
from pathlib import Path

from begin_records import say, scan

from nxscribe.records import Journal


class Mortal(sqlite3.Connection):
    """Kills its process before the statement at which its life is used up: BEGIN, COMMIT and pragmas count too."""

    life = 0

    def execute(self, *args):
        self._age()
        return super().execute(*args)

    def executemany(self, *args):
        self._age()
        return super().executemany(*args)

    @staticmethod
    def _age():
        Mortal.life -= 1
        if Mortal.life < 0:
            os.kill(os.getpid(), signal.SIGKILL)


def live(path: Path, life: int) -> bool:
    """Whether the process came to its end by itself."""
    child = os.fork()
    if not child:
        Mortal.life = life
        sqlite3.connect = partial(sqlite3.connect, factory=Mortal)
        with Journal(path) as journal:
            scan(journal, values=3)
            scan(journal, values=3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in {0, signal.SIGKILL}
    return status == 0


if __name__ == "__main__":
    number = 0
    lived = False
    while not lived:
        say("life", number)
        lived = live(Path(sys.argv[1]) / f"{number}.sqlite", number)
        say("lived" if lived else "died")
        number += 1
