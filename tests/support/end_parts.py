"""Ending parts of the daemon, as a fault of Python or of the system would.

Run as a program it is `nxscribe`, with a pipe beside it that takes the names of parts to end, one in a line:
`python end_parts.py PIPE run CONFIG`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

if __name__ == "__main__":
    # Before a library starts threads: a signal to the process would come to them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})

from nxscribe.runtime import SupervisedPart, SupervisedThread, Supervisor, WorkerProcess


class EndOfThread(BaseException):
    """What ends a thread; nobody catches it."""


def end_thread(thread: SupervisedThread) -> None:
    """End a thread after the turn under way, as if nobody had caught what ended it; return when it has ended."""

    def end() -> None:
        raise EndOfThread

    ident = thread.ident
    thread._do_turn = end  # type: ignore[method-assign]
    while any(one.ident == ident for one in threading.enumerate()):
        time.sleep(0.001)
    del thread._do_turn


def end_part(part: SupervisedPart) -> None:
    """End a thread or a child process."""
    if isinstance(part, WorkerProcess):
        assert part.pid
        os.kill(part.pid, signal.SIGKILL)
    else:
        end_thread(part if isinstance(part, SupervisedThread) else part.thread)  # type: ignore[attr-defined]


def name_of(part: SupervisedPart) -> str:
    """What the log calls it."""
    return str(getattr(part, "name", None) or part.thread.name)  # type: ignore[attr-defined]


def main() -> None:
    from nxscribe.cli import main  # noqa: PLC0415 - only where it is the program

    pipe = Path(sys.argv.pop(1))
    parts: dict[str, SupervisedPart] = {}
    add = Supervisor.add

    def remember(supervisor: Supervisor, part: SupervisedPart) -> None:
        parts[name_of(part)] = part
        add(supervisor, part)

    def listen() -> None:
        while True:
            for line in pipe.read_text().splitlines():
                if line == "?":
                    pipe.with_suffix(".parts").write_text("\n".join(parts))
                else:
                    end_part(parts[line])

    Supervisor.add = remember  # type: ignore[method-assign]
    threading.Thread(target=listen, daemon=True).start()
    main()


if __name__ == "__main__":
    main()
