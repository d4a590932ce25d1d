"""A worker process: a child process that answers one request at a time, and is replaced when it dies or hangs.

`WorkerProcess` is the parent's side of it; `serve` is what the child's `main` calls.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import signal
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, Pipe
from typing import Any, Final

from nxscribe.errors import Failure
from nxscribe.runtime._clock import SYSTEM_CLOCK, Clock
from nxscribe.runtime._python_process import DEATH_S, PythonProcess
from nxscribe.runtime.logger import get_logger

log = get_logger()

_START_S: Final = 60.0
"""How many seconds the process can take to import its libraries, for example from a slow network disk."""
_CLOSE_S: Final = 5.0
"""How many seconds `close` waits for the present request, and for the end of the process."""
_PAUSE_S: Final = (1.0, 30.0)
"""The first and the longest pause (seconds) before a new process, if two failed in succession. Each pause doubles."""
_MESSAGE_S: Final = 10.0
"""How many seconds can pass between two parts of one message."""
_LAST_WORDS: Final = 4000
"""How many of the last characters that a process printed are part of the error."""
_NICENESS: Final = 10
"""The niceness of the process, because captures have priority."""
_REPORT_AT: Final = 0.9
"""The share of the time limit after which a process prints its stacks, before the parent kills it."""
_PR_SET_PDEATHSIG: Final = 1
_READY: Final = "ready"


class WorkerProcessError(Exception):
    """A worker process died, hung, or could not be started. Its text says so."""

    def __init__(self, what: str, failure: Failure, *, printed: str = "", is_starting: bool = False) -> None:
        super().__init__(what)
        self.failure = failure
        """How it failed."""
        self.printed = printed
        """What the process printed last: the trace backs of its threads, for instance."""
        self.is_starting = is_starting
        """Whether no request had reached it yet, so that none can be the reason."""


class WorkerProcess:
    """One worker process at a time, started with the first request or by `start`. Any thread may use it.

    A process that dies or hangs is killed and logged. The next one is started immediately, and later ones after a
    growing pause, until a request is answered. At most one process is ever abandoned because a file system holds it.
    """

    def __init__(self, name: str, module: str, setting: object = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        """Prepare it.

        Args:
            name: Its name in messages: `writer` gives "the writer process".
            module: The module whose `main` calls `serve`.
            setting: The argument of `prepare` of `serve`. It is pickled.
            clock: The clock for pauses.
        """
        self.name = f"{name} process"
        self._module = module
        self._setting = setting
        self._clock = clock
        self._running: _Running | None = None
        self._left_behind: PythonProcess | None = None
        self._failures = 0
        """How many processes failed in succession."""
        self._not_before = 0.0
        self._trouble = ""
        self._closing = threading.Event()
        self._lock = threading.Lock()
        # The kernel ends a child with the *thread* that started it (PR_SET_PDEATHSIG): this one lives as long as we do.
        self._starter = ThreadPoolExecutor(1, f"starts the {self.name}")

    @property
    def pid(self) -> int | None:
        """The process id; None if there is no process."""
        running = self._running
        return running.child.pid if running else None

    @property
    def trouble(self) -> str:
        """Why the last process failed, until another one is ready; otherwise empty."""
        return self._trouble

    @property
    def needs_new_process(self) -> bool:
        """Never: a worker process is replaced while the daemon goes on."""
        return False

    def ask(self, request: object, timeout_s: float, doing: str) -> Any:  # noqa: ANN401 - any object that can be pickled
        """Send a request, and return its answer.

        Args:
            request: The argument for the function that `prepare` returned in the child. It is pickled.
            timeout_s: How many seconds the answer can take. After that, the process is killed.
            doing: A description for error messages: `writing the record …`.

        Raises:
            WorkerProcessError: When the process died, hung, or could not be started. The next request has another one.
        """
        with self._lock:
            self._note_end()
            self._clock.wait(self._closing, max(0.0, self._not_before - self._clock.monotonic()))
            if self._closing.is_set():
                raise WorkerProcessError(f"the {self.name} was closed", Failure.FAILED, is_starting=True)
            running = self._started()
            try:
                running.make_ready()
                self._trouble = ""
                answer = running.exchange(request, timeout_s, doing)
            except WorkerProcessError as error:
                self._discard(str(error))
                raise
            self._failures = 0
            return answer

    def start(self) -> None:
        """Start the process ahead of the first request, which then need not wait until its libraries are imported.

        Nothing is raised: the first request starts another process if this one cannot be started.
        """
        if self._closing.is_set() or not self._lock.acquire(blocking=False):
            return
        with contextlib.suppress(WorkerProcessError):
            self._started()
        self._lock.release()

    def restart_if_ended(self) -> None:
        """Start another process in place of one that died between two requests, as soon as its pause is over."""
        if self._closing.is_set() or not self._lock.acquire(blocking=False):
            return  # the request under way sees to it
        try:
            self._note_end()
            if self._trouble and self._running is None and self._clock.monotonic() >= self._not_before:
                self._started()
            if self._running and self._running.is_ready:
                self._trouble = ""
        except WorkerProcessError:
            pass  # it stands in `trouble`
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the process after the present request. If this takes too long, kill it."""
        self._closing.set()
        if not self._lock.acquire(timeout=_CLOSE_S):
            if running := self._running:
                running.child.kill()  # whoever waits for its answer waits no more
            return
        try:
            if self._running:
                self._running.close(_CLOSE_S)
                self._running = None
            self._starter.shutdown(wait=False)
        finally:
            self._lock.release()

    def _note_end(self) -> None:
        """Notice a process that died while nobody asked it anything."""
        if self._running and not self._running.child.is_alive:
            what = f"the {self.name} died {self._running.child.ending} while it had nothing to do"
            log.warning("a process of the daemon ended by itself and is started again", reason=what)
            self._discard(what)

    def _started(self) -> _Running:
        if self._running:
            return self._running
        if self._left_behind and self._left_behind.is_alive:
            self._trouble = f"the former {self.name} {self._left_behind.pid} cannot end: a file system holds it"
            raise WorkerProcessError(self._trouble, Failure.HUNG, is_starting=True)
        self._left_behind = None
        try:
            self._running = self._starter.submit(_Running, self.name, self._module, self._setting).result()
        except OSError as error:
            self._fail(f"the {self.name} cannot be started: {error}")
            raise WorkerProcessError(self._trouble, Failure.FAILED, is_starting=True) from error
        return self._running

    def _discard(self, why: str) -> None:
        if self._running:
            self._running.close(0.0)
            if self._running.child.is_alive:
                self._left_behind = self._running.child
            self._running = None
        self._fail(why)

    def _fail(self, why: str) -> None:
        pause_s = min(_PAUSE_S[0] * 2 ** (self._failures - 1), _PAUSE_S[1]) if self._failures else 0.0
        self._failures += 1
        self._not_before = self._clock.monotonic() + pause_s
        self._trouble = f"{why}; it is started again"


