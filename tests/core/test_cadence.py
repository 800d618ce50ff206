"""A reader's slot: one on every date their calendar has, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from digest.core.cadence import Cadence, local_date, slot, slots_between, zone
from digest.errors import DigestError

ODD_ZONES = [
    "America/Santiago",  # midnight does not exist on the first day of summer time
    "Africa/Cairo",
    "America/Asuncion",
    "America/Havana",
    "Asia/Beirut",
    "Asia/Gaza",
    "Pacific/Apia",  # had no 30 December 2011
    "Pacific/Fakaofo",
    "Australia/Lord_Howe",  # moves by half an hour
    "Antarctica/Troll",  # moves by two hours
    "Africa/Casablanca",
    "America/St_Johns",  # changed at a minute past midnight until 2011
    "America/Nuuk",
    "America/Scoresbysund",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tehran",
    "UTC",
]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize("timezone", ODD_ZONES)
def test_every_date_that_exists_has_exactly_one_slot(timezone: str) -> None:  # checklist 83
    here = zone(timezone)
    start, end = utc(2009, 1, 1), utc(2027, 1, 1)
    for hour in (0, 1, 2, 3, 8, 23):
        found = slots_between(timezone, hour, Cadence.DAILY, 0, start, end)
        dates = [on for on, _at in found]
        instants = [at for _on, at in found]
        assert len(dates) == len(set(dates))
        assert all(before < after for before, after in pairwise(instants))
        assert all(at.astimezone(here).date() == on for on, at in found)
        missing = {dates[0] + timedelta(days=n) for n in range((dates[-1] - dates[0]).days + 1)} - set(dates)
        assert missing == ({date(2011, 12, 30)} if timezone in {"Pacific/Apia", "Pacific/Fakaofo"} else set())


@pytest.mark.parametrize(
    ("timezone", "hour", "on", "at"),
    [
        ("Europe/Berlin", 2, date(2026, 3, 29), utc(2026, 3, 29, 1)),  # 02:00 is skipped: 03:00 it is
        ("Europe/Berlin", 2, date(2026, 10, 25), utc(2026, 10, 25, 0)),  # 02:00 comes twice: the first
        ("America/Santiago", 0, date(2025, 9, 7), utc(2025, 9, 7, 4)),  # midnight is skipped: 01:00
        ("Africa/Cairo", 0, date(2025, 4, 25), utc(2025, 4, 24, 22)),
        ("Australia/Lord_Howe", 2, date(2025, 10, 5), utc(2025, 10, 4, 15, 30)),  # 02:00 becomes 02:30
        ("Antarctica/Troll", 1, date(2026, 3, 29), utc(2026, 3, 29, 1)),
        ("Asia/Kathmandu", 8, date(2026, 5, 20), utc(2026, 5, 20, 2, 15)),
    ],
)
def test_a_skipped_hour_is_the_next_valid_instant_and_a_repeated_one_is_the_first(
    timezone: str, hour: int, on: date, at: datetime
) -> None:
    assert slot(timezone, hour, on) == at


def test_a_date_that_never_was_has_no_slot() -> None:
    assert slot("Pacific/Apia", 8, date(2011, 12, 30)) is None
    assert slot("Pacific/Apia", 8, date(2011, 12, 31)) == utc(2011, 12, 30, 18)


def test_weekdays_and_weekly_keep_to_the_readers_own_calendar() -> None:
    week = utc(2026, 5, 18), utc(2026, 5, 25)
    weekdays = [on.weekday() for on, _at in slots_between("Asia/Tokyo", 7, Cadence.WEEKDAYS, 0, *week)]
    assert weekdays == [1, 2, 3, 4, 0]  # Monday's 07:00 in Tokyo was still Sunday in UTC
    (only,) = slots_between("Pacific/Kiritimati", 1, Cadence.WEEKLY, 5, *week)
    assert only == (date(2026, 5, 23), utc(2026, 5, 22, 11))


def test_the_window_holds_its_start_and_not_its_end() -> None:
    at = utc(2026, 5, 20, 6)
    assert slots_between("UTC", 6, Cadence.DAILY, 0, at, at + timedelta(days=1)) == [(date(2026, 5, 20), at)]
    assert slots_between("UTC", 6, Cadence.DAILY, 0, at, at) == []


@pytest.mark.parametrize(
    "name",
    [
        "Mars/Olympus",
        "",
        "../etc/passwd",
        "Europe",
        "x" * 5000,
        "a\0b",
        "/etc/localtime",
        "localtime",  # this machine's, wherever it stands
        "posix/Europe/Berlin",
        "right/Europe/Berlin",  # counts leap seconds
        "Factory",
    ],
)
def test_an_unknown_zone_is_refused_by_name(name: str) -> None:
    with pytest.raises(DigestError, match="no time zone is named"):
        local_date(name, utc(2026, 5, 20))
