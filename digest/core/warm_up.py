"""Warming up: how many mails a day a sending address that nobody knows yet may send, and how that grows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

_WRITTEN = re.compile(r"(\d{1,7}) from (\d{4}-\d{2}-\d{2}) double every (\d{1,2}) days?")
_DOUBLINGS = 20  # after which there is no cap: a million times what it began with


@dataclass(frozen=True, slots=True)
class WarmUp:
    """`first` mails a day from `since` on, twice as many after each `every` days; days are UTC's."""

    first: int
    since: date
    every: int

    def cap(self, day: date) -> int | None:
        """Return how many mails may go out on a day, None for no limit; before the first day it is the first's."""
        doublings = max(0, (day - self.since).days) // self.every
        return self.first * 2**doublings if doublings <= _DOUBLINGS else None


def read_warm_up(text: str) -> WarmUp | None:
    """Read `500 from 2026-11-01 double every 2 days`; nothing is None. Raises ValueError for other words."""
    if not text.strip():
        return None
    found = _WRITTEN.fullmatch(" ".join(text.split()))
    if found is None or not int(found[1]) or not int(found[3]):
        raise ValueError(f"{text[:80]!r} is no warm-up; write it like: 500 from 2026-11-01 double every 2 days")
    try:
        since = date.fromisoformat(found[2])
    except ValueError as error:
        raise ValueError(f"{found[2]} is no date; write it like: 500 from 2026-11-01 double every 2 days") from error
    return WarmUp(int(found[1]), since, int(found[3]))


def day_begins(now: datetime) -> datetime:
    """Return when the day of an instant began, in UTC."""
    return datetime.combine(now.astimezone(UTC).date(), time(), UTC)
