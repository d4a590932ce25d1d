from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crashes import plain_daemon
from daemons import Daemon


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture(scope="module")
def energy(serve_module: Callable) -> str:
    """A Tango attribute of 12.5 keV."""
    return f"{serve_module('everything').device}/energy"


@pytest.fixture
def make_daemon(tmp_path: Path, energy: str) -> Iterator[Callable[..., Daemon]]:
    """`make_daemon(settings="", name="daemon")`: daemons with folders of their own that end with the test."""
    made: list[Daemon] = []

    def make(settings: str = "", folder: Path | None = None) -> Daemon:
        name = f"f{os.getpid()}x{time.monotonic_ns():x}"
        made.append(plain_daemon(folder or tmp_path / f"daemon{len(made)}", name, energy, settings))
        return made[-1]

    yield make
    for daemon in made:
        if daemon.process and daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.wait()
