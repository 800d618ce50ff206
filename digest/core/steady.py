"""Counts as they should have been observed: without spikes and dips, and never falling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def steadied(values: Sequence[float]) -> list[float]:
    """Return one count's values without single spikes and dips, and never decreasing; see `steadied_series`."""
    steady: list[float] = steadied_series(np.array(values, dtype=np.float64), np.array([0])).tolist()
    return steady


def steadied_series(values: Floats, starts: Ints) -> Floats:
    """Steady many series, laid end to end in `values` and beginning at `starts`; none is empty.

    A median of three takes out the spikes; what still falls is averaged with what came before it (isotonic
    regression by pool adjacent violators) on the log scale, so that one absurd value moves little. A series that
    never falls stays as it is.
    """
    steady = values.copy()
    lengths = np.diff(starts, append=len(values))
    falls = np.diff(values, prepend=0.0) < 0
    falls[starts] = False
    odd = np.logical_or.reduceat(falls, starts)
    # Series of similar length share a rectangle, so that its padding is never more than half of it.
    sizes = np.frexp(lengths)[1]
    for size in np.unique(sizes[odd]):
        chosen = np.flatnonzero(odd & (sizes == size))
        places = np.arange(lengths[chosen].max())
        inside = places < lengths[chosen, None]
        where = (starts[chosen, None] + places)[inside]
        logs = np.full(inside.shape, np.inf)
        logs[inside] = np.log1p(values[where])
        steady[where] = np.expm1(_isotonic(_without_spikes(logs, lengths[chosen]))[inside])
    return steady


def _without_spikes(logs: Floats, lengths: Ints) -> Floats:
    """Return rows with each value between two others replaced by the middle one of the three."""
    if logs.shape[1] < 3:
        return logs
    before, here, after = logs[:, :-2], logs[:, 1:-1], logs[:, 2:]
    middle = np.maximum(np.minimum(before, here), np.minimum(np.maximum(before, here), after))
    smooth = logs.copy()
    between = np.arange(1, logs.shape[1] - 1) < lengths[:, None] - 1
    smooth[:, 1:-1][between] = middle[between]
    return smooth


def _isotonic(rows: Floats) -> Floats:
    """Return each row's least-squares fit that never falls; a row is a stack of pools, all rows move together."""
    count, length = rows.shape
    means, sizes = np.empty_like(rows), np.zeros((count, length), dtype=np.int64)
    depth = np.zeros(count, dtype=np.int64)
    every = np.arange(count)
    for place in range(length):
        mean, size = rows[:, place].copy(), np.ones(count, dtype=np.int64)
        falling = every[depth > 0]
        while len(falling := falling[means[falling, depth[falling] - 1] > mean[falling]]):
            depth[falling] -= 1
            earlier, many = means[falling, depth[falling]], sizes[falling, depth[falling]]
            mean[falling] = (earlier * many + mean[falling] * size[falling]) / (many + size[falling])
            size[falling] += many
            falling = falling[depth[falling] > 0]
        means[every, depth], sizes[every, depth] = mean, size
        depth += 1
    pools = np.arange(length) < depth[:, None]
    return np.repeat(means[pools], sizes[pools]).reshape(count, length)
