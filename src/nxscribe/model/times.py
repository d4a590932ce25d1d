"""Times: always aware, as text always ISO 8601 with a zone; and the time zone in which this process shows them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

_PARTS: Final = re.compile(r"(?P<date>[0-9W-]{7,10})(?:[T ](?P<time>[0-9:.,]+)(?P<zone>Z|[+-][0-9:]+)?)?")
_DAY_OF_YEAR: Final = re.compile(r"([0-9]{4})-?([0-9]{3})")
_END_OF_DAY: Final = re.compile(r"24(:?00){0,2}([.,]0+)?")
_LEAP_SECOND: Final = re.compile(r"([0-9]{2}:?[0-9]{2}:?)60([.,][0-9]+)?")


class UnknownZoneError(ValueError):
    """This computer knows no time zone of that name. The text is the reason."""


class _Zone:
    """The time zone of this process."""

    used: tzinfo | None = None
    """None: the time zone of the computer."""


def now() -> datetime:
    """The present time in UTC, with microseconds."""
    return datetime.now(UTC)


def zone(name: str) -> tzinfo | None:
    """The time zone with a name of the IANA database, such as `Europe/Paris`; None, the computer's own, without a name.

    Raises UnknownZoneError.
    """
    if not name:
        return None
    if name == "UTC":
        return UTC  # also on a machine without that database
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise UnknownZoneError("it is not in the time zone database" if zone_names() else "there is no time zone database")


def zone_names() -> frozenset[str]:
    """The names of the time zones that this computer knows; none if it has no time zone database."""
    return frozenset(available_timezones())


def use_zone(name: str) -> None:
    """Let this process show all times in a time zone, which is the beamline's. Raises UnknownZoneError."""
    _Zone.used = zone(name)


def local(time: datetime) -> datetime:
    """The same moment in the time zone of this process. A naive time is understood as a time of this zone."""
    if time.tzinfo is None and _Zone.used:
        return time.replace(tzinfo=_Zone.used)
    return time.astimezone(_Zone.used)


def iso(time: datetime) -> str:
    """A time in ISO 8601 with the offset of the beamline's zone, as NeXus requires: `2026-03-01T12:00:00.123456+01:00`.

    Raises ValueError for a naive time, because without a zone the moment is not known.
    """
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone")
    return local(time).isoformat()


def from_iso(text: str) -> datetime:
    """The time of a text in ISO 8601 or RFC 3339; naive if the text has no zone.

    In addition to the forms that Python reads, these are read: white space around the text, small letters, U+2212 as
    the minus of the zone, a day of the year (`2026-060`), the end of a day (`24:00`), and a leap second (`23:59:60`),
    which becomes the second after it.
    Raises ValueError.
    """
    plain = text.strip().upper().replace("\N{MINUS SIGN}", "-")
    parts = _PARTS.fullmatch(plain)
    if not parts:
        return datetime.fromisoformat(plain)
    date, time, zone = parts["date"], parts["time"] or "", parts["zone"] or ""
    later = timedelta()
    if day := _DAY_OF_YEAR.fullmatch(date):
        date = f"{day[1]}-01-01"
        later += timedelta(days=int(day[2]) - 1)
        if (datetime(int(day[1]), 1, 1, tzinfo=UTC) + later).year != int(day[1]) or later < timedelta():
            raise ValueError(f"the year {day[1]} has no day {day[2]}")
    if _END_OF_DAY.fullmatch(time):
        time = time.replace("24", "00", 1)
        later += timedelta(days=1)
    elif leap := _LEAP_SECOND.fullmatch(time):
        time = f"{leap[1]}59{leap[2] or ''}"
        later += timedelta(seconds=1)
    return datetime.fromisoformat(f"{date}T{time}{zone}" if time else date) + later
