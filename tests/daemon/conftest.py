"""A running daemon, as a control system meets it, on a real beamline."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemons import Daemon

from nxscribe.simulation import SimulatedBeamline


@pytest.fixture(scope="session")
def beamline(tango_host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedBeamline]:
    """The simulated beamline's devices, for the whole run."""
    with SimulatedBeamline(tango_host, tmp_path_factory.mktemp("raw")) as simulated:
        simulated.wait_ready()
        yield simulated


@pytest.fixture
def make_daemon(beamline: SimulatedBeamline, tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Daemons that end with the test."""
    made: list[Daemon] = []

    def make(sessions: int = 1) -> Daemon:
        name = f"t{os.getpid()}x{time.monotonic_ns():x}"
        daemon = Daemon(tmp_path / f"daemon{len(made)}", name, sessions)
        made.append(daemon)
        return daemon

    yield make
    for daemon in made:
        if daemon.process and daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.wait()


@pytest.fixture
def daemon(make_daemon: Callable[..., Daemon]) -> Daemon:
    """A daemon that serves."""
    return make_daemon().start()


@pytest.fixture(scope="module")
def shared_daemon(beamline: SimulatedBeamline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for all the tests of a module that leave it as they found it."""
    daemon = Daemon(tmp_path_factory.mktemp("shared"), f"s{os.getpid()}x{time.monotonic_ns():x}").start()
    yield daemon
    daemon.stop()
