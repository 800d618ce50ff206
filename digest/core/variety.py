"""The best cards of many readers at once, chosen so that one topic does not fill an edition.

Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): each next card is the one with the highest value after
what it loses by its likeness to the nearest of those chosen before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Places = list[int]

LIKENESS = 3.0  # standard deviations that a card loses where it is the same as one before it; see docs/tailoring.md
_LOOKED_AT = 3  # times as many cards as are chosen ...
_MORE = 20  # ... and some more


def varied(
    value: NDArray[np.float64],
    counts: Sequence[int],
    alike: NDArray[np.float32] | None,
    mixed: NDArray[np.bool_],
    likeness: float = LIKENESS,
) -> list[Places]:
    """Choose for each row at most so many of its columns, best first; -inf is never chosen.

    `alike` compares columns with columns, 0 to 1, and counts for the rows that are to be `mixed`.
    """
    most = max(counts, default=0)
    if most <= 0:
        return [[] for _ in counts]
    width = min(value.shape[1], _LOOKED_AT * most + _MORE)
    among = np.argpartition(-value, width - 1, axis=1)[:, :width]
    among.sort(axis=1)
    best = np.take_along_axis(value, among, axis=1)
    if alike is None or not mixed.any():
        order = np.argsort(-best, axis=1, kind="stable")[:, :most]
        return _chosen(np.take_along_axis(among, order, axis=1), np.take_along_axis(best, order, axis=1), counts)
    # Those who want most first: with each step fewer rows are looked at.
    order = np.argsort(-np.asarray(counts), kind="stable")
    best, among = best[order], among[order]
    nearest = np.zeros(best.shape, dtype=np.float32)
    losing = np.where(mixed[order], likeness, 0.0)[:, np.newaxis]
    wanting = np.asarray(counts)[order]
    chosen = np.zeros((len(best), min(most, width)), dtype=np.int64)
    worth = np.full(chosen.shape, -np.inf)
    for step in range(chosen.shape[1]):
        few = slice(0, int(np.count_nonzero(wanting > step)))
        rows = np.arange(few.stop)
        at = (best[few] - losing[few] * nearest[few]).argmax(axis=1)
        columns = among[rows, at]
        chosen[rows, step], worth[rows, step] = columns, best[rows, at]
        best[rows, at] = -np.inf
        np.maximum(nearest[few], alike[columns[:, np.newaxis], among[few]], out=nearest[few])
    back = np.argsort(order, kind="stable")
    return _chosen(chosen[back], worth[back], counts)


def _chosen(columns: NDArray[np.int64], worth: NDArray[np.float64], counts: Sequence[int]) -> list[Places]:
    there = np.isfinite(worth)
    return [
        [place for place, is_there in zip(its[:count], real[:count], strict=True) if is_there]
        for its, real, count in zip(columns.tolist(), there.tolist(), counts, strict=True)
    ]
