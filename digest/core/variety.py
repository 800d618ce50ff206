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
_TENS = 10  # are wanted at a time: whoever wants as many looks at as many cards, in whatever company


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
    wanting = np.maximum(np.asarray(counts, dtype=np.int64), 0)
    tens = -(-wanting // _TENS)
    losing = np.where(mixed, likeness, 0.0)
    chosen: list[Places] = [[] for _ in counts]
    for ten in np.unique(tens[tens > 0]).tolist():
        # Those who want most first: with each step fewer rows are looked at.
        rows = np.flatnonzero(tens == ten)
        rows = rows[np.argsort(-wanting[rows], kind="stable")]
        width = min(value.shape[1], _LOOKED_AT * _TENS * ten + _MORE)
        least = -value[rows]
        among = np.argpartition(least, width - 1, axis=1)[:, :width]
        among.sort(axis=1)
        best = -np.take_along_axis(least, among, axis=1)
        if alike is None or not mixed[rows].any():
            at = np.argsort(-best, axis=1, kind="stable")[:, : wanting[rows[0]]]
            columns, worth = np.take_along_axis(among, at, axis=1), np.take_along_axis(best, at, axis=1)
        else:
            columns, worth = _apart(best, among, wanting[rows], alike, losing[rows])
        # What is never chosen has the least worth, so it stands last.
        sizes = np.minimum(np.isfinite(worth).sum(axis=1), wanting[rows])
        for row, its, size in zip(rows.tolist(), columns.tolist(), sizes.tolist(), strict=True):
            chosen[row] = its[:size]
    return chosen


def _apart(
    best: NDArray[np.float64],
    among: NDArray[np.int64],
    wanting: NDArray[np.int64],
    alike: NDArray[np.float32],
    losing: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Choose from the best columns of rows, those who want most first, what is apart from what was chosen before."""
    left = best.copy()
    every, pairs = np.arange(len(best)), np.ravel(alike)
    columns = np.zeros((len(best), min(int(wanting[0]), best.shape[1])), dtype=np.int64)
    worth = np.full(columns.shape, -np.inf)
    for step in range(columns.shape[1]):
        few = int(np.count_nonzero(wanting > step))
        rows = every[:few]
        at = left[:few].argmax(axis=1)
        column = among[rows, at]
        columns[:few, step], worth[:few, step] = column, left[rows, at]
        left[rows, at] = -np.inf
        # What is left of a value by its nearest is the least of what is left of it by any.
        loss = losing[:few, np.newaxis] * pairs.take(among[:few] + (column * len(alike))[:, np.newaxis], mode="clip")
        np.minimum(left[:few], np.subtract(best[:few], loss, out=loss), out=left[:few])
    return columns, worth
