"""The writer process, seen from the daemon: one job at a time, and a new process when it crashed or hung."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from multiprocessing.connection import Pipe
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from nxscribe.errors import EntryTakenError, Failure, Problem, ProjectionError
from nxscribe.projections.files import FileSettings, NotWritten, Written

_START_S: Final = 60.0
"""How long the process may take to import its libraries, from a slow network disk for instance."""
_CLOSE_S: Final = 5.0
_DEATH_S: Final = 1.0
"""A process that was killed is gone by then, unless it waits for a file system that holds it."""
_LAST_WORDS: Final = 4000
"""Characters of a dead process's own report that go into the error."""


class Worker:
    """One writer process. Jobs come from one thread at a time; others wait."""

    def __init__(self, journal: Path, settings: FileSettings, timeout_s: float) -> None:
        """The process is started with the first job. A job that takes longer than `timeout_s` counts as hung."""
        self._journal = journal
        self._settings = settings
        self._timeout_s = timeout_s
        self._process: _Process | None = None
        self._held: subprocess.Popen[bytes] | None = None
        """A former process that was killed, and that a file system holds all the same."""
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process's number, while there is one."""
        process = self._process
        return process.pid if process else None

    def project(self, record_id: str) -> Written:
        """Have the files of a record written.

        Raises EntryTakenError where its number is another's, and ProjectionError; its `failure` tells crashes and hangs
        apart.
        """
        with self._lock:
            if self._process and not self._process.is_alive:
                self._discard()
            self._refuse_while_held()
            try:
                if self._process is None:
                    # Known before it answers: one that hangs while it starts is to be held against the next, too.
                    self._process = _Process()
                    self._process.make_ready(self._journal, self._settings, self._timeout_s)
                answer = self._process.write(record_id, self._timeout_s)
            except ProjectionError:
                self._discard()
                raise
        if isinstance(answer, Written):
            return answer
        if answer.free_from:
            raise EntryTakenError(*answer.problems, free_from=answer.free_from)
        raise ProjectionError(*answer.problems)

    def close(self) -> None:
        """End the process, after the job at hand."""
        with self._lock:
            if self._process:
                self._process.close()
                self._process = None

    def _discard(self) -> None:
        if self._process:
            self._process.kill()
            self._held = self._process.held
            self._process = None

    def _refuse_while_held(self) -> None:
        """One process at most is lost to a file system that hangs, however long it does."""
        if self._held and self._held.poll() is None:
            raise ProjectionError(
                Problem(
                    f"the former writer process {self._held.pid} cannot end: a file system holds it",
                    "the data root does not answer",
                    "look at the mount and at its file server; it is tried again",
                )
            )
        self._held = None


class _Process:
    """A running writer process. Whatever ends it frees all that it held here."""

    def __init__(self) -> None:
        """Start it. Raises ProjectionError."""
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._pipe, theirs = Pipe()
        try:
            with theirs:
                # A session of its own: Ctrl-C on the daemon's terminal is the daemon's to answer.
                self._popen = subprocess.Popen(  # noqa: S603 - our own module
                    [sys.executable, "-P", "-m", "nxscribe.projections.writer", str(theirs.fileno()), str(os.getpid())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=self._words,
                    stderr=self._words,
                    start_new_session=True,
                )
        except OSError as error:
            self._free()
            raise ProjectionError(
                Problem(
                    f"the writer process cannot be started: {error}",
                    "too many processes, or too little memory",
                    "look at the machine's load and the service's limits; it is tried again",
                )
            ) from error

    def make_ready(self, journal: Path, settings: FileSettings, timeout_s: float) -> None:
        """Have it import its libraries. Raises ProjectionError when it died or hung over it, and is no more."""
        try:
            self._ask((journal, settings, timeout_s), _START_S, "starting")
        except ProjectionError as error:
            # No record has crashed it: none may be set aside for it.
            raise ProjectionError(*error.problems) from error

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def is_alive(self) -> bool:
        return self._popen.poll() is None

    @property
    def held(self) -> subprocess.Popen[bytes] | None:
        """What is left of it after a kill that did not end it."""
        return self._popen if self.is_alive else None

    def write(self, record_id: str, timeout_s: float) -> Written | NotWritten:
        """Do one job. Raises ProjectionError when the process died or hung over it, and is no more."""
        self._words.seek(0)
        self._words.truncate()
        answer = self._ask(record_id, timeout_s, f"writing the record {record_id}")
        if isinstance(answer, Written | NotWritten):
            return answer
        raise TypeError(f"the writer process answered {answer!r}")

    def _ask(self, question: object, timeout_s: float, doing: str) -> object:
        try:
            self._pipe.send(question)
            if self._pipe.poll(timeout_s):
                return self._pipe.recv()
        except (OSError, EOFError):
            raise self._crashed(doing) from None
        raise self._hung(doing, timeout_s)

    def _hung(self, doing: str, timeout_s: float) -> ProjectionError:
        works = self._works()
        return ProjectionError(
            Problem(
                f"the writer process hung while {doing} and was killed after {timeout_s:g} s",
                f"{'it was at work: a fault in HDF5' if works else 'a file system that does not answer'}{self.kill()}",
                "look whether the data root answers; the record is safe and is tried again",
            ),
            failure=Failure.ENDLESS if works else Failure.HUNG,
        )

    def _works(self) -> bool:
        """Whether the process runs, or would if it had a processor: it does not wait for anything else."""
        try:
            return Path(f"/proc/{self._popen.pid}/stat").read_text().rpartition(") ")[2].startswith("R")
        except OSError:
            return False

    def _crashed(self, doing: str) -> ProjectionError:
        words = self.kill()
        code = self._popen.returncode
        if code is None:
            how = "and is held by a file system"
        else:
            how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return ProjectionError(
            Problem(
                f"the writer process died {how} while {doing}",
                f"a fault in HDF5, memory that ran out, or a signal from outside{words}",
                "the record is safe and is tried again in a new process",
            ),
            failure=Failure.CRASHED,
        )

    def close(self) -> None:
        """End it as soon as it is idle."""
        self._pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_CLOSE_S)
        self.kill()

    def kill(self) -> str:
        """End it now. Gives its last words, fit to follow a sentence."""
        if self._words.closed:
            return ""
        self._popen.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_DEATH_S)
        self._words.seek(0)
        words = self._words.read().decode(errors="replace").strip()
        self._free()
        return f"; its last words:\n{words[-_LAST_WORDS:]}\n" if words else ""

    def _free(self) -> None:
        self._pipe.close()
        self._words.close()
