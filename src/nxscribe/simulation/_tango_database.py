"""A separate Tango database: PyTango's server on SQLite, in a temporary folder, on a free port of this computer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Self

from nxscribe.simulation._process import ChildProcess


class TangoDatabase:
    """A context manager. Inside it, a Tango database answers at `host`. At its end, the database is removed.

    Stop the device servers before the database, because they unregister from it.

    Raises SimulationError if the server does not start.
    """

    host: str
    """The address in the form of TANGO_HOST, `127.0.0.1:port`."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        """0 takes a free one."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="nxscribe-tango-")
        folder = Path(self._folder.name)
        module = "tango.databaseds.database"
        options = ("--host", "127.0.0.1", "--port", str(self._port), "--print-host-port", "2")
        self.process = ChildProcess(module, *options, directory=folder, log=folder / "database.log")
        try:
            found = self.process.wait_for(r"listening on: host=(\S+), port=(\d+)")
        except BaseException:
            self.__exit__()
            raise
        self.host = f"{found[1]}:{found[2]}"
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()
        self._folder.cleanup()
