"""The whole simulated beamline: it registers the devices, runs the servers, and performs scans."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Self

import tango

from nxscribe.errors import Problem
from nxscribe.simulation._control import Control
from nxscribe.simulation._imaging import Imaging
from nxscribe.simulation._inventory import DEVICES, SERVER, SERVERS
from nxscribe.simulation._process import ChildProcess, SimulationError
from nxscribe.simulation.techniques import TECHNIQUES, Parameters, Progress, Technique
from nxscribe.tango_text import words_of


class SimulatedBeamline:
    """A context manager: inside it, every device of `_inventory.DEVICES` answers in the given Tango database.

    Args:
        tango_host: The database, as in TANGO_HOST: `127.0.0.1:10000`.
        data_root: The folder below which all scans save; relative folders are taken from there.

    Raises:
        SimulationError: A server does not start.
    """

    def __init__(self, tango_host: str, data_root: Path) -> None:
        self.tango_host = tango_host
        self.data_root = Path(os.path.normpath(data_root.absolute()))
        self._control = Control(tango_host)

    def __enter__(self) -> Self:
        register(self.tango_host)
        self._folder = tempfile.TemporaryDirectory(prefix="nxscribe-beamline-")
        folder = Path(self._folder.name)
        self.servers = [
            ChildProcess(
                "nxscribe.simulation.devices",
                instance,
                directory=folder,
                log=folder / f"{instance}.log",
                env={"TANGO_HOST": self.tango_host, "OMP_NUM_THREADS": "1"},
            )
            for instance in SERVERS
        ]
        try:
            self.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def prepare(self, technique: str, directory: Path, frames: int | None = None) -> Parameters:
        """Do what a control system does before a scan starts: set the beam, the motors and the files of the camera.

        Args:
            technique: One of `techniques.TECHNIQUES`.
            directory: The folder of the scan, below the data root. It is created if necessary.
            frames: The size of the scan: projections (tomo), angles per plane (holo), directions (mrt), points
                of one side of the map (scan, fluo). None: a size for a demonstration.

        Returns:
            The parameters for the start of the scan, by placeholder.
        """
        return _technique(technique, frames).prepare(self._control, self._below_root(directory))

    def acquire(
        self, technique: str, directory: Path, on_progress: Progress | None = None, frames: int | None = None
    ) -> Parameters:
        """Perform the scan that was prepared for this folder, with the same size. Returns when its files are complete.

        Returns:
            The parameters for the end of the scan, by placeholder.

        Raises:
            SimulationError: A motor does not arrive, or a camera reports a fault.
            DevFailed: A device refuses a command, for example because a camera is already running.
        """
        kind = _technique(technique, frames)
        prepared = Imaging(self._control, kind.camera).directory
        if prepared != self._below_root(directory):
            raise SimulationError(
                Problem(
                    f"{kind.camera} saves in {prepared}, not in {directory}", "", "call prepare for this scan first"
                )
            )
        return kind.acquire(self._control, on_progress or (lambda _done, _total: None))

    def _below_root(self, directory: Path) -> Path:
        absolute = Path(os.path.normpath(self.data_root / directory))
        if not absolute.is_relative_to(self.data_root):
            raise SimulationError(Problem(f"{directory} is not below the data root, {self.data_root}"))
        return absolute

    def wait_ready(self) -> None:
        """Wait until every server answers. Raises SimulationError if one does not."""
        for server in self.servers:
            server.wait_for("Ready to accept request")

    def __exit__(self, *_: object) -> None:
        for server in self.servers:
            server.ask_to_stop()
        for server in self.servers:
            server.stop()
        self._folder.cleanup()


def _technique(name: str, size: int | None) -> Technique:
    if name not in TECHNIQUES:
        raise SimulationError(Problem(f"no technique {name!r} is simulated", "", f"take {', '.join(TECHNIQUES)}"))
    if size is not None and size < 1:
        raise SimulationError(Problem(f"no {name} has the size {size}", "", "take 1 or more"))
    return TECHNIQUES[name]() if size is None else TECHNIQUES[name](size)


def register(tango_host: str) -> None:
    """Register the devices of `_inventory.DEVICES` in a Tango database."""
    name, port = tango_host.split(":")
    try:
        database = tango.Database(name, int(port))
    except tango.DevFailed as error:
        raise SimulationError(
            Problem(f"no Tango database answers at {tango_host}", words_of(error.args), "start one: TangoDatabase")
        ) from error
    for instance in SERVERS:
        infos = []
        for device in DEVICES:
            if device.instance == instance:
                info = tango.DbDevInfo()
                info.server, info.klass, info.name = f"{SERVER}/{instance}", device.class_name, device.name
                infos.append(info)
        database.add_server(f"{SERVER}/{instance}", infos, with_dserver=True)
    for device in DEVICES:
        if device.properties:
            database.put_device_property(device.name, {key: [str(value)] for key, value in device.properties.items()})
        if device.attributes:
            database.put_device_attribute_property(
                device.name,
                {
                    attribute: {key: [str(value)] for key, value in properties.items()}
                    for attribute, properties in device.attributes.items()
                },
            )
