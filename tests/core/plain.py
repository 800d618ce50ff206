"""The score worked out plainly, one paper and one observation at a time: what the fast ways must agree with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from digest.core.evidence import ground, lead
from digest.core.paper import Observation
from digest.core.signals import KINDS, MAX_VALUE, PAGE_PLACE, SIMULATED, WINDOW, Movement, Point, faded
from digest.core.trend import MAX_SHARE, Appraisal, Candidate, Part

_LOOK_BACK = timedelta(hours=24)
_FORGOTTEN = timedelta(hours=72)
_SHORTEST_H = 6.0
_RECENT = 0.2
_UNSEEN_GROWTH = 0.1
_LEVEL_DAYS = 30.0
_MOST_OF_ALL = 0.75
_ASIDE = 0.5
FORETOLD = MAX_SHARE / (1 - MAX_SHARE) * 0.3


def movements(observations: Iterable[Observation], as_of: datetime, listed_at: datetime | None) -> list[Movement]:
    """Read one paper's signals."""
    series: dict[tuple[str, str], list[Point]] = {}
    since = as_of - WINDOW
    for seen in observations:
        if seen.signal in KINDS and since < seen.at <= as_of and _believable(seen):
            series.setdefault((seen.signal, seen.source), []).append((seen.at, float(seen.value), seen.of))
    best: dict[str, Movement] = {}
    for (signal, source), points in sorted(series.items()):
        points.sort(key=lambda point: (point[0], point[1], point[2] or 0))
        moved = (
            _place(points, as_of, source) if signal == PAGE_PLACE else _count(signal, points, as_of, listed_at, source)
        )
        rival = best.get(signal)
        if rival is None or (not moved.simulated, moved.strength, moved.level) > (
            not rival.simulated,
            rival.strength,
            rival.level,
        ):
            best[signal] = moved
    return [best[signal] for signal in KINDS if signal in best]


def steadied(values: Sequence[float]) -> list[float]:
    """Return a count's values without single spikes and dips, and never decreasing.

    A median of three takes out the spikes; what still falls is averaged with what came before it (isotonic
    regression by pool adjacent violators) on the log scale, so that one absurd value moves little.
    """
    if all(before <= after for before, after in pairwise(values)):
        return list(values)
    logs = [math.log1p(value) for value in values]
    if len(logs) > 2:
        logs = [logs[0], *(sorted(logs[n - 1 : n + 2])[1] for n in range(1, len(logs) - 1)), logs[-1]]
    pools: list[tuple[float, int]] = []
    for value in logs:
        mean, size = value, 1
        while pools and pools[-1][0] > mean:
            earlier, count = pools.pop()
            mean, size = (earlier * count + mean * size) / (count + size), size + count
        pools.append((mean, size))
    return [math.expm1(mean) for mean, size in pools for _ in range(size)]


def _believable(seen: Observation) -> bool:
    return 0 <= seen.value <= MAX_VALUE  # false for nan, and for infinities


def _count(
    signal: str,
    points: Sequence[Point],
    as_of: datetime,
    listed_at: datetime | None,
    source: str,
) -> Movement:
    latest: dict[datetime, float] = {at: value for at, value, _of in points}  # repeated at one instant: the largest
    instants = list(latest)
    values = steadied(list(latest.values()))
    kind = KINDS[signal]
    level, last = values[-1], instants[-1]
    born = listed_at if kind.from_nothing else None
    start, base, since_listing = _base(instants, values, as_of, born)
    hours = (last - start).total_seconds() / 3600
    gained = max(level - base, 0.0)
    recent = life = gained * 24 / max(hours, _SHORTEST_H)
    if born is not None:
        life = level * 24 / max((last - born).total_seconds() / 3600, _SHORTEST_H)
    weight = kind.weight
    if born is None and hours == 0:
        life, weight = level / _LEVEL_DAYS, weight * _UNSEEN_GROWTH
        recent = life
    raw = (_RECENT * math.log1p(recent) + (1 - _RECENT) * math.log1p(life)) / math.log1p(kind.gain)
    strength = (1 - math.exp(-raw)) * faded(last, as_of)
    steady = tuple((at, value, None) for at, value in zip(instants, values, strict=True))
    made_up = source == SIMULATED
    return Movement(signal, weight, strength, level, gained, hours, since_listing, simulated=made_up, points=steady)


