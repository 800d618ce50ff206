"""When a reader's digest is due: local hours, time zones with their gaps and folds, weekdays."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from digest.errors import UnknownZone

MINIMUM_GAP = timedelta(hours=12)
_MINUTE = timedelta(minutes=1)
_FRIDAY = 4
_NO_PLACES = {"localtime", "Factory", "posixrules"}


class Cadence(StrEnum):
    """How often a reader wants the digest."""

    DAILY = "daily"
    WEEKDAYS = "weekdays"  # Monday to Friday
    WEEKLY = "weekly"


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name such as `Europe/Berlin`, old names included; raises UnknownZone.

    Names that mean this machine's own zone, or clocks that count leap seconds, are no zones of a reader's.
    """
    try:
        if name in _NO_PLACES or name.startswith(("posix/", "right/")):
            raise ValueError("no place")
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a name that is a folder, or too long
        raise UnknownZone(
            "no time zone is named %(name)s; use a name such as Europe/Berlin or UTC", name=repr(name[:64])
        ) from error


def known_or_utc(name: str) -> str:
    """Return a zone's name as it was given, or UTC where it is none: a guess must not cost anybody the digest."""
    try:
        return zone(name.strip()).key
    except UnknownZone:
        return "UTC"


def local_date(timezone: str, at: datetime) -> date:
    """Return the date on a reader's calendar at an instant; raises UnknownZone."""
    return at.astimezone(zone(timezone)).date()


def slot(timezone: str, hour: int, on: date) -> datetime | None:
    """Return the instant (UTC) at which a reader's clock shows `hour`:00 on a local date.

    An hour that exists twice counts the first time. One that the clock skips gives the next valid
    instant of the same date, at the end of the gap; where the rest of the date is skipped, the last
    valid minute of that date. None for a date that the zone never had (Pacific/Apia, 2011-12-30).
    Raises UnknownZone.
    """
    here = zone(timezone)
    wanted = datetime.combine(on, time(hour), tzinfo=here)  # fold=0: the first of two
    at = wanted.astimezone(UTC)
    if at.astimezone(here).replace(tzinfo=None) == wanted.replace(tzinfo=None):
        return at
    after, before = _around_gap(here, at)
    if after.astimezone(here).date() == on:
        return after
    return before if before.astimezone(here).date() == on else None


def _around_gap(here: ZoneInfo, inside: datetime) -> tuple[datetime, datetime]:
    """Find the first instant after a gap in local time, and the last minute before it.

    `inside` is what zoneinfo makes of a skipped time: it applies the offset from before the gap, so
    the change lies at or before it, by no more than the length of the gap (a day at most).
    """
    new = inside.astimezone(here).utcoffset()
    low, high = inside - timedelta(hours=25), inside
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(here).utcoffset() == new:
            high = middle
        else:
            low = middle
    change = high.replace(microsecond=0)
    if change.astimezone(here).utcoffset() != new:
        change += timedelta(seconds=1)
    return change, change - _MINUTE


def slots_between(  # noqa: PLR0917  # a subscription's schedule and a window, in the order they are said
    timezone: str, hour: int, cadence: Cadence, weekday: int, start: datetime, end: datetime
) -> list[tuple[date, datetime]]:
    """List a reader's slots in [start, end): local date and instant (UTC), in order.

    `weekday` (0 is Monday) matters for a weekly cadence only. Raises UnknownZone.
    """
    if end <= start:
        return []
    slots: list[tuple[date, datetime]] = []
    # A day more on each side: where a clock went back over midnight, an earlier date follows a later one.
    day = local_date(timezone, start) - timedelta(days=1)
    last = local_date(timezone, end) + timedelta(days=1)
    while day <= last:
        if _wanted(cadence, weekday, day):
            at = slot(timezone, hour, day)
            if at is not None and start <= at < end:
                slots.append((day, at))
        day += timedelta(days=1)
    return slots


def _wanted(cadence: Cadence, weekday: int, day: date) -> bool:
    match cadence:
        case Cadence.DAILY:
            return True
        case Cadence.WEEKDAYS:
            return day.weekday() <= _FRIDAY
        case Cadence.WEEKLY:
            return day.weekday() == weekday
