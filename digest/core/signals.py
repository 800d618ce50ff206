"""The kinds of evidence that a trend score knows, and how to read one signal's observations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from digest.core.paper import Observation

SIMULATED = "simulated"
MAX_VALUE = 1e9
_WINDOW = timedelta(days=7)
_LOOK_BACK = timedelta(hours=24)  # growth is measured from the last observation before this
_FORGOTTEN = timedelta(hours=72)  # ... unless that is older than this: then from here, by interpolation
_SHORTEST_H = 6.0  # a rate over less time than this would be noise
_GRACE_H = 72.0  # sources are not polled evenly: an observation keeps its weight for this time
_FADE_H = 48.0  # ... and then loses it, to 1/e in this time
_RECENT = 0.2  # the share of recent growth, beside that since the paper was listed (which predicts better)
_UNSEEN_GROWTH = 0.1  # of a signal's weight, where it was seen once and may be as old as the world
_LEVEL_DAYS = 30.0  # ... its level is then read as that of a month


@dataclass(frozen=True, slots=True)
class Kind:
    """A signal: its words, how much it counts, and the daily gain that is remarkable for it.

    `from_nothing` where it starts at zero when the paper is listed: a repository's stars may be older than the paper.
    """

    one: str
    many: str
    weight: float
    gain: float
    from_nothing: bool = True


PAGE_PLACE = "hf_page_rank"
Point = tuple[datetime, float, int | None]  # an instant, the value then, and for a place the size of its page
KINDS = {
    "hf_upvotes": Kind("upvote", "upvotes", 1.0, 20),
    "hf_comments": Kind("comment", "comments", 0.15, 3),
    "github_stars": Kind("star", "stars", 0.3, 60, from_nothing=False),
    "hn_points": Kind("point on Hacker News", "points on Hacker News", 0.6, 60),
    "hn_comments": Kind("comment on Hacker News", "comments on Hacker News", 0.2, 30),
    "citations": Kind("citation", "citations", 0.3, 2, from_nothing=False),
    PAGE_PLACE: Kind("place", "places", 0.3, 1),
}


@dataclass(frozen=True, slots=True)
class Movement:
    """What one signal says: `strength` 0 to 1, `gained` over `hours`, its `level` now; `simulated` if made up.

    `weight` is the signal's, and little where only a level is known: growth that nobody saw is not a zero.
    `since_listing` marks a gain counted from nothing on the day the paper was listed. `of` is set for page places.
    `points` are the observations it was read from, in order of time, one an instant, counts steadied.
    """

    signal: str
    weight: float
    strength: float
    level: float
    gained: float = 0.0
    hours: float = 0.0
    since_listing: bool = False
    of: int | None = None
    simulated: bool = False
    points: tuple[Point, ...] = ()

    @property
    def words(self) -> str:
        """The movement in a few words, such as `+38 upvotes in 6 h`."""
        made_up = "simulated " if self.simulated else ""
        kind = KINDS[self.signal]
        if self.signal == PAGE_PLACE:
            return f"{made_up}place {self.level:.0f} of {self.of} on the day's page"
        gained = round(self.gained)
        if gained >= 1:
            noun = kind.one if gained == 1 else kind.many
            span = "since it was listed" if self.since_listing else f"in {_span(self.hours)}"
            return f"+{gained:,} {made_up}{noun} {span}"
        return f"{self.level:,.0f} {made_up}{kind.one if round(self.level) == 1 else kind.many}"


def movements(observations: Iterable[Observation], as_of: datetime, listed_at: datetime | None) -> list[Movement]:
    """Read every known signal's observations of the last 7 days up to an instant, one movement a signal.

    Absurd, later and unknown observations are passed over. Where several sources report one signal, the one that
    moved most speaks, and one that was not made up before one that was.
    """
    series: dict[tuple[str, str], list[Point]] = {}
    since = as_of - _WINDOW
    for seen in observations:
        if seen.signal in KINDS and since < seen.at <= as_of and _believable(seen):
            series.setdefault((seen.signal, seen.source), []).append((seen.at, float(seen.value), seen.of))
    best: dict[str, Movement] = {}
    for (signal, source), points in series.items():
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


def faded(seen_at: datetime, as_of: datetime) -> float:
    """Return the share, 1 to 0, of its weight that an observation keeps: all for three days, then less and less."""
    hours = (as_of - seen_at).total_seconds() / 3600
    return math.exp(-max(hours - _GRACE_H, 0) / _FADE_H)


def _span(hours: float) -> str:
    if hours < 1:
        return "under 1 h"
    return f"{round(hours)} h" if hours < 47.5 else f"{round(hours / 24)} days"
