"""Each slot of every time zone, for five years of days and around each change of history, against the clock itself.

The code under test goes from local time to an instant. The oracle never does: it reads the clock of a zone from instant
to instant (UTC to local), notes where it jumps, to the minute, and looks up in what it saw when an hour was shown.
"""

from __future__ import annotations

import zoneinfo
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from digest.core import cadence
from digest.core.cadence import Cadence, slot, slots_between

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY, HOUR = 1440, 60  # minutes; all instants here are minutes since EPOCH
NONE = -(10**9)
YEARS = (date(2025, 1, 1), date(2030, 1, 1))  # five years of days
HISTORY = (date(2005, 1, 1), date(2025, 1, 1))  # and each change of a clock in the twenty before
ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})  # neither is a place
Slot = Callable[[str, int, date], datetime | None]


def minutes(day: date) -> int:
    return (day - EPOCH.date()).days * DAY


@dataclass(frozen=True)
class Clock:
    """What a zone's clock was seen to do: from the minute `starts[i]` on it is `offsets[i]` minutes ahead of UTC."""

    starts: tuple[int, ...]
    offsets: tuple[int, ...]

    def shows(self, at: int) -> int:
        return at + self.offsets[bisect_right(self.starts, at) - 1]


@cache
def watch(name: str, years: tuple[date, date]) -> Clock:
    """Read a clock twice a day, and every hour and minute of the half days over which it did not run evenly."""
    here = ZoneInfo(name)

    def offset(at: int) -> int:
        ahead = datetime.fromtimestamp(at * 60, here).utcoffset()
        assert ahead is not None
        return int(ahead.total_seconds()) // 60

    begin, stop = minutes(years[0]) - 3 * DAY, minutes(years[1]) + 3 * DAY
    starts, offsets = [begin], [offset(begin)]
    for half_day in range(begin, stop, 12 * HOUR):
        if offset(half_day + 12 * HOUR) == offsets[-1]:
            continue
        for hour in range(half_day, half_day + 12 * HOUR, HOUR):
            if offset(hour + HOUR) == offsets[-1]:
                continue
            for minute in range(hour + 1, hour + HOUR + 1):
                if offset(minute) != offsets[-1]:
                    starts.append(minute)
                    offsets.append(offset(minute))
    return Clock(tuple(starts), tuple(offsets))


def when_shown(clock: Clock, days: np.ndarray, hour: int) -> np.ndarray:
    """Say for each local day (in minutes) when its clock showed an hour, by the table of cases; NONE for a lost day.

    The first instant at which it was shown; else the first on that day after the gap; else that day's last minute.
    """
    starts = np.array(clock.starts)[:, None]
    ends = np.array([*clock.starts[1:], 10**9])[:, None]
    offsets = np.array(clock.offsets)[:, None]
    wanted = days[None, :] + hour * HOUR
    shown = (starts + offsets <= wanted) & (wanted < ends + offsets)
    never = 10**9
    first = np.where(shown, wanted - offsets, never).min(axis=0)
    for place in np.flatnonzero(first == never):
        day = int(days[place])
        around = range(day - 28 * HOUR, day + DAY + 28 * HOUR)  # no clock is further from UTC
        its = [at for at in around if day <= clock.shows(at) < day + DAY]
        later = [at for at in its if clock.shows(at) > day + hour * HOUR]
        first[place] = later[0] if later else its[-1] if its else NONE
    return first


