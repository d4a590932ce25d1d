"""The log: structured events on standard error, as lines for people or JSON for machines.

Each line has the beamline, and within a trigger the experiment, scan and phase (bound by the session). A separate
thread writes the lines, so that a thread that logs never waits and never fails, whatever happens to the reader or the
disk of the log.
"""

from __future__ import annotations

import atexit
import logging
import math
import os
import queue
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from nxscribe.model import iso, now
from nxscribe.runtime import SupervisedThread, logger
from nxscribe.service.config import LogFormat

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

_WAITING: Final = 10_000
"""How many lines can wait for a slow reader. Further lines are lost."""
_PATIENCE_S: Final = 2.0
"""If a line takes longer, this is a trouble. The end of the process waits for the last lines as long."""
_IDLE_S: Final = 1.0


class LogWriter:
    """Writes lines to a file descriptor in a separate thread, so that a thread that logs never waits and never fails.

    It is the logger that gets the text of structlog's last processor: each of its methods takes one line.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: queue.Queue[str] = queue.Queue(_WAITING)
        self._lost = 0
        self._reason = ""
        self._writing_since = math.inf
        self.thread = SupervisedThread("log writer", self._write_next, daemon=True)
        self.thread.start()
        atexit.register(self.flush)

    @property
    def trouble(self) -> str:
        """Why lines are lost or late at the moment; empty while the log can be written."""
        hangs = time.monotonic() - self._writing_since > _PATIENCE_S
        reason = "its reader or its disk does not answer" if hangs else self._reason
        return f"the log cannot be written: {reason}" if reason else self.thread.trouble

    def msg(self, line: str) -> None:
        """Put a line into the queue."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._lost += 1

    log = debug = info = warn = warning = error = critical = exception = fatal = msg

    def flush(self, timeout_s: float = _PATIENCE_S) -> None:
        """Wait until the lines that were logged before are written, at most `timeout_s` seconds."""
        with self._lines.all_tasks_done:
            self._lines.all_tasks_done.wait_for(lambda: not self._lines.unfinished_tasks, timeout_s)

    @property
    def needs_new_process(self) -> bool:
        """Never: the log's reader or its disk is to be mended."""
        return False

    def restart_if_ended(self) -> None:
        """Start the writing thread again if it has ended."""
        self.thread.restart_if_ended()

    def _write_next(self) -> None:
        try:
            line = self._lines.get(timeout=_IDLE_S)
        except queue.Empty:
            return
        if self._lost:
            line = f"{line}\n{self._lost} lines of the log before this one were lost"
        self._writing_since = time.monotonic()
        try:
            self._write(f"{line}\n".encode(errors="backslashreplace"))
        except Exception as error:  # noqa: BLE001 - whatever it is, later lines shall be written
            self._lost += 1
            self._reason = str(error)
        else:
            self._lost, self._reason = 0, ""
        finally:
            self._writing_since = math.inf
            self._lines.task_done()

    def _write(self, line: bytes) -> None:
        while line:
            line = line[os.write(self._descriptor, line) :]


def configure_logging(writer: LogWriter, log_format: LogFormat, level: str, beamline: str) -> None:
    """Configure the log of the whole process. It can be configured again at any time, beginning with the next line.

    Args:
        writer: What writes the lines.
        log_format: The format of the lines.
        level: The lowest level that is logged: a name of the module `logging`, in any letter case.
        beamline: The name of the beamline for each line.
    """

    def name_beamline(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {"beamline": beamline, **event}

    structlog = logger.structlog()
    last: list[Processor] = (
        [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
        if log_format is LogFormat.JSON
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # With rich a trace back takes half a second, and shows what may be secret among the variables.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    )
    structlog.configure(
        processors=[
            name_beamline,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _stamp,
            _never_failing(last),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=False,
    )


def _stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The time of a line, in the beamline's zone with its offset."""
    event["timestamp"] = iso(now())
    return event


def _never_failing(processors: list[Processor]) -> Processor:
    """The processors as one that gives a plain line where they fail, as for a value whose text cannot be made."""

    def render(logger: WrappedLogger, method: str, event: EventDict) -> str:
        what = event.get("event")
        try:
            made: Any = event
            for processor in processors:
                made = processor(logger, method, made)
            return str(made)
        except Exception as error:  # noqa: BLE001 - whatever it is, a line must never fail its caller
            return f"{what} (the rest of this line could not be shown: {type(error).__name__})"

    return render
