"""A Tango control system to oneself: a real database, device servers in processes of their own, and daemons."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tango
from daemons import Daemon
from examples import NORMAL
from hypothesis import HealthCheck, settings
from unmeasured import unmeasured

from nxscribe.simulation import SimulatedBeamline, TangoDatabase
from nxscribe.simulation._process import ChildProcess

# How fast a shared machine makes examples says nothing about nxscribe.
settings.register_profile("nxscribe", max_examples=NORMAL, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("nxscribe"), max_examples=10)  # for `make quick`
settings.load_profile("nxscribe")

DEVICES = Path(__file__).parent / "devices"

# Machines for development and CI often set it, a user's terminal does not: what a child prints may come late.
os.environ.pop("PYTHONUNBUFFERED", None)
# The same goes for this one: without kept bytecode, each process compiles all that it imports, for a second and more.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# readline sets the two for the workers of a run in parallel: what is printed into a pipe is not folded otherwise.
os.environ.pop("COLUMNS", None)
os.environ.pop("LINES", None)


LONG_FIRST = ("faults", "docs", "daemon", "integrations", "client", "techniques")
"""Folders whose modules take long, since they start daemons."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes long before the rest: of two processes, neither is left alone with a long module at the end."""

    def place(item: pytest.Item) -> int:
        folder = item.path.parent.name
        return LONG_FIRST.index(folder) if folder in LONG_FIRST else len(LONG_FIRST)

    items.sort(key=place)


@pytest.fixture(scope="session")
def tango_host() -> Iterator[str]:
    """The address of a Tango database that lives as long as the run; TANGO_HOST names it to all clients."""
    before = os.environ.get("TANGO_HOST")
    with contextlib.ExitStack() as stack:
        with unmeasured():
            database = stack.enter_context(TangoDatabase())
        os.environ["TANGO_HOST"] = database.host
        yield database.host
        if before is None:
            del os.environ["TANGO_HOST"]
        else:
            os.environ["TANGO_HOST"] = before


class DeviceServer:
    """One server of `tests/devices` with devices of one class; it can be frozen, killed and started again."""

    def __init__(self, module: str, instance: str, devices: tuple[str, ...], folder: Path) -> None:
        self._module, self._instance, self._folder = module, instance, folder
        self.devices = devices
        self._process: ChildProcess | None = None

    @property
    def device(self) -> str:
        """The name of its first device."""
        return self.devices[0]

    def register(self) -> None:
        """Enter its devices into the database. The class is named like the module, with a capital."""
        database = tango.Database()
        for name in self.devices:
            info = tango.DbDevInfo()
            info.server, info._class, info.name = f"{self._module}/{self._instance}", self._module.capitalize(), name
            database.add_device(info)

    def start(self) -> None:
        """Start it, and return when all its devices answer."""
        log = self._folder / f"{self._module}-{self._instance}.log"
        path = os.pathsep.join(str(Path(entry).resolve()) for entry in (DEVICES, *sys.path) if entry)
        with unmeasured():
            self._process = ChildProcess(
                self._module, self._instance, directory=self._folder, log=log, env={"PYTHONPATH": path}
            )
        self._process.wait_for("Ready to accept request")

    def freeze(self) -> None:
        """Have it do nothing at all, and neither answer nor hang up, until `thaw`; return when it is so."""
        self._signal(signal.SIGSTOP)
        assert self._process
        while ") T " not in Path(f"/proc/{self._process.pid}/stat").read_text():
            time.sleep(0.001)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End it without a word, frozen or not; the database goes on thinking that it is there."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._signal(signal.SIGKILL)
            self._process.stop()
            self._process = None

    def stop(self) -> None:
        """End it in good order."""
        if self._process:
            self._process.stop()
            self._process = None


@pytest.fixture(scope="session")
def _instances() -> Iterator[int]:
    return itertools.count()


def _servers(tango_host: str, folder: Path, instances: Iterator[int]) -> Iterator[Callable[..., DeviceServer]]:
    assert tango_host
    made: list[DeviceServer] = []

    def serve(module: str, devices: int = 1) -> DeviceServer:
        instance = f"t{next(instances)}"
        names = tuple(f"test/{module}/{instance}-{number}" for number in range(devices))
        server = DeviceServer(module, instance, names, folder)
        made.append(server)
        server.register()
        server.start()
        return server

    yield serve
    for server in made:
        server.kill()


@pytest.fixture
def serve(tango_host: str, tmp_path: Path, _instances: Iterator[int]) -> Iterator[Callable[..., DeviceServer]]:
    """`serve(module, devices=1)` starts a server of `tests/devices` that ends with the test."""
    yield from _servers(tango_host, tmp_path, _instances)


@pytest.fixture(scope="module")
def serve_module(
    tango_host: str, tmp_path_factory: pytest.TempPathFactory, _instances: Iterator[int]
) -> Iterator[Callable[..., DeviceServer]]:
    """The same for a whole module of tests that leave the devices as they found them."""
    yield from _servers(tango_host, tmp_path_factory.mktemp("servers"), _instances)


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
