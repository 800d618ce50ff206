"""The numbers of FEATURES worked out plainly, one paper at a time: what the columns must agree with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from digest.core.features import FEATURES, STARS, VOTES
from digest.core.pages import PageVotes
from digest.core.signals import PAGE_PLACE, Movement

NAN = math.nan
_OLDEST = timedelta(hours=96)  # the recordings tell nothing of papers older than this
_READ_AS = timedelta(hours=72)  # ... one is read as this old, with what it gained since then
_STARS_UNKNOWN = math.log1p(8)  # about the middle of those known: to have none is never better than not to say
_SEEN_ONCE = 0.1  # of its level, where an old paper was seen once: growth that nobody saw


def features(
    moved: Mapping[str, Movement], listed_on: date | None, as_of: datetime, page_votes: PageVotes | None = None
) -> list[float]:
    """Return the numbers of FEATURES, in that order, NaN where unknown; every finite one is of moderate size.

    `page_votes` is the paper's among those of its page; None where it is looked at alone.
    """
    votes, place = moved.get(VOTES), moved.get(PAGE_PLACE)
    born = datetime.combine(listed_on, time(), UTC) if listed_on is not None else None
    if place is not None:
        paged = datetime.combine(place.points[0][0].date(), time(), UTC)  # the page's own day: votes begin there
        born = paged if born is None or born < paged else born
    young = born is not None and as_of - born <= _OLDEST
    start = born if young and born is not None else as_of - _READ_AS
    found = [NAN] * len(FEATURES)
    found[10] = max(_hours(start, as_of), 0.0)
    found[13] = float(as_of.weekday())
    if votes is not None:
        _read_votes(found, votes, start, as_of, young=young)
    if place is not None and young:
        _read_places(found, place)
        found[18] = _hours(place.points[-1][0], as_of)
        if page_votes is not None:
            found[20:26] = page_votes
        if votes is not None:
            counted = votes.points[-1][0]
            near = min(place.points, key=lambda point: (abs(point[0] - counted), point[0]))
            found[16] = found[3] - math.log(max(near[1], 1.0))
    found[19] = math.log1p(moved[STARS].level) if STARS in moved else _STARS_UNKNOWN
    return found


def _read_votes(found: list[float], votes: Movement, start: datetime, as_of: datetime, *, young: bool) -> None:
    at, level, _of = votes.points[-1]
    level_now, gained = level, NAN
    for before, value, _none in reversed(votes.points):
        hours = _hours(before, at)
        if hours >= 6:
            gained = max(level - value, 0.0) * 24 / hours
            if hours >= 18:
                break
    if not young:
        level = votes.gained if votes.hours > 0 else level * _SEEN_ONCE
    seen_age = max(_hours(start, at), 0.0)
    found[0] = math.log1p(level)
    found[1] = math.log((level + 1) / (seen_age + 4))
    found[2] = math.log1p(gained) if not math.isnan(gained) else NAN
    found[11] = seen_age
    found[12] = _hours(at, as_of)
    just = [value for before, value, _none in votes.points if before < at and _hours(before, at) < 4]
    found[14] = level_now - just[-1] if just else NAN
    found[15] = float(min(len(votes.points), 3))


def _read_places(found: list[float], place: Movement) -> None:
    shares, logs = [], []
    size = 1
    for _at, stated, of in place.points:
        rank = max(stated, 1.0)
        size = max(of or 0, math.ceil(rank))
        shares.append((rank - 0.5) / size)
        logs.append(math.log(rank))
    found[3] = logs[-1]
    found[4] = shares[-1]
    found[5] = min(logs)
    found[6] = sum(shares) / len(shares)
    found[7] = logs[-1] - logs[0] if len(logs) > 1 else NAN
    found[17] = logs[-1] - logs[-2] if len(logs) > 1 else NAN
    found[8] = float(size)
    found[9] = float(min(len(logs), 4))


def _hours(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() / 3600
