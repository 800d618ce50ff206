"""How signals move: the observations of many papers at once, read into one Movement a paper and signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digest.core.candidate import Observed, in_columns
from digest.core.paper import Observation
from digest.core.signals import FADE_H, GRACE_H, KINDS, MAX_VALUE, PAGE_PLACE, SIMULATED, WINDOW, Movement
from digest.core.steady import Floats, Ints, steadied_series

Flags = NDArray[np.bool_]

_TICK = timedelta(microseconds=1)  # instants are whole ticks before the instant of scoring: exact, and small
_HOUR = timedelta(hours=1) // _TICK
_SECOND = timedelta(seconds=1) // _TICK
_NEVER = 2**62
_LOOK_BACK = -24 * _HOUR  # growth is measured from the last observation before this
_FORGOTTEN = -72 * _HOUR  # ... unless that is older than this: then from here, by interpolation
_SHORTEST_H = 6.0  # a rate over less time than this would be noise
_RECENT = 0.2  # the share of recent growth, beside that since the paper was listed (which predicts better)
_UNSEEN_GROWTH = 0.1  # of a signal's weight, where it was seen once and may be as old as the world
_LEVEL_DAYS = 30.0  # ... its level is then read as that of a month
_PLACE_STRENGTH = 0.8
_SMALLEST_PAGE = 10  # first of two is not first of twenty, but first all the same

_NAMES = tuple(KINDS)
_CODES = {name: code for code, name in enumerate(_NAMES)}
_PLACE = _CODES[PAGE_PLACE]
_WEIGHTS = np.array([kind.weight for kind in KINDS.values()])
_LOG_GAINS = np.log1p(np.array([kind.gain for kind in KINDS.values()]))
_FROM_NOTHING = np.array([kind.from_nothing for kind in KINDS.values()])


def movements(observations: Sequence[Observation], as_of: datetime, listed_at: datetime | None) -> list[Movement]:
    """Read one paper's signals, as `movements_of` reads many."""
    return movements_of(in_columns([observations]), [listed_at], as_of)[0]


def movements_of(observed: Observed, listed_at: Sequence[datetime | None], as_of: datetime) -> list[list[Movement]]:
    """Read every known signal's observations of the last 7 days up to an instant, for each paper one movement a signal.

    `listed_at` has an entry a paper. Absurd, later and unknown observations are passed over. Where several sources
    report one signal, the one that moved most speaks, and one that was not made up before one that was; of two that
    moved alike the first by name.
    """
    points = _points(observed, as_of)
    if not len(points.at):
        return [[] for _one in listed_at]
    series = _series(points)
    points = replace(points, value=_steadied(points, series))
    born = np.array([_ticks(at, as_of) if at is not None else _NEVER for at in listed_at])[series.whose]
    count = _counts(points, series, born)
    place = _places(points, series)
    is_place = series.code == _PLACE
    weight, strength, level, gained, hours, since_listing, of = (
        np.where(is_place, of_place, of_count) for of_place, of_count in zip(place, count, strict=True)
    )
    strength *= _faded(points.at[series.ends - 1])
    whose = series.whose * len(KINDS) + series.code
    best = np.lexsort((-series.source, level, strength, ~series.simulated, whose))
    best = best[np.append(np.diff(whose[best]) != 0, True)]
    # Lists, because a number of numpy's is slow to read one by one.
    told = zip(
        [_NAMES[code] for code in series.code[best].tolist()],
        *(column[best].tolist() for column in (weight, strength, level, gained, hours, since_listing)),
        [size or None for size in of[best].tolist()],
        series.simulated[best].tolist(),
        _told_points(points, series, best),
        strict=True,
    )
    made = list(map(Movement._make, told))
    bounds = np.searchsorted(series.whose[best], np.arange(len(listed_at) + 1)).tolist()
    return [made[start:end] for start, end in pairwise(bounds)]


@dataclass(frozen=True, slots=True)
class _Points:
    """What may be believed, sorted by paper, signal, source and time, one an instant; `of` is 0 where unknown."""

    series: Ints
    at: Ints
    value: Floats
    of: Ints
    instants: list[datetime]
    sources: list[str]


@dataclass(frozen=True, slots=True)
class _Series:
    """Where each paper's points of one signal and source begin and end, and whose they are."""

    starts: Ints
    ends: Ints
    whose: Ints
    code: Ints
    source: Ints
    simulated: Flags


