"""Recording which parts and threads a daemon has, and which modules of nxscribe each thread enters.

Run as a program it is `nxscribe`, and writes into a file, `python record_calls.py FILE run CONFIG`:

    part     name of a supervised part
    command  name of a command of the Tango device that has arrived, and of the thread that executes it
    alive    name of a thread that lives at this time
    thread   name of a thread, and a module that it enters for the first time after the command
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TextIO

if __name__ == "__main__":
    # Before a library starts threads: a signal to the process would come to them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})

from end_parts import name_of


class Recorder:
    """Notes the first call of each module in each thread."""

    def __init__(self, note: Callable[[str, str], object]) -> None:
        """`note` is called with the name of the thread and the name of the module, without `nxscribe.`."""
        self._note = note
        self._seen: set[tuple[int, str]] = set()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """See a call; this is what `sys.setprofile` takes."""
        module = frame.f_globals.get("__name__", "")
        if event != "call" or not module.startswith("nxscribe."):
            return
        here = (threading.get_ident(), module)
        if here not in self._seen:
            self._seen.add(here)
            self._note(threading.current_thread().name, module.removeprefix("nxscribe."))

    def begin_anew(self) -> None:
        """Note what was noted already once more, when it is called again."""
        self._seen.clear()


def _record_into(file: TextIO) -> None:
    from nxscribe.runtime import SupervisedPart, Supervisor  # noqa: PLC0415 - after the signals are blocked
    from nxscribe.triggers._device import NxScribe  # noqa: PLC0415

    def write(*words: str) -> None:
        file.write("\t".join(words) + "\n")
        file.flush()

    recorder = Recorder(partial(write, "thread"))
    threading.setprofile(recorder)  # for the threads of Python; a thread of Tango is entered with its command
    add, answering = Supervisor.add, NxScribe._answering

    def added(supervisor: Supervisor, part: SupervisedPart) -> None:
        write("part", name_of(part))
        add(supervisor, part)

    def answered(device: NxScribe, command: str) -> object:
        recorder.begin_anew()
        write("command", command, threading.current_thread().name)
        for thread in threading.enumerate():
            write("alive", thread.name)
        recorder(sys._getframe(1), "call", None)
        sys.setprofile(recorder)
        return answering(device, command)

    Supervisor.add = added  # type: ignore[method-assign]
    NxScribe._answering = answered  # type: ignore[assignment]


def main() -> None:
    """Be `nxscribe`."""
    from nxscribe.cli import main  # noqa: PLC0415 - only where it is the program

    with Path(sys.argv.pop(1)).open("a") as file:
        _record_into(file)
        main()


if __name__ == "__main__":
    main()