def told(slot_of: Slot, name: str, days: np.ndarray, hour: int) -> np.ndarray:
    dates = [EPOCH.date() + timedelta(minutes=int(day)) for day in days]
    found = (slot_of(name, hour, on) for on in dates)
    return np.array([NONE if at is None else (at - EPOCH) // timedelta(minutes=1) for at in found])


def differences(slot_of: Slot, name: str, days: np.ndarray, clock: Clock) -> Iterator[tuple[str, date, int]]:
    """Name the zone, date and hour of each slot that is not where the clock says."""
    for hour in range(24):
        wrong = told(slot_of, name, days, hour) != when_shown(clock, days, hour)
        for place in np.flatnonzero(wrong):
            yield name, EPOCH.date() + timedelta(minutes=int(days[place])), hour


def all_days(years: tuple[date, date]) -> np.ndarray:
    return np.arange(minutes(years[0]), minutes(years[1]), DAY)


def days_of_change(clock: Clock, years: tuple[date, date], around: int = 1) -> np.ndarray:
    """The local days on which a clock jumped, and those around them."""
    jumps = {
        (at + offset) // DAY * DAY
        for at, *two in zip(clock.starts[1:], clock.offsets, clock.offsets[1:], strict=False)
        for offset in two
    }
    days = {day + n * DAY for day in jumps for n in range(-around, around + 1)}
    return np.array(sorted(day for day in days if minutes(years[0]) <= day < minutes(years[1])), dtype=int)


@cache
def behaviours() -> dict[Clock, list[str]]:
    """Group the zones by what their clocks do in the five years: Berlin and Paris go alike, and so do aliases."""
    groups: dict[Clock, list[str]] = {}
    for name in ZONES:
        groups.setdefault(watch(name, YEARS), []).append(name)
    return groups


@pytest.mark.parametrize("part", range(8))
def test_every_hour_of_five_years_is_where_the_clock_shows_it(part: int) -> None:  # checklist 83
    """One zone of each behaviour day by day; the others, whose clocks were seen to do the same, as they change."""
    checked = 0
    for clock, names in list(behaviours().items())[part::8]:
        sparse = days_of_change(clock, YEARS, around=2)
        for name in names:
            days = all_days(YEARS) if name == names[0] else np.union1d(sparse, all_days(YEARS)[part::61])
            assert list(differences(slot, name, days, clock)) == []
            checked += 24 * len(days)
    print(f"part {part}: {checked:,} slots")
    assert checked > 24 * 1826


@pytest.mark.parametrize("part", range(4))
def test_every_change_of_every_clock_in_twenty_years_is_met(part: int) -> None:  # checklist 83
    checked = 0
    for name in ZONES[part::4]:
        clock = watch(name, HISTORY)
        days = days_of_change(clock, HISTORY)
        assert list(differences(slot, name, days, clock)) == []
        checked += 24 * len(days)
    print(f"part {part}: {checked:,} slots")
    assert checked > 50_000


def test_the_oracle_knows_the_odd_cases_by_heart() -> None:
    def at(name: str, hour: int, on: date) -> datetime | None:
        found = int(when_shown(watch(name, HISTORY), np.array([minutes(on)]), hour)[0])
        return None if found == NONE else EPOCH + timedelta(minutes=found)

    assert at("Pacific/Apia", 8, date(2011, 12, 30)) is None  # the day that Samoa never had
    assert at("Europe/Berlin", 2, date(2024, 3, 31)) == datetime(2024, 3, 31, 1, tzinfo=UTC)
    assert at("Australia/Lord_Howe", 2, date(2024, 10, 6)) == datetime(2024, 10, 5, 15, 30, tzinfo=UTC)
    assert at("Antarctica/Troll", 2, date(2024, 3, 31)) == datetime(2024, 3, 31, 1, tzinfo=UTC)  # 01:00 became 03:00
    assert at("America/St_Johns", 1, date(2010, 3, 14)) == datetime(2010, 3, 14, 3, 31, tzinfo=UTC)  # at 00:01
    assert at("Africa/Casablanca", 2, date(2024, 4, 14)) == datetime(2024, 4, 14, 2, tzinfo=UTC)  # after Ramadan
    assert at("Asia/Tehran", 0, date(2022, 3, 22)) == datetime(2022, 3, 21, 20, 30, tzinfo=UTC)  # the last summer time
    assert at("Asia/Pyongyang", 23, date(2018, 5, 4)) == datetime(2018, 5, 4, 14, 30, tzinfo=UTC)  # 23:30 became 24:00


def _naive(name: str, hour: int, on: date) -> datetime | None:
    return datetime.combine(on, time(hour), tzinfo=ZoneInfo(name)).astimezone(UTC)


def _second_of_two(name: str, hour: int, on: date) -> datetime | None:
    return datetime.combine(on, time(hour), tzinfo=ZoneInfo(name)).replace(fold=1).astimezone(UTC)


def _never_none(name: str, hour: int, on: date) -> datetime | None:
    return slot(name, hour, on) or _naive(name, hour, on)


def _one_minute_early(name: str, hour: int, on: date) -> datetime | None:
    found, plain = slot(name, hour, on), _naive(name, hour, on)
    return found if found == plain or found is None else found - timedelta(minutes=1)


def _skips_the_gap(name: str, hour: int, on: date) -> datetime | None:
    found = slot(name, hour, on)
    return found if found is not None and found.astimezone(ZoneInfo(name)).hour == hour else None


@pytest.mark.parametrize("mutant", [_naive, _second_of_two, _never_none, _one_minute_early, _skips_the_gap])
def test_a_slot_that_is_wrong_in_one_case_only_is_found(mutant: Slot) -> None:
    zones = ["Europe/Berlin", "Pacific/Apia", "America/St_Johns", "Antarctica/Troll"]
    clocks = {name: watch(name, HISTORY) for name in zones}
    found = [
        one
        for name, clock in clocks.items()
        for one in differences(mutant, name, days_of_change(clock, HISTORY), clock)
    ]
    assert 0 < len(found) < 2_000


@pytest.mark.parametrize("kind", list(Cadence))
def test_the_slots_of_a_window_are_those_of_the_days_that_are_wanted(kind: Cadence) -> None:  # checklist 83
    wanted = {Cadence.DAILY: range(7), Cadence.WEEKDAYS: range(5), Cadence.WEEKLY: (2,)}[kind]
    start, end = (datetime.combine(day, time(11), UTC) for day in (date(2025, 12, 30), date(2027, 1, 9)))
    for clock, names in behaviours().items():
        days = all_days((date(2025, 12, 25), date(2027, 1, 15)))
        for hour in (0, 2, 23):
            shown = zip(days, when_shown(clock, days, hour), strict=True)
            expected = [
                (EPOCH.date() + timedelta(minutes=int(day)), EPOCH + timedelta(minutes=int(at)))
                for day, at in shown
                if at != NONE and (EPOCH.date() + timedelta(minutes=int(day))).weekday() in wanted
            ]
            expected = [(on, at) for on, at in expected if start <= at < end]
            assert slots_between(names[-1], hour, kind, 2, start, end) == expected, names[-1]


def test_the_zones_are_all_there() -> None:
    assert len(ZONES) > 550
    assert {"Asia/Calcutta", "US/Pacific", "Europe/Kyiv", "Etc/GMT+12", "Pacific/Kiritimati"} <= set(ZONES)
    assert all(cadence.zone(name).key == name for name in ZONES)
