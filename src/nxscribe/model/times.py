"""Times: always aware, always ISO 8601 with a zone in text."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present, in UTC, to the microsecond."""
    return datetime.now(UTC)


def iso(time: datetime) -> str:
    """ISO 8601 in the local zone with its offset, as NeXus wants it: `2026-03-01T12:00:00.123456+01:00`.

    Raises ValueError for a naive time: without a zone it is no moment.
    """
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone")
    return time.astimezone().isoformat()
