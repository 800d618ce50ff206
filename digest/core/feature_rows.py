"""The numbers of FEATURES for many papers at once, in columns; what they mean is said in `digest.core.features`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from digest.core.features import FEATURES, STARS, VOTES
from digest.core.pages import PageVotes
from digest.core.signals import PAGE_PLACE, Movement
from digest.core.steady import Floats, Ints

_COLUMN = {feature.name: column for column, feature in enumerate(FEATURES)}
_ALONE = PageVotes(*[math.nan] * 6)
_PAGE = slice(_COLUMN["page_votes"], _COLUMN["page_votes"] + len(_ALONE))
_OF_PLACES = [_COLUMN[one.name] for one in FEATURES if one.part == PAGE_PLACE or one.name == "places_unseen_for"]
_TICK = timedelta(microseconds=1)
_HOUR = timedelta(hours=1) // _TICK
_DAY = timedelta(days=1) // _TICK
_OLDEST = 96 * _HOUR  # the recordings tell nothing of papers older than this
_READ_AS = 72 * _HOUR  # ... one is read as this old, with what it gained since then
_STARS_UNKNOWN = math.log1p(8)  # about the middle of those known: to have none is never better than not to say
_SEEN_ONCE = 0.1  # of its level, where an old paper was seen once: growth that nobody saw
_NEVER = -(2**62)
_LONG_H, _SHORT_H, _JUST_H = 18.0, 6.0, 4.0
_PLACES, _COUNTS = 4, 3  # more observations than these say no more


def feature_rows(
    read: Sequence[Mapping[str, Movement]],
    listed_on: Sequence[date | None],
    as_of: datetime,
    compared: Sequence[PageVotes | None],
) -> Floats:
    """Return the numbers of FEATURES, shape (papers, features), NaN where unknown; finite ones are of moderate size.

    What was read of each paper by signal, its day of listing, and how it stands to the others of its page, None where
    it is looked at alone.
    """
    rows = _Rows(np.full((len(FEATURES), len(read)), math.nan))
    votes, places = (_points(read, signal, as_of) for signal in (VOTES, PAGE_PLACE))
    day = as_of.astimezone(UTC)
    midnight = (datetime.combine(day.date(), time(), UTC) - day) // _TICK
    today = day.toordinal()
    born = np.array([(one.toordinal() - today) * _DAY + midnight if one else _NEVER for one in listed_on])
    # The page's own day: votes begin there.
    paged = (places.at[places.starts] - midnight) // _DAY * _DAY + midnight
    born[places.whose] = np.maximum(born[places.whose], paged)
    young = born >= -_OLDEST
    start = np.where(young, born, -_READ_AS)
    rows["age"] = np.maximum(_hours(-start), 0.0)
    rows["weekday"] = as_of.weekday()
    rows["stars"] = [math.log1p(moved[STARS].level) if STARS in moved else _STARS_UNKNOWN for moved in read]
    _read_votes(rows, votes, read, start[votes.whose], young[votes.whose])
    _read_places(rows, places)
    _read_both(rows, votes, places)
    beside = [compared[one] or _ALONE for one in places.whose.tolist()]
    rows.found[_PAGE, places.whose] = np.array(beside, dtype=np.float64).reshape(-1, len(_ALONE)).T
    rows.found[_OF_PLACES] = np.where(young, rows.found[_OF_PLACES], math.nan)
    return rows.found.T


@dataclass(frozen=True, slots=True)
class _Rows:
    """The numbers to be found, by the name of the feature, a column a paper."""

    found: Floats

    def __getitem__(self, name: str) -> Floats:
        numbers: Floats = self.found[_COLUMN[name]]
        return numbers

    def __setitem__(self, name: str, numbers: Floats | Sequence[float] | float) -> None:
        self.found[_COLUMN[name]] = numbers


@dataclass(frozen=True, slots=True)
class _Points:
    """One signal's points, laid end to end for those papers that have it, in ticks since the instant of scoring.

    `whose` they are, and where each paper's `starts` and which is its `last`.
    """

    whose: Ints
    starts: Ints
    last: Ints
    at: Ints
    value: Floats
    of: Ints


def _points(read: Sequence[Mapping[str, Movement]], signal: str, as_of: datetime) -> _Points:
    moved = [(index, one[signal].points) for index, one in enumerate(read) if signal in one]
    ends = np.cumsum([len(points) for _index, points in moved], dtype=np.int64)
    at, value, of = zip(*chain.from_iterable([points for _index, points in moved]), strict=True) if moved else ((),) * 3
    seconds = np.array(list(map(datetime.timestamp, at)), dtype=np.float64) - as_of.timestamp()
    return _Points(
        whose=np.array([index for index, _points in moved], dtype=np.int64),
        starts=np.append(0, ends[:-1]) if moved else ends,
        last=ends - 1,
        at=np.rint(seconds * 10**6).astype(np.int64),
        value=np.array(value, dtype=np.float64),
        of=np.array([one or 0 for one in of] if signal == PAGE_PLACE else (), dtype=np.int64),
    )


def _read_votes(
    rows: _Rows, votes: _Points, read: Sequence[Mapping[str, Movement]], start: Ints, young: NDArray[np.bool_]
) -> None:
    at, level = votes.at[votes.last], votes.value[votes.last]
    ago = _hours(np.repeat(at, votes.last - votes.starts + 1) - votes.at)
    # Growth is measured from the last count long before the newest, or else from the first, if not just before it.
    long = _counted(ago >= _LONG_H, votes.starts)
    base = votes.starts + np.maximum(long - 1, 0)
    since = ago[base]
    apart = since >= _SHORT_H
    gained = np.maximum(level - votes.value[base], 0.0) * 24 / np.where(apart, since, 1.0)
    before = np.maximum(votes.last - 1, votes.starts)
    just = (before < votes.last) & (ago[before] < _JUST_H)
    seen_age = np.maximum(_hours(at - start), 0.0)
    whole = [read[index][VOTES] for index in votes.whose.tolist()]
    grown = [one.gained if one.hours > 0 else one.level * _SEEN_ONCE for one in whole]
    level_now = np.where(young, level, grown)
    for name, numbers in {
        "votes": np.log1p(level_now),
        "votes_pace": np.log((level_now + 1) / (seen_age + 4)),
        "votes_gain": np.where(apart, np.log1p(gained), math.nan),
        "votes_age": seen_age,
        "votes_unseen_for": _hours(-at),
        "votes_just_now": np.where(just, level - votes.value[before], math.nan),
        "votes_seen": np.minimum(votes.last - votes.starts + 1, _COUNTS),
    }.items():
        rows[name][votes.whose] = numbers


def _read_places(rows: _Rows, places: _Points) -> None:
    if not len(places.whose):
        return
    rank = np.maximum(places.value, 1.0)
    size = np.maximum(places.of, np.ceil(rank))
    shares, logs = (rank - 0.5) / size, np.log(rank)
    count = places.last - places.starts + 1
    several = count > 1
    for name, numbers in {
        "place": logs[places.last],
        "place_share": shares[places.last],
        "best_place": np.minimum.reduceat(logs, places.starts),
        "mean_share": np.add.reduceat(shares, places.starts) / count,
        "places_lost": np.where(several, logs[places.last] - logs[places.starts], math.nan),
        "places_just_lost": np.where(several, logs[places.last] - logs[places.last - 1], math.nan),
        "page_size": size[places.last],
        "places_seen": np.minimum(count, _PLACES),
        "places_unseen_for": _hours(-places.at[places.last]),
    }.items():
        rows[name][places.whose] = numbers


def _read_both(rows: _Rows, votes: _Points, places: _Points) -> None:
    """Say how many places were lost since the votes were counted: from the place that was seen nearest to that."""
    counted = np.full(rows.found.shape[1], _NEVER, dtype=np.int64)
    counted[votes.whose] = votes.at[votes.last]
    counted = counted[places.whose]
    both = counted > _NEVER
    if not both.any():
        return
    way = np.abs(places.at - np.repeat(counted, places.last - places.starts + 1))
    nearest = np.repeat(np.minimum.reduceat(way, places.starts), places.last - places.starts + 1)
    # Of two that are as near, the earlier.
    found = np.flatnonzero(way == nearest)
    found = found[np.searchsorted(found, places.starts)][both]
    whose = places.whose[both]
    rows["places_lost_since_votes"][whose] = rows["place"][whose] - np.log(np.maximum(places.value[found], 1.0))


def _counted(flags: NDArray[np.bool_], starts: Ints) -> Ints:
    return np.add.reduceat(flags.astype(np.int64), starts) if len(starts) else starts


def _hours(ticks: Ints) -> Floats:
    hours: Floats = ticks / 10**6 / 3600
    return hours
