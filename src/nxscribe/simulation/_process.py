"""A server process of the simulation. It is ready when it has printed a given text, and it ends with its parent."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from nxscribe.errors import NxscribeError, Problem
from nxscribe.runtime import PythonProcess

_POLL_S = 0.005
_STOP_S = 3.0


class SimulationError(NxscribeError):
    """An error of the simulated beamline: a server did not start, or an acquisition failed."""


def _python_path() -> str:
    # A relative PYTHONPATH, as in `PYTHONPATH=src python …`, would mean nothing in the child's folder.
    return os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path if entry)


class ChildProcess:
    """A Python module that runs as a Tango server in a process of its own, until `stop` or the end of this process.

    It ends by itself when its standard input closes, so that not even a killed parent leaves it behind.
    """

    def __init__(
        self, module: str, *arguments: str, directory: Path, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        """Start it in the folder `directory`; what it prints goes into the file `log`."""
        self._name = " ".join([module, *arguments])
        self._process = PythonProcess(
            # -u: what it prints is awaited, and into a file Python would keep it back.
            ["-u", "-m", "nxscribe.simulation.child", module, *arguments],
            output=log,
            ends_with_stdin=True,
            directory=directory,
            environment={"PYTHONPATH": _python_path(), **(env or {})},
        )

    @property
    def pid(self) -> int:
        """The process id, for tests that stop or kill the server."""
        return self._process.pid

    def wait_for(self, pattern: str, timeout_s: float = 30.0) -> re.Match[str]:
        """Wait until the output matches a regular expression, and return the match.

        Raises:
            SimulationError: The process ended, or the output did not match within `timeout_s` seconds.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            ended = not self._process.is_alive  # before reading: what it printed last is read too
            printed = self._process.printed
            if found := re.search(pattern, printed):
                return found
            if ended or time.monotonic() > deadline:
                why = f"it died {self._process.ending}" if ended else f"it took over {timeout_s:g} s"
                raise SimulationError(
                    Problem(f"{self._name} did not start", why, f"see what it printed:\n{printed.strip()}")
                )
            time.sleep(_POLL_S)

    def ask_to_stop(self) -> None:
        """Ask the process to end, without waiting for it, so that several processes can end at the same time."""
        self._process.close_stdin()

    def stop(self) -> None:
        """End the process, and return when it has ended. Can be called more than once."""
        self._process.stop(_STOP_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
