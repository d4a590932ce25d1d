"""Programs that the tests need and do not test: their lines are not measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_COVERAGE = ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")


@contextmanager
def unmeasured() -> Iterator[None]:
    """Processes that begin in this block run without coverage, which takes a third of their time.

    It is for the database and the devices on which others are tested; tests/simulation measures those that are ours.
    """
    kept = {name: os.environ.pop(name) for name in _COVERAGE if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)
