"""What a day's page tells when its papers are read side by side.

A page is in the order of votes, and its places are seen more often than votes are counted. So the places say how many
votes each paper has by now: the paper in third place has about as many as the third best count of that page.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from statistics import median
from typing import NamedTuple

from digest.core.signals import PAGE_PLACE, Movement, Point

_VOTES = "hf_upvotes"
_FEWEST = 3  # counted papers, below which their order says nothing
_ONE_POLL = timedelta(hours=1)


class PageVotes(NamedTuple):
    """A paper's votes by its place, as log(1 + votes), and how they stand to those of its page.

    `overdue` is what the last count lacks of it (less than 0 where the paper was overtaken), nan where there was no
    count. `gap_above` and `gap_below` are to the next papers of the page, nan at its ends; `behind_first` is to the
    first, and `above_middle` to the median.
    """

    votes: float
    overdue: float
    gap_above: float
    gap_below: float
    behind_first: float
    above_middle: float


def page_votes(read: Sequence[Mapping[str, Movement]]) -> list[PageVotes | None]:
    """Compare each paper with those of its page: by what was seen of all by one instant, in the order given.

    A page is known by the day on which its papers were first seen on it, and counts as of its last poll. None for a
    paper that was not on that, and where fewer than three papers of the page have a count.
    """
    pages: dict[date, list[int]] = {}
    last: dict[int, Point] = {}
    for index, moved in enumerate(read):
        if PAGE_PLACE in moved:
            points = moved[PAGE_PLACE].points
            pages.setdefault(points[0][0].date(), []).append(index)
            last[index] = points[-1]
    found: list[PageVotes | None] = [None] * len(read)
    for several in pages.values():
        since = max([last[index][0] for index in several]) - _ONE_POLL
        polled = [index for index in several if last[index][0] >= since]
        # By votes where two claim one place, and alike if those are equal too: the order they are given in is nothing.
        claims = {index: (last[index][1], -_counted(read[index], -1.0)) for index in polled}
        polled.sort(key=claims.__getitem__)
        counts = [None if math.isnan(count := _counted(read[index])) else count for index in polled]
        if sum(count is not None for count in counts) >= _FEWEST:
            first: dict[tuple[float, float], PageVotes] = {}
            for index, votes in zip(polled, _compared(counts), strict=True):
                found[index] = first.setdefault(claims[index], votes)
    return found


def _compared(counts: Sequence[float | None]) -> list[PageVotes]:
    """Compare the papers of one page, given the log counts in the order of their places."""
    known = [place for place, count in enumerate(counts) if count is not None]
    ranked = sorted((count for count in counts if count is not None), reverse=True)
    votes = [_between(place, known, ranked) for place in range(len(counts))]
    middle = median(votes)
    last = len(votes) - 1
    return [
        PageVotes(
            votes=one,
            overdue=one - counted if counted is not None else math.nan,
            gap_above=votes[place - 1] - one if place else math.nan,
            gap_below=one - votes[place + 1] if place < last else math.nan,
            behind_first=votes[0] - one,
            above_middle=one - middle,
        )
        for place, (one, counted) in enumerate(zip(votes, counts, strict=True))
    ]


def _between(place: int, known: Sequence[int], ranked: Sequence[float]) -> float:
    """Return the votes that belong to a place, between those of the nearest places with a count."""
    after = bisect_left(known, place)
    if after == 0:
        return ranked[0]
    if after == len(known):
        return ranked[-1]
    before, more, fewer = known[after - 1], ranked[after - 1], ranked[after]
    return more + (fewer - more) * (place - before) / (known[after] - before)


def _counted(moved: Mapping[str, Movement], unknown: float = math.nan) -> float:
    return math.log1p(moved[_VOTES].level) if _VOTES in moved else unknown
