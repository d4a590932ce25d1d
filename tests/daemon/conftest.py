"""A running daemon, as a control system meets it, on a real beamline."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemons import Daemon
from unmeasured import unmeasured

from nxscribe.simulation import SimulatedBeamline


def is_running(daemon: Daemon) -> bool:
    return daemon.process is not None and daemon.process.poll() is None


@pytest.fixture(scope="session")
def beamline(tango_host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedBeamline]:
    """The simulated beamline's devices, for the whole run."""
    with contextlib.ExitStack() as stack:
        with unmeasured():
            simulated = stack.enter_context(SimulatedBeamline(tango_host, tmp_path_factory.mktemp("raw")))
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
    with_hdf5 = [daemon for daemon in made if is_running(daemon) and daemon.has_hdf5]
    for daemon in filter(is_running, made):
        assert daemon.process
        daemon.process.kill()
        daemon.process.wait()
    assert not with_hdf5, "a fault of HDF5 would end the daemon"


@pytest.fixture(scope="session")
def _sound_daemons(beamline: SimulatedBeamline) -> Iterator[list[Daemon]]:
    """The daemon that the tests so far left as it began, if any."""
    sound: list[Daemon] = []
    yield sound
    for daemon in sound:
        daemon.stop()


@pytest.fixture
def daemon(_sound_daemons: list[Daemon], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that serves, with an experiment of its own.

    To start one costs seconds: the next test gets the same one, unless this test changed more than its experiment.
    """
    unique = f"{os.getpid()}x{time.monotonic_ns():x}"
    daemon = _sound_daemons.pop() if _sound_daemons else Daemon(tmp_path_factory.mktemp("daemon"), f"t{unique}").start()
    daemon.begin_anew(f"ma{time.monotonic_ns():x}")
    yield daemon
    has_hdf5 = is_running(daemon) and daemon.has_hdf5
    if daemon.is_as_it_began():
        _sound_daemons.append(daemon)
    elif is_running(daemon):
        assert daemon.process
        daemon.process.kill()
        daemon.process.wait()
    assert not has_hdf5, "a fault of HDF5 would end the daemon"
