"""Initialises Tango's events, once in a program and by one thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from nxscribe.sources._connection import EventsNotReadyError

_events_are_up = threading.Event()
_setting_up = threading.Lock()


@contextmanager
def event_system() -> Iterator[None]:
    """Let only one thread make the first subscription of the program, which initialises Tango's events.

    If several threads do this at the same time, several event systems exist, and only one of them works (PyTango
    10.3.1). Raises EventsNotReadyError in the other threads.
    """
    if _events_are_up.is_set():
        yield
        return
    if not _setting_up.acquire(blocking=False):
        raise EventsNotReadyError
    try:
        yield
    finally:
        _events_are_up.set()
        _setting_up.release()
