"""The daemon as a child process of the demo."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from nxscribe.client import ClientError, ScribeClient
from nxscribe.errors import NxscribeError, Problem
from nxscribe.runtime import PythonProcess

_START_S = 30.0
_ANSWER_S = 30.0
_STOP_S = 20.0
_POLL_S = 0.05


class DaemonProcess:
    """`nxscribe run CONFIG` as a child. It has a session of its own, so that Ctrl-C reaches the parent alone."""

    def __init__(self, config: Path, *, log: Path) -> None:
        """Start the daemon. Its log is appended to the file `log`."""
        self._log = log
        self._process = PythonProcess(["-m", "nxscribe", "run", str(config)], output=log, append=True)

    def __enter__(self) -> Self:
        return self

    def client(self, device: str) -> ScribeClient:
        """Wait until the daemon answers, and return a client. Raises NxscribeError, with the end of the log, if not."""
        deadline = time.monotonic() + _START_S
        while True:
            try:
                client = ScribeClient(device, timeout_s=_ANSWER_S, raises=True)
                client.show()
            except ClientError as error:
                if not self._process.is_alive or time.monotonic() > deadline:
                    last = "\n".join(self._process.printed.splitlines()[-20:])
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
        self._process.stop(_STOP_S)
