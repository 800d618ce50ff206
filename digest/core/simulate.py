"""Signals the demo makes up: the same for the same paper and instant, on any machine and on any day."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from digest.core.paper import Observation

SIMULATED = "simulated"
"""The source that every observation made up here names."""

_STEP = timedelta(hours=6)
_WINDOW = timedelta(days=14)
_EPOCH = datetime(2025, 1, 6, tzinfo=UTC)  # nothing had attention before it
_ROUND = timedelta(days=16)  # a paper gets attention at most once a round
_UNNOTICED = 0.15  # the share of papers without any signal
_MOST_UPVOTES = 420.0


@dataclass(frozen=True, slots=True)
class _Burst:
    """One wave of attention: when it began, how many upvotes it brings in the end, and how fast (days)."""

    begins: datetime
    upvotes: float
    pace: float
    hn_points: float

    def grown(self, at: datetime) -> float:
        """The share of the wave, 0 to 1, that has come in by an instant."""
        days = (at - self.begins) / timedelta(days=1)
        return 1 - math.exp(-days / self.pace) if days > 0 else 0.0


def simulated_observations(paper_key: str, as_of: datetime, *, has_code: bool = False) -> tuple[Observation, ...]:
    """Make up a paper's signals over the 14 days up to `as_of` (aware), in order of time.

    A value depends on the paper, the signal and the instant alone: an earlier or later `as_of` sees another stretch
    of the same history. Instants are 00, 06, 12 and 18 h UTC; one is left out, except at midnight, where nothing has
    changed since the one before. `github_stars` need `has_code`. Some papers have no signals at all.
    Raises ValueError for a naive `as_of`.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of must be aware")
    if _draw(paper_key, "unnoticed") < _UNNOTICED:
        return ()
    until = as_of.astimezone(UTC)
    last = until.replace(hour=until.hour - until.hour % 6, minute=0, second=0, microsecond=0)
    bursts = _bursts(paper_key, last)
    made: list[Observation] = []
    for step in range(_WINDOW // _STEP, -1, -1):
        at = last - step * _STEP
        for signal, curve in _curves(paper_key, bursts, has_code=has_code).items():
            value, before = math.floor(curve(at)), math.floor(curve(at - _STEP))
            if value > 0 and (value != before or at.hour == 0):
                made.append(Observation(signal=signal, at=at, value=value, source=SIMULATED))
    return tuple(made)


def _curves(paper_key: str, bursts: tuple[_Burst, ...], *, has_code: bool) -> dict[str, Callable[[datetime], float]]:
    """Give each signal as a function of the instant; none ever falls."""
    talk = 0.04 + 0.08 * _draw(paper_key, "talk")
    stars_at_first = 15 * math.exp(4.5 * _draw(paper_key, "stars"))
    stars_per_upvote = 0.5 + 4 * _draw(paper_key, "starred")

    def upvotes(at: datetime) -> float:
        return sum(burst.upvotes * burst.grown(at) for burst in bursts)

    curves: dict[str, Callable[[datetime], float]] = {
        "hf_upvotes": upvotes,
        "hf_comments": lambda at: talk * upvotes(at),
        "hn_points": lambda at: sum(burst.hn_points * burst.grown(at) ** 2 for burst in bursts),
    }
    if has_code:
        curves["github_stars"] = lambda at: stars_at_first + stars_per_upvote * upvotes(at)
    return curves


def _bursts(paper_key: str, until: datetime) -> tuple[_Burst, ...]:
    """List the waves of attention that began by an instant, oldest first."""
    liveliness = 0.3 + 0.6 * _draw(paper_key, "lively")
    first = _EPOCH - _ROUND * _draw(paper_key, "phase")
    bursts: list[_Burst] = []
    for number in range(max(0, (until - first) // _ROUND + 1)):
        if _draw(paper_key, number, "happens") > liveliness:
            continue
        begins = first + _ROUND * (number + _draw(paper_key, number, "begins"))
        if not _EPOCH <= begins <= until:
            continue
        upvotes = min(_MOST_UPVOTES, 14 / (1 - _draw(paper_key, number, "size")) ** 0.9)
        is_shared = _draw(paper_key, number, "shared") < 0.12
        hn_points = (8 + 220 * _draw(paper_key, number, "points") ** 3) if is_shared else 0.0
        bursts.append(_Burst(begins, upvotes, 0.8 + 3.2 * _draw(paper_key, number, "pace"), hn_points))
    return tuple(bursts)


def _draw(*what: object) -> float:
    """Draw a number from 0 up to 1 that depends on its arguments alone."""
    digest = hashlib.sha256("\x1f".join(map(str, what)).encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
