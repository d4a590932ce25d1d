"""A child process: the one place that starts Python processes of our own, reads what they print, and ends them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

DEATH_S: Final = 1.0
"""A process that was killed is gone by then, unless it waits for a file system that does not answer."""


class PythonProcess:
    """A Python process of nxscribe, from its start to its end. Use it with `with`, or call `stop`.

    It has its own session, so that Ctrl-C on the terminal only reaches the parent, which then ends it properly.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        output: Path | None = None,
        append: bool = False,
        pass_fds: Sequence[int] = (),
        ends_with_stdin: bool = False,
        directory: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it. Raises OSError when that is impossible.

        Args:
            arguments: What follows the name of the interpreter, such as `["-m", "nxscribe.module"]`.
            output: The file for everything that it prints; by default a temporary file.
            append: Whether the content of that file is kept.
            pass_fds: The file descriptors that it inherits.
            ends_with_stdin: Whether it ends by itself when its standard input closes. Otherwise it has no input.
            directory: Its working directory; by default that of this process.
            environment: Variables in addition to those of this process.
        """
        self._output: IO[bytes] = (
            output.open("a+b" if append else "w+b") if output else tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        )
        try:
            self._popen = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
                [sys.executable, *arguments],
                stdin=subprocess.PIPE if ends_with_stdin else subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                pass_fds=tuple(pass_fds),
                cwd=directory,
                env={**os.environ, **environment} if environment else None,
                start_new_session=True,
            )
        except BaseException:
            self._output.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs. A process that a file system holds is alive even after `kill`."""
        return self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for the number of the signal that ended it; None while it is alive."""
        return self._popen.poll()

    @property
    def ending(self) -> str:
        """How it ended, as the end of a sentence "the process died …": `by SIGSEGV`, `with exit code 3`."""
        code = self.exit_code
        if code is None:
            return "and is held by a file system"
        if code >= 0:
            return f"with exit code {code}"
        try:
            return f"by {signal.Signals(-code).name}"
        except ValueError:  # a real-time signal
            return f"by signal {-code}"

    @property
    def is_working(self) -> bool:
        """Whether it runs, or would if it had a processor: it waits neither for a disk nor for another process."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].startswith("R")
        except OSError:
            return False

    @property
    def printed(self) -> str:
        """What it has printed since its start or since `forget_printed`. Empty after `stop` of a temporary output."""
        if self._output.closed:
            return ""
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace")

    def forget_printed(self) -> None:
        """Empty its output, so that `printed` has only later output. Use it only if nobody else reads the file."""
        self._output.seek(0)
        self._output.truncate()

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end, at most `timeout_s` seconds. Returns whether it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout_s)
        return not self.is_alive

    def close_stdin(self) -> None:
        """Close its standard input, without waiting. A process that ends with it begins to end."""
        if self._popen.stdin and not self._popen.stdin.closed:
            self._popen.stdin.close()

    def terminate(self) -> None:
        """Ask it to end, by SIGTERM."""
        self._popen.terminate()

    def kill(self) -> None:
        """Kill it immediately, with all processes that it started and that are still in its process group."""
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def stop(self, grace_s: float = 0.0) -> None:
        """End it: wait `grace_s` seconds for its end, and then kill it. Can be called more than once.

        A process that waits for a file system cannot be killed. Then `is_alive` is still true.
        """
        self.close_stdin()
        if not self.wait(grace_s):
            self.kill()
            self.wait(DEATH_S)
        self._output.close()