class _Running:
    """One process that was started, with the pipe to it."""

    def __init__(self, name: str, module: str, setting: object) -> None:
        """Start it. Raises OSError."""
        self._name = name
        self._pipe: Connection[Any, Any]
        self._pipe, theirs = Pipe()
        _limit_waits(self._pipe, _MESSAGE_S)
        self._is_ready = False
        try:
            with theirs:
                self.child = PythonProcess(
                    ["-P", "-m", module, str(theirs.fileno()), str(os.getpid())], pass_fds=[theirs.fileno()]
                )
            self._pipe.send(setting)
        except BaseException:
            self._pipe.close()
            raise

    @property
    def is_ready(self) -> bool:
        """Whether it has said that it is ready."""
        return self._is_ready or self._pipe.poll(0)

    def make_ready(self) -> None:
        """Wait until it has imported its libraries. Raises WorkerProcessError."""
        if not self._is_ready:
            self._receive(_START_S, "starting", is_starting=True)
            self._is_ready = True

    def exchange(self, request: object, timeout_s: float, doing: str) -> object:
        """Send a request and wait for its answer. Raises WorkerProcessError."""
        self.child.forget_printed()
        try:
            self._pipe.send((request, timeout_s))
        except BlockingIOError:
            raise self._hung(doing, _MESSAGE_S, is_starting=False) from None  # it does not take the request
        except OSError:
            raise self._died(doing, is_starting=False) from None
        return self._receive(timeout_s, doing, is_starting=False)

    def _receive(self, timeout_s: float, doing: str, *, is_starting: bool) -> object:
        try:
            if self._pipe.poll(timeout_s):
                return self._pipe.recv()
        except BlockingIOError:
            pass  # it began its answer, and did not go on
        except (OSError, EOFError):
            raise self._died(doing, is_starting=is_starting) from None
        raise self._hung(doing, timeout_s, is_starting=is_starting)

    def _hung(self, doing: str, after_s: float, *, is_starting: bool) -> WorkerProcessError:
        works = self.child.is_working
        printed = self._ended()
        return WorkerProcessError(
            f"the {self._name} hung while {doing} and was killed after {after_s:g} s",
            Failure.ENDLESS if works else Failure.HUNG,
            printed=printed,
            is_starting=is_starting,
        )

    def _died(self, doing: str, *, is_starting: bool) -> WorkerProcessError:
        printed = self._ended()
        what = f"the {self._name} died {self.child.ending} while {doing}"
        return WorkerProcessError(what, Failure.CRASHED, printed=printed, is_starting=is_starting)

    def _ended(self) -> str:
        """Kill it, and give what it printed last."""
        self.child.kill()
        self.child.wait(DEATH_S)
        return self.child.printed.strip()[-_LAST_WORDS:]

    def close(self, grace_s: float) -> None:
        """Let it end by itself, which it does when the pipe closes; kill it after `grace_s` seconds."""
        self._pipe.close()
        self.child.stop(grace_s)


def _limit_waits(pipe: Connection[Any, Any], limit_s: float) -> None:
    """Have a read or a write fail with BlockingIOError when the other end moves no byte of a message for so long."""
    with socket.socket(fileno=os.dup(pipe.fileno())) as end:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            seconds, part = divmod(limit_s, 1)
            end.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", int(seconds), int(part * 1e6)))


def serve(prepare: Callable[[Any], Callable[[Any], object]]) -> None:
    """Run a worker process until the parent closes the pipe or ends. The `main` of its module calls this.

    The process ignores signals, because only its parent knows whether a request is being answered.

    Args:
        prepare: Imports what is needed. It is called with `setting` of the parent, and returns the function that makes
            the answer to a request. An exception of that function ends the process.
    """
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    faulthandler.enable()
    _die_with_parent(parent)
    os.nice(_NICENESS)
    with Connection(descriptor) as pipe:
        try:
            answer = prepare(pipe.recv())
            pipe.send(_READY)
            while True:
                request, timeout_s = pipe.recv()
                faulthandler.dump_traceback_later(timeout_s * _REPORT_AT)
                try:
                    made = answer(request)
                except Exception:  # noqa: BLE001 - the parent reads what is printed, as soon as the pipe closes
                    traceback.print_exc()
                    sys.stderr.flush()
                    os._exit(1)
                finally:
                    faulthandler.cancel_dump_traceback_later()
                pipe.send(made)
        except (EOFError, ConnectionError):
            return


def _die_with_parent(parent: int) -> None:
    """A request that hangs must not outlive the daemon. Linux only, as nxscribe is."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the daemon ended before its worker process began")
