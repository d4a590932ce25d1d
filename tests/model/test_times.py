from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from nxscribe.model import from_iso, iso, local
from nxscribe.model.times import UnknownZoneError, use_zone


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("\t2026-03-01 12:00:00.25+01:00\n", datetime(2026, 3, 1, 11, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-03-01t12:00:00z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00\N{MINUS SIGN}02:00", datetime(2026, 3, 1, 14, tzinfo=UTC)),
        ("20260301T120000Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-W09-7T12:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-060T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2024366T235960Z", datetime(2025, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60,5Z", datetime(2017, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("2017-01-01T08:59:60+09:00", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2026-02-28T24:00:00Z", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-12-31T24:00+01:00", datetime(2026, 12, 31, 23, tzinfo=UTC)),
        ("2026-03-01T12+05:30", datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
    ],
)
def test_all_forms_of_iso_8601_are_read(text: str, moment: datetime) -> None:
    assert from_iso(text) == moment


def test_a_time_without_a_zone_stays_without() -> None:
    assert from_iso("2026-060") == datetime(2026, 3, 1)  # noqa: DTZ001 - a naive time is what is asked


@pytest.mark.parametrize(
    "text", ["", "noon", "2026-366T00:00Z", "2026-000", "2026-13-01T00:00Z", "2026-03-01T24:01Z", "2026-03-01T12:61Z"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        from_iso(text)


@pytest.fixture
def _own_zone() -> Iterator[None]:
    """The zone of the process is as it was, after the test."""
    yield
    use_zone("")


@pytest.mark.parametrize(
    ("zone", "winter", "summer"),
    [
        ("UTC", "2026-01-05T12:00:00+00:00", "2026-07-05T12:00:00+00:00"),
        ("Europe/Paris", "2026-01-05T13:00:00+01:00", "2026-07-05T14:00:00+02:00"),
        ("Asia/Kolkata", "2026-01-05T17:30:00+05:30", "2026-07-05T17:30:00+05:30"),
    ],
)
@pytest.mark.usefixtures("_own_zone")
def test_a_time_is_told_in_the_zone_of_the_process(zone: str, winter: str, summer: str) -> None:
    use_zone(zone)
    assert iso(datetime(2026, 1, 5, 12, tzinfo=UTC)) == winter
    assert iso(datetime(2026, 7, 5, 12, tzinfo=UTC)) == summer


@pytest.mark.usefixtures("_own_zone")
def test_a_time_without_a_zone_is_one_of_the_beamline() -> None:
    use_zone("Asia/Tokyo")
    assert local(datetime(2026, 1, 5, 12)) == datetime(2026, 1, 5, 3, tzinfo=UTC)  # noqa: DTZ001 - so it is asked


@pytest.mark.usefixtures("_own_zone")
def test_a_zone_that_is_not_known_is_refused_and_the_former_stays() -> None:
    use_zone("Asia/Tokyo")
    with pytest.raises(UnknownZoneError):
        use_zone("Asia/Tokio")
    assert iso(datetime(2026, 1, 5, 12, tzinfo=UTC)) == "2026-01-05T21:00:00+09:00"
