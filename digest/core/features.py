"""What the fitted forecast reads of a paper: votes and page places, in terms that outlive scales and eras.

Nothing here depends on the hour of scoring or on how often a source is polled: levels are logarithms, places are also
shares of their page, and times count from the paper's own day. How a paper stands to the others of its page is read
too, where they are known. What is not known is NaN, never 0; unknown stars are read as a middling number, for
scarcely any were recorded early on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, time, timedelta

from digest.core.pages import Standing
from digest.core.signals import PAGE_PLACE, Movement

VOTES = "hf_upvotes"
STARS = "github_stars"
AGE = "freshness"  # the part that ages and weekdays speak for
NAN = math.nan
_OLDEST = timedelta(hours=96)  # the recordings tell nothing of papers older than this
_READ_AS = timedelta(hours=72)  # ... one is read as this old, with what it gained since then
_STARS_UNKNOWN = math.log1p(8)  # about the middle of those known: to have none is never better than not to say
_SEEN_ONCE = 0.1  # of its level, where an old paper was seen once: growth that nobody saw


@dataclass(frozen=True, slots=True)
class Feature:
    """A number the forecast reads: its name, the part of the score it speaks for, and which way it may push.

    `way` is 1 where more may only raise the forecast, 0 where it may do either.
    """

    name: str
    part: str
    way: int


FEATURES = (
    Feature("votes", VOTES, 1),
    Feature("votes_pace", VOTES, 1),
    Feature("votes_gain", VOTES, 1),
    Feature("place", PAGE_PLACE, 0),
    Feature("place_share", PAGE_PLACE, 0),
    Feature("best_place", PAGE_PLACE, 0),
    Feature("mean_share", PAGE_PLACE, 0),
    Feature("places_lost", PAGE_PLACE, 0),
    Feature("page_size", PAGE_PLACE, 0),
    Feature("places_seen", PAGE_PLACE, 0),
    Feature("age", AGE, 0),
    Feature("votes_age", AGE, 0),
    Feature("votes_unseen_for", AGE, 0),
    Feature("weekday", AGE, 0),
    Feature("votes_just_now", VOTES, 1),
    Feature("votes_seen", VOTES, 0),
    Feature("places_lost_since_votes", PAGE_PLACE, 0),
    Feature("places_just_lost", PAGE_PLACE, 0),
    Feature("places_unseen_for", AGE, 0),
    Feature("stars", STARS, 1),
    Feature("page_votes", PAGE_PLACE, 0),
    Feature("page_overdue", PAGE_PLACE, 0),
    Feature("page_gap_above", PAGE_PLACE, 0),
    Feature("page_gap_below", PAGE_PLACE, 0),
    Feature("page_behind_first", PAGE_PLACE, 0),
    Feature("page_above_middle", PAGE_PLACE, 0),
)


def features(
    moved: Mapping[str, Movement], listed_on: date | None, as_of: datetime, standing: Standing | None = None
) -> list[float]:
    """Return the numbers of FEATURES, in that order, NaN where unknown; every finite one is of moderate size.

    `standing` is the paper's among those of its page; None where it is looked at alone.
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
        if standing is not None:
            found[20:26] = astuple(standing)
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