def _base(
    instants: Sequence[datetime], values: Sequence[float], as_of: datetime, listed_at: datetime | None
) -> tuple[datetime, float, bool]:
    """Return when and from what value growth is measured, and whether that is nothing, on the day of listing."""
    before = [index for index, at in enumerate(instants) if at <= as_of - _LOOK_BACK]
    if before and before[-1] < len(instants) - 1:
        index = before[-1]
        at, after = instants[index], instants[index + 1]
        earliest = as_of - _FORGOTTEN
        if at >= earliest or after <= earliest:
            return at, values[index], False
        way = (earliest - at) / (after - at)
        logs = math.log1p(values[index]), math.log1p(values[index + 1])
        return earliest, math.expm1(logs[0] + way * (logs[1] - logs[0])), False
    if not before and instants[-1] - instants[0] >= timedelta(hours=1):
        return instants[0], values[0], False
    if listed_at is not None and as_of - _FORGOTTEN <= listed_at < instants[-1]:
        return listed_at, 0.0, True  # seen once: a fresh paper has all it has since it was listed
    return instants[-1], values[-1], False


def _place(points: Sequence[Point], as_of: datetime, source: str) -> Movement:
    at, place, stated = points[-1]
    place = max(place, 1.0)
    of = max(stated or 0, math.ceil(place))
    height = 1 - (place - 1) / max(of, 10)  # first of two is not first of twenty, but first all the same
    weight, strength = KINDS[PAGE_PLACE].weight, 0.8 * height * faded(at, as_of)
    once = tuple({point[0]: point for point in points}.values())
    return Movement(PAGE_PLACE, weight, strength, place, of=of, simulated=source == SIMULATED, points=once)


def shared(leanings: dict[str, float]) -> dict[str, float]:
    """Turn weights into shares of 1, none above what one of several signals may have."""
    total = sum(leanings.values())
    shares = {signal: weight / total for signal, weight in leanings.items()}
    first = max(shares, key=shares.__getitem__)
    if len(shares) > 1 and shares[first] > _MOST_OF_ALL:
        rest = 1 - shares[first]
        shares = {signal: share * (1 - _MOST_OF_ALL) / rest for signal, share in shares.items()}
        shares[first] = _MOST_OF_ALL
    return shares


def appraisal(
    candidate: Candidate, moved: Sequence[Movement], promised: dict[str, float], as_of: datetime
) -> Appraisal:
    days = (as_of.date() - candidate.listed_on).days if candidate.listed_on else None
    start = ground(
        days,
        foretold=bool(promised),
        has_code=bool(candidate.has_code),
        categories=candidate.categories,
        listings=candidate.listings,
    )
    told = {one.signal: one for one in moved}
    base = sum(amount for _name, amount, _words in start)
    amounts = {signal: FORETOLD * strength for signal, strength in promised.items()}
    room = 1 - base - sum(amounts.values())
    asides = {
        one.signal: -math.log(1 - _ASIDE * one.weight * one.strength) for one in moved if one.signal not in promised
    }
    said = sum(asides.values())
    if said > 0:
        added = room * (1 - math.exp(-said))
        amounts |= {signal: added * weight / said for signal, weight in asides.items()}
    stated = [*((signal, amount, told[signal].words) for signal, amount in amounts.items()), *start]
    value = sum(amount for _name, amount, _words in stated)
    parts = tuple(
        Part(name, round(amount / value, 4), words)
        for name, amount, words in sorted(stated, key=lambda part: -part[1])
        if amount > 0
    )
    return Appraisal(
        paper_id=candidate.paper_id,
        primary_category=candidate.primary_category,
        value=round(value, 6),
        parts=parts,
        lead=lead([told[part.name] for part in parts if part.name in told], start),
        moved=any(amount > 0 for amount in amounts.values()),
        simulated=any(one.simulated for one in moved),
    )
