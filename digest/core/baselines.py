"""The simple orders that a score must beat, of papers whose upvotes were seen at an instant and again later."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

_HOUR = timedelta(hours=1)
_YOUNGEST_H = 0.5


@dataclass(frozen=True, slots=True)
class Trial:
    """A paper at an instant: since when it is listed, its upvotes as last seen by then and when, and what it gained.

    `gained` is from that count to the first one seen when the time ahead was over; a falling count gained nothing.
    """

    paper_id: int
    listed_at: datetime
    votes: float
    seen_at: datetime
    gained: float


def _age(listed_at: datetime, at: datetime) -> float:
    return max(_YOUNGEST_H, (at - listed_at) / _HOUR)


Baseline = Callable[[Trial, datetime, Random], float]
"""What an order gives a paper at an instant: more is further up."""

BASELINES: dict[str, Baseline] = {
    "random": lambda _one, _at, rng: rng.random(),
    "newest first": lambda one, _at, _rng: one.listed_at.timestamp(),
    "raw upvotes": lambda one, _at, _rng: one.votes,
    "Hacker News gravity": lambda one, at, _rng: (max(one.votes, 1) - 1) / (_age(one.listed_at, at) + 2) ** 1.8,
    "velocity": lambda one, _at, _rng: one.votes / _age(one.listed_at, one.seen_at),
    "log votes less half log age": lambda one, _at, _rng: (
        math.log1p(one.votes) - 0.5 * math.log(_age(one.listed_at, one.seen_at) + 2)
    ),
}
