"""The log: structured events on standard error, as lines for people or JSON for machines.

Each line bears the beamline, and within a trigger the experiment, scan and phase (bound by the session).
"""

from __future__ import annotations

import logging
import sys
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger


class LogFormat(StrEnum):
    """How lines look."""

    CONSOLE = "console"
    JSON = "json"


def configure_logging(log_format: LogFormat, level: str, beamline: str) -> None:
    """Set the log up for the whole process. `level` is a name of the logging module, in any case."""
    import structlog  # noqa: PLC0415 - heavy, and the config's settings need the formats' names alone

    def name_beamline(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {"beamline": beamline, **event}

    last: list[Processor] = (
        [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
        if log_format is LogFormat.JSON
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    structlog.configure(
        processors=[
            name_beamline,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=False),
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
