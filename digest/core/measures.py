"""How well an order foretold what came: NDCG, precision and rank correlation over one day's papers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from random import Random


def ndcg(scores: Sequence[float], gains: Sequence[float], k: int = 10) -> float:
    """Return the discounted gain of the first k by score, as a share of the best possible; 0 where nothing gained."""
    ideal = sum(gain / math.log2(place + 2) for place, gain in enumerate(sorted(gains, reverse=True)[:k]))
    found = sum(gains[one] / math.log2(place + 2) for place, one in enumerate(_first(scores, k)))
    return found / ideal if ideal else 0.0


def precision(scores: Sequence[float], gains: Sequence[float], k: int) -> float:
    """Return the share of the first k by score that are among the first k by gain; ties in the order given."""
    return len(set(_first(scores, k)) & set(_first(gains, k))) / k


def spearman(scores: Sequence[float], gains: Sequence[float]) -> float:
    """Return the rank correlation, ties at their mean rank; 0 where either side is all equal."""
    one, other = _ranks(scores), _ranks(gains)
    return statistics.correlation(one, other) if len(set(one)) > 1 and len(set(other)) > 1 else 0.0


def measured(scores: Sequence[float], gains: Sequence[float]) -> tuple[float, float, float, float]:
    """Return NDCG@10, P@5, P@10 and Spearman of one day."""
    return (
        ndcg(scores, gains),
        precision(scores, gains, 5),
        precision(scores, gains, 10),
        spearman(scores, gains),
    )


def _first(values: Sequence[float], k: int) -> list[int]:
    return sorted(range(len(values)), key=lambda index: -values[index])[:k]


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks, start = [0.0] * len(values), 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in range(start, end + 1):
            ranks[order[place]] = (start + end) / 2
        start = end + 1
    return ranks


def interval(values: Sequence[float], rng: Random, *, draws: int = 500) -> tuple[float, float]:
    """Return between what the mean would lie 95 times of 100, had other days like these been drawn (bootstrap)."""
    means = sorted(statistics.mean(rng.choices(values, k=len(values))) for _draw in range(draws))
    return means[draws // 40], means[draws - draws // 40 - 1]
