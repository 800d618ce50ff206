"""What somebody asks of a source beside its plan: to be read now, or from a date on; the cost, and when again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from digest.errors import DeedRefused

BACKFILL_ORIGIN = "back-fill"  # how the origin of a run begins that is no news of how the source stands
MOST_REQUESTS = 500  # that one back-fill may cost; whoever wants more begins later, and knows that it is much
FARTHEST = timedelta(days=366)
LEASE = timedelta(minutes=10)  # of a back-fill, renewed by each page: longer than the longest answer is waited for
RUN_LEASE = timedelta(minutes=45)  # of a reading, which renews nothing: longer than a task may run
SLICE = timedelta(minutes=5)  # of a back-fill at a time, so that the day's own runs get their turn between
_RETRY_FIRST = timedelta(minutes=5)
_RETRY_MOST = timedelta(hours=2)
MOST_FAILURES = 6  # in a row, then it ends; what it read stays, and its cursor says from where to go on


class ErrandKind(StrEnum):
    """What is asked of a source."""

    RUN = "run"
    BACKFILL = "back-fill"


class Outcome(StrEnum):
    """How an errand ended."""

    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class Reach(NamedTuple):
    """How a source is read from a date on: the position of the cursor to begin with, and about how many requests."""

    position: str
    requests: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a back-fill is expected to cost; `pace` is in seconds between requests."""

    requests: int
    pace: float

    @property
    def words(self) -> str:
        """The cost in words: `about 12 requests, one every 3 s: 1 minute`."""
        minutes = max(1, round(self.requests * self.pace / 60))
        noun, unit = "request" if self.requests == 1 else "requests", "minute" if minutes == 1 else "minutes"
        return f"about {self.requests:,} {noun}, one every {self.pace:g} s: {minutes:,} {unit} or more"


def check_since(since: date, today: date) -> None:
    """Raise DeedRefused for a date from which nothing can be filled in."""
    if since >= today:
        raise DeedRefused(f"a back-fill begins before today, {today}, not on {since}; today is read anyway")
    if today - since > FARTHEST:
        raise DeedRefused(f"a back-fill begins at most a year ago, on {today - FARTHEST} or later, not on {since}")


def checked_cost(reach: Reach, pace: float) -> Cost:
    """Return what a back-fill costs; raises DeedRefused where it is more than one may."""
    if reach.requests > MOST_REQUESTS:
        raise DeedRefused(
            f"that would be about {reach.requests:,} requests, and one back-fill may be {MOST_REQUESTS}: begin later"
        )
    return Cost(reach.requests, pace)


def pages_of(days: int, a_day: float, page: int) -> int:
    """Return about how many pages hold what a source lists in so many days."""
    return max(1, -int(-days * a_day // page))


def again_at(failures: int, now: datetime, held_until: datetime | None) -> datetime:
    """Return when an errand is tried again after so many failures in a row, no sooner than the service wants."""
    wait = min(_RETRY_FIRST * (1 << min(max(failures - 1, 0), 6)), _RETRY_MOST)
    return max(filter(None, (now + wait, held_until)))
