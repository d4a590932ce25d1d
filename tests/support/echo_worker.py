"""A worker process for tests: it answers what it is asked, or does what a request demands."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from nxscribe.runtime.worker_process import serve


def prepare(setting: Any) -> Callable[[Any], object]:
    if setting == "die at the start":
        os._exit(5)
    return lambda request: (setting, DEEDS[request]() if request in DEEDS else request)


def wait_for_ever() -> None:
    os.write(1, b"it hangs")
    threading.Event().wait()


def work_for_ever() -> None:
    while True:
        pass


def raise_it() -> None:
    raise ValueError("not foreseen")


def stop_in_the_middle() -> None:
    """Begin an answer of 4096 bytes, and stand still."""
    os.write(int(sys.argv[1]), b"\0\0\x10\0some of it")
    os.kill(os.getpid(), signal.SIGSTOP)


DEEDS: dict[str, Callable[[], object]] = {
    "exit": lambda: os._exit(7),
    "crash": os.abort,
    "hang": wait_for_ever,
    "loop": work_for_ever,
    "raise": raise_it,
    "stop in the middle": stop_in_the_middle,
    "niceness": lambda: os.getpriority(os.PRIO_PROCESS, 0),
}

if __name__ == "__main__":
    serve(prepare)
