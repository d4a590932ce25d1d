"""A simulated beamline on a Tango database of its own, for all tests of this folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tango

from nxscribe.simulation import SimulatedBeamline, TangoDatabase


@pytest.fixture(scope="session")
def tango_host() -> Iterator[str]:
    with TangoDatabase() as database:
        yield database.host


@pytest.fixture(scope="session")
def beamline(tango_host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedBeamline]:
    with SimulatedBeamline(tango_host, tmp_path_factory.mktemp("data")) as simulated:
        yield simulated


@pytest.fixture(scope="session")
def device(beamline: SimulatedBeamline) -> Callable[[str], tango.DeviceProxy]:
    return lambda name: tango.DeviceProxy(f"tango://{beamline.tango_host}/{name}")


@pytest.fixture
def folder(beamline: SimulatedBeamline, tmp_path: Path) -> Path:
    """A folder below the data root that no other test knows."""
    return beamline.data_root / tmp_path.name / "scan1"


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], bool]], None]:
    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.005)

    return wait
