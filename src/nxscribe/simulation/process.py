"""A server process of the simulation: started quietly, awaited by what it prints, never left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from nxscribe.errors import NxscribeError, Problem

_POLL_S = 0.005
_STOP_S = 3.0


class SimulationError(NxscribeError):
    """The simulated beamline cannot be had: a server did not start, or an acquisition failed."""


def _python_path() -> str:
    # A relative PYTHONPATH, as in `PYTHONPATH=src python …`, would mean nothing in the child's folder.
    return os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path if entry)


class ChildProcess:
    """A Python module that runs as a Tango server in a process of its own, until `stop` or the end of this process.

    It has a session of its own, so that Ctrl-C reaches the parent alone, which then ends it in good order; and it
    ends by itself when its standard input closes, so that not even a killed parent leaves it behind.
    """

    def __init__(
        self, module: str, *arguments: str, directory: Path, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._name = " ".join([module, *arguments])
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
                [sys.executable, "-m", "nxscribe.simulation.child", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env={**os.environ, "PYTHONPATH": _python_path(), **(env or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, as a test that stops or kills the server wants it."""
        return self._process.pid

    def wait_for(self, pattern: str, timeout_s: float = 30.0) -> re.Match[str]:
        """What the process printed, once it matches. Raises SimulationError, with all of it, when it never does."""
        deadline = time.monotonic() + timeout_s
        while True:
            ended = self._process.poll() is not None  # before reading: what it printed last is read too
            printed = self._log.read_text(errors="replace")
            if found := re.search(pattern, printed):
                return found
            if ended or time.monotonic() > deadline:
                why = f"it ended with status {self._process.returncode}" if ended else f"it took over {timeout_s:g} s"
                raise SimulationError(
                    Problem(f"{self._name} did not start", why, f"see what it printed:\n{printed.strip()}")
                )
            time.sleep(_POLL_S)

    def ask_to_stop(self) -> None:
        """Let it begin to end, without waiting: several end side by side."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()

    def stop(self) -> None:
        """End it, and return when it is gone. May be called again."""
        self.ask_to_stop()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