def _points(observed: Observed, as_of: datetime) -> _Points:
    sources = sorted(set(observed.source))
    numbers = {name: number for number, name in enumerate(sources)}
    code = np.array([_CODES.get(name, -1) for name in observed.signal], dtype=np.int64)
    value = _believable(observed.value)
    seconds = np.array(list(map(datetime.timestamp, observed.at)), dtype=np.float64) - as_of.timestamp()
    at = np.rint(seconds * _SECOND).astype(np.int64)
    size = _believable(observed.of)
    of = np.where(size > 0, size, 0).astype(np.int64)
    of[code != _PLACE] = 0
    source = np.array([numbers[name] for name in observed.source], dtype=np.int64)
    series = (np.array(observed.whose, dtype=np.int64) * len(KINDS) + code) * len(sources) + source
    kept = np.flatnonzero((code >= 0) & (value >= 0) & (at <= 0) & (at > -(WINDOW // _TICK)))
    order = kept[_order(series[kept], at[kept], value[kept], of[kept])]
    # Repeated at one instant: the largest.
    latest = (np.diff(series[order], append=-1) != 0) | (np.diff(at[order], append=1) != 0)
    order = order[latest]
    instants = [observed.at[index] for index in order.tolist()]
    return _Points(series[order], at[order], value[order], of[order], instants, sources)


def _order(series: Ints, at: Ints, value: Floats, of: Ints) -> Ints:
    """Return the order by series, time, value and size of the page."""
    span = WINDOW // _TICK
    # One number to sort by takes a tenth of the time of four. It does unless there are hundreds of sources, or points
    # of one series at one instant.
    if len(series) and series.max() < _NEVER // span:
        order = np.argsort(series * span + at, kind="stable")
        if not np.any((np.diff(series[order]) == 0) & (np.diff(at[order]) == 0)):
            return order
    return np.lexsort((of, value, at, series))


def _believable(stated: Sequence[float | None]) -> Floats:
    """Return numbers as an array, -1 for what is unknown or absurd."""
    try:
        numbers = np.array(stated, dtype=np.float64)
    except OverflowError:  # an integer that no array holds
        numbers = np.array([one if one is not None and 0 <= one <= MAX_VALUE else -1 for one in stated], dtype=float)
    return np.where((numbers >= 0) & (numbers <= MAX_VALUE), numbers, -1.0)


def _series(points: _Points) -> _Series:
    starts = np.flatnonzero(np.diff(points.series, prepend=-1))
    which, source = np.divmod(points.series[starts], len(points.sources))
    whose, code = np.divmod(which, len(KINDS))
    simulated = np.array([name == SIMULATED for name in points.sources])[source]
    return _Series(starts, np.append(starts[1:], len(points.at)), whose, code, source, simulated)


def _steadied(points: _Points, series: _Series) -> Floats:
    counted = np.repeat(series.code != _PLACE, series.ends - series.starts)
    return np.where(counted, steadied_series(np.where(counted, points.value, 0.0), series.starts), points.value)


def _counts(points: _Points, series: _Series, born: Ints) -> tuple[NDArray[np.generic], ...]:
    """Return weight, strength, level, gained, hours, since_listing and no page size, as of counts; not faded yet."""
    known = _FROM_NOTHING[series.code] & (born != _NEVER)
    start, base, since_listing = _bases(points, series, born, known)
    last, level = points.at[series.ends - 1], points.value[series.ends - 1]
    hours = (last - start) / _HOUR
    gained = np.maximum(level - base, 0.0)
    recent = gained * 24 / np.maximum(hours, _SHORTEST_H)
    life = np.where(known, level * 24 / np.maximum((last - born) / _HOUR, _SHORTEST_H), recent)
    unseen = ~known & (hours == 0)
    recent, life = (np.where(unseen, level / _LEVEL_DAYS, pace) for pace in (recent, life))
    raw = (_RECENT * np.log1p(recent) + (1 - _RECENT) * np.log1p(life)) / _LOG_GAINS[series.code]
    weight = _WEIGHTS[series.code] * np.where(unseen, _UNSEEN_GROWTH, 1.0)
    return weight, 1 - np.exp(-raw), level, gained, hours, since_listing, np.zeros_like(series.code)


def _bases(points: _Points, series: _Series, born: Ints, known: Flags) -> tuple[Ints, Floats, Flags]:
    """Return when and from what value growth is measured, and whether that is nothing, on the day of listing."""
    at, value = points.at, points.value
    before = np.add.reduceat((at <= _LOOK_BACK).astype(np.int64), series.starts)
    first, last = series.starts, series.ends - 1
    grew = (before > 0) & (before <= last - first)
    watched = (before == 0) & (at[last] - at[first] >= _HOUR)
    # Seen once: a fresh paper has all it has since it was listed.
    fresh = ~grew & ~watched & known & (born >= _FORGOTTEN) & (born < at[last])
    index = np.where(grew, first + before - 1, np.where(watched, first, last))
    start, base = at[index], value[index]
    between = np.flatnonzero(grew & (start < _FORGOTTEN))
    between = between[at[index[between] + 1] > _FORGOTTEN]
    here = index[between]
    way = (_FORGOTTEN - at[here]) / (at[here + 1] - at[here])
    logs = np.log1p(value[here]), np.log1p(value[here + 1])
    base[between] = np.expm1(logs[0] + way * (logs[1] - logs[0]))
    start[between] = _FORGOTTEN
    return np.where(fresh, born, start), np.where(fresh, 0.0, base), fresh


def _places(points: _Points, series: _Series) -> tuple[NDArray[np.generic], ...]:
    """Return what `_counts` does, as of places: the last one says it all."""
    place = np.maximum(points.value[series.ends - 1], 1.0)
    of = np.maximum(points.of[series.ends - 1], np.ceil(place).astype(np.int64))
    height = 1 - (place - 1) / np.maximum(of, _SMALLEST_PAGE)
    nothing = np.zeros_like(place)
    weight = np.full_like(place, _WEIGHTS[_PLACE])
    return weight, _PLACE_STRENGTH * height, place, nothing, nothing, nothing.astype(np.bool_), of


def _told_points(
    points: _Points, series: _Series, chosen: Ints
) -> list[tuple[tuple[datetime, float, int | None], ...]]:
    told = list(zip(points.instants, points.value.tolist(), [one or None for one in points.of.tolist()], strict=True))
    spans = zip(series.starts[chosen].tolist(), series.ends[chosen].tolist(), strict=True)
    return [tuple(told[start:end]) for start, end in spans]


def _faded(seen: Ints) -> Floats:
    share: Floats = np.exp(-np.maximum(-seen / _HOUR - GRACE_H, 0) / FADE_H)
    return share


def _ticks(at: datetime, as_of: datetime) -> int:
    return (at - as_of) // _TICK
