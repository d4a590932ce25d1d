"""A daemon in a process of its own, for the demo: started, awaited, always ended."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from nxscribe.errors import NxscribeError, Problem
from nxscribe.triggers.client import ClientError, ScribeClient

_START_S = 30.0
_STOP_S = 20.0
_POLL_S = 0.05


class DaemonProcess:
    """`nxscribe run CONFIG` as a child. It has a session of its own, so that Ctrl-C reaches the parent alone."""

    def __init__(self, config: Path, *, data_root: Path, state_dir: Path, log: Path) -> None:
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter, no shell
                [
                    *(sys.executable, "-m", "nxscribe", "run", str(config)),
                    *("--data-root", str(data_root), "--state-dir", str(state_dir)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def client(self, device: str) -> ScribeClient:
        """A client, once the daemon answers. Raises NxscribeError, with the end of its log, when it never does."""
        deadline = time.monotonic() + _START_S
        while True:
            try:
                client = ScribeClient(device)
                client.show()
            except ClientError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    last = "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])
                    raise NxscribeError(
                        Problem("the daemon did not start", str(error), f"see {self._log}:\n{last}")
                    ) from None
                time.sleep(_POLL_S)
            else:
                return client

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
